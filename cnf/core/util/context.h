// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string_view>
#include <utility>

namespace cnf {

/// Requests as stores bill them.
enum class RequestKind : std::uint8_t { get, head, put, list, remove, copy };
inline constexpr std::size_t kRequestKinds = 6;
[[nodiscard]] std::string_view to_string(RequestKind kind) noexcept;

/// What some work cost so far. A value: take one before and after to see what lies between.
struct Usage {
  std::array<std::uint64_t, kRequestKinds>
      requests{};                  ///< Attempts sent, by RequestKind; a retry counts.
  std::uint64_t bytes_wanted = 0;  ///< Bytes callers asked for.
  std::uint64_t bytes_fetched =
      0;                         ///< Bytes that came: wanted ones, gaps between them, and retries.
  std::uint64_t bytes_sent = 0;  ///< Bytes of object data uploaded.
  std::uint64_t retries = 0;
  std::uint64_t throttles = 0;  ///< Answers that asked to slow down (429, 503 SlowDown).
  std::uint64_t hedges = 0;     ///< Second requests for an answer that was late; in `requests` too.
  std::uint64_t connections_new = 0;
  std::uint64_t connections_reused = 0;  ///< Requests that went out over an open connection.
  std::uint64_t cache_hits = 0;  ///< Requests that a cache answered, which are not in `requests`.
  double usd = 0;                ///< What the stores asked for it, by their list prices.

  [[nodiscard]] std::uint64_t total_requests() const noexcept;
  [[nodiscard]] std::uint64_t count(RequestKind kind) const noexcept {
    return requests[static_cast<std::size_t>(kind)];
  }
};

/// Counters that storage backends add to. Threads: every member may be called concurrently.
class Accounting {
 public:
  void add_request(RequestKind kind) noexcept;
  void add_wanted(std::uint64_t bytes) noexcept { wanted_ += bytes; }
  void add_fetched(std::uint64_t bytes) noexcept { fetched_ += bytes; }
  void add_sent(std::uint64_t bytes) noexcept { sent_ += bytes; }
  void add_retry() noexcept { ++retries_; }
  void add_throttle() noexcept { ++throttles_; }
  void add_hedge() noexcept { ++hedges_; }
  void add_connection(bool is_new) noexcept { ++(is_new ? connections_new_ : connections_reused_); }
  void add_cache_hit() noexcept { ++cache_hits_; }
  void add_usd(double usd) noexcept { usd_ += usd; }
  [[nodiscard]] Usage snapshot() const noexcept;

 private:
  std::array<std::atomic<std::uint64_t>, kRequestKinds> requests_{};
  std::atomic<std::uint64_t> wanted_{0}, fetched_{0}, sent_{0}, retries_{0}, throttles_{0};
  std::atomic<std::uint64_t> hedges_{0}, connections_new_{0}, connections_reused_{0};
  std::atomic<std::uint64_t> cache_hits_{0};
  std::atomic<double> usd_{0};
};

/// What every call that can block takes: when to stop, and where to count.
///
/// Cheap to copy. The default one never stops, has no deadline, and counts nowhere that can be
/// seen.
class Context {
 public:
  using Clock = std::chrono::steady_clock;

  Context() = default;
  explicit Context(std::stop_token stop) : stop_(std::move(stop)) {}

  [[nodiscard]] Context with_stop(std::stop_token stop) const;
  /// The earlier of this context's deadline and `deadline` holds.
  [[nodiscard]] Context with_deadline(Clock::time_point deadline) const;
  [[nodiscard]] Context with_accounting(std::shared_ptr<Accounting> accounting) const;

  [[nodiscard]] const std::stop_token& stop() const noexcept { return stop_; }
  [[nodiscard]] Clock::time_point deadline() const noexcept { return deadline_; }
  [[nodiscard]] Accounting& accounting() const noexcept { return *accounting_; }
  [[nodiscard]] const std::shared_ptr<Accounting>& shared_accounting() const noexcept {
    return accounting_;
  }

  /// Throws Error cancelled or deadline_exceeded, naming what was being done, if it is time to
  /// stop.
  void check(std::string_view doing, std::string_view subject) const;
  /// The same for a caller with a clock of its own.
  void check_at(Clock::time_point now, std::string_view doing, std::string_view subject) const;

 private:
  std::stop_token stop_;
  Clock::time_point deadline_ = Clock::time_point::max();
  std::shared_ptr<Accounting> accounting_ = std::make_shared<Accounting>();
};

}  // namespace cnf
