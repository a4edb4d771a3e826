// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string_view>

#include <curl/curl.h>

#include "cnf/core/storage/http/http_engine_internal.h"

namespace cnf::storage {

/// What a Retry-After header asks for: seconds, or a date from which `now` is taken; never
/// negative. nullopt if it is neither.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_retry_after(
    std::string_view value, std::chrono::sys_seconds now);

/// What HTTP itself says about a status: nullopt for 2xx. A dialect that knows better goes first.
[[nodiscard]] std::optional<HttpFailure> failure_of_status(int status);

/// What a store means by one of its own words.
struct KnownCode {
  std::string_view name;
  Errc code = Errc::internal;
  HttpFailure::Retry retry = HttpFailure::Retry::no;
  std::string_view remedy;
};
/// nullptr if the table has no such word.
[[nodiscard]] const KnownCode* find_code(std::span<const KnownCode> codes, std::string_view name);
/// Puts a store's word and its message into a failure, and what the table says of the word.
void explain(HttpFailure& failure, std::span<const KnownCode> codes, std::string_view name,
             std::string_view message);

/// What a connection's failure means.
[[nodiscard]] HttpFailure failure_of_connection(CURLcode code, std::string_view text);

/// How many requests may be in flight: halves when the store asks to slow down, at most once per
/// round of requests, and grows by one per round of good answers, up to `most`.
class AdaptiveLimit {
 public:
  using TimePoint = Context::Clock::time_point;

  explicit AdaptiveLimit(unsigned most) noexcept : most_(most), limit_(most) {}
  [[nodiscard]] unsigned limit() const noexcept { return limit_; }
  void succeeded() noexcept;
  /// \param started  when the request was sent; one sent before the last halving says nothing new.
  void throttled(TimePoint started, TimePoint now) noexcept;

 private:
  unsigned most_;
  unsigned limit_;
  unsigned successes_ = 0;
  TimePoint halved_ = TimePoint::min();
};

}  // namespace cnf::storage
