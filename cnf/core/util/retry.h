// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <random>
#include <stop_token>
#include <string_view>

#include "cnf/core/util/context.h"

namespace cnf {

/// Time as the retry loop sees it, so that tests of it take none.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Context::Clock::time_point now() const = 0;
  /// Returns early, without an error, when `stop` is set.
  virtual void sleep_until(Context::Clock::time_point when, const std::stop_token& stop) = 0;

  /// The machine's own clock.
  [[nodiscard]] static Clock& system();
};

/// When to try again after a transient failure: exponential backoff with full jitter (AWS
/// Architecture Blog, "Exponential Backoff And Jitter"), never past the deadline.
struct RetryPolicy {
  int max_attempts = 10;
  std::chrono::milliseconds base{100};
  std::chrono::milliseconds cap{15'000};
  /// A store that asks to wait longer than this is not waited for: its last error is the answer.
  std::chrono::milliseconds longest_retry_after{120'000};

  /// How long to wait before attempt `attempt` + 1 (`attempt` counts from 1); nullopt: give up.
  /// \param retry_after  what the store asked for, if it did: it is a lower bound.
  /// \param now,deadline no wait ends after `deadline`; one that would means giving up at once.
  [[nodiscard]] std::optional<std::chrono::milliseconds> delay(
      int attempt, std::optional<std::chrono::milliseconds> retry_after,
      Context::Clock::time_point now, Context::Clock::time_point deadline,
      std::mt19937_64& random) const;
};

/// Calls `attempt` until it returns, throws an Error that is not transient, or the policy gives up;
/// then the last Error is rethrown. Counts each retry in the context's accounting.
/// Throws cancelled or deadline_exceeded as Context::check does.
void retry(const RetryPolicy& policy, const Context& context, Clock& clock, std::string_view doing,
           std::string_view subject, const std::function<void()>& attempt);

}  // namespace cnf
