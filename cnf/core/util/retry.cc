// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/retry.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <string_view>

#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf {
namespace {

using std::chrono::milliseconds;

class SystemClock final : public Clock {
 public:
  Context::Clock::time_point now() const override { return Context::Clock::now(); }

  void sleep_until(Context::Clock::time_point when, const std::stop_token& stop) override {
    std::mutex mutex;
    std::condition_variable_any woken;
    std::unique_lock lock(mutex);
    woken.wait_until(lock, stop, when, [] { return false; });
  }
};

// The longest wait after the attempt-th failure, doubled each time without overflow.
milliseconds ceiling(const RetryPolicy& policy, int attempt) {
  milliseconds ceiling = std::min(policy.base, policy.cap);
  for (int i = 1; i < attempt && ceiling < policy.cap; ++i) {
    ceiling = ceiling > policy.cap / 2 ? policy.cap : ceiling * 2;
  }
  return std::max(ceiling, milliseconds::zero());
}

}  // namespace

Clock& Clock::system() {
  static SystemClock clock;
  return clock;
}

std::optional<milliseconds> RetryPolicy::delay(int attempt, std::optional<milliseconds> retry_after,
                                               Context::Clock::time_point now,
                                               Context::Clock::time_point deadline,
                                               std::mt19937_64& random) const {
  if (attempt >= max_attempts) return std::nullopt;
  if (retry_after && *retry_after > longest_retry_after) return std::nullopt;
  std::uniform_int_distribution<std::int64_t> jitter(0, ceiling(*this, attempt).count());
  const milliseconds wait =
      std::max(milliseconds(jitter(random)), retry_after.value_or(milliseconds::zero()));
  if (now >= deadline || wait >= deadline - now) return std::nullopt;
  return wait;
}

void retry(const RetryPolicy& policy, const Context& context, Clock& clock, std::string_view doing,
           std::string_view subject, const std::function<void()>& attempt) {
  std::optional<std::mt19937_64> random;  // seeded on the first failure: most calls never need it
  context.check_at(clock.now(), doing, subject);
  for (int attempts = 1;; ++attempts) {
    std::optional<milliseconds> wait;
    try {
      return attempt();
    } catch (const Error& error) {
      if (!error.is_transient()) throw;
      if (!random) random.emplace(std::random_device()());
      wait = policy.delay(attempts, std::nullopt, clock.now(), context.deadline(), *random);
      if (!wait) throw;
    }
    clock.sleep_until(clock.now() + *wait, context.stop());
    context.check_at(clock.now(), doing, subject);
    context.accounting().add_retry();
  }
}

}  // namespace cnf
