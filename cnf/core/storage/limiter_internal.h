// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "cnf/core/util/context.h"

namespace cnf::storage {

/// Tokens that come at a steady rate, of which at most `burst` are kept. Full at first.
/// Threads: one at a time.
class TokenBucket {
 public:
  using Time = Context::Clock::time_point;

  /// \param rate   tokens a second, above 0.
  /// \param burst  at least 1.
  TokenBucket(double rate, double burst) : rate_(rate), burst_(burst), tokens_(burst) {}

  /// When the next token is there: `now` or before it if one is.
  [[nodiscard]] Time ready_at(Time now);
  /// Takes tokens if so many are there at `now`.
  [[nodiscard]] bool take(double count, Time now);

 private:
  void fill(Time now);

  const double rate_;
  const double burst_;
  double tokens_;
  Time filled_{};  // up to when tokens_ counts; the epoch: from the first call on
};

/// Gives turns in the order in which they were asked for.
/// Threads: every member may be called concurrently.
class Limiter {
 public:
  /// \param rate         turns a second; 0: no limit.
  /// \param burst        turns that may be taken at once after a pause; at least 1.
  /// \param concurrency  turns that are held at once; 0: no limit.
  Limiter(double rate, double burst, unsigned concurrency)
      : has_rate_(rate > 0), bucket_(has_rate_ ? rate : 1, burst), concurrency_(concurrency) {}

  /// Turns that are held until they are given back, at the latest when this is destroyed.
  /// Threads: give_back() may be called concurrently.
  class Turns {
   public:
    Turns(Limiter& limiter, unsigned count) : limiter_(limiter), left_(count) {}
    ~Turns() { limiter_.release(left_); }
    Turns(const Turns&) = delete;
    Turns& operator=(const Turns&) = delete;

    /// One of them; no more often than there are.
    void give_back() {
      --left_;
      limiter_.release(1);
    }

   private:
    Limiter& limiter_;
    std::atomic<unsigned> left_;
  };

  /// What a turn counts for: a request; or work on requests that are counted elsewhere, which is
  /// under way like one but takes none of the rate.
  enum class Counts : std::uint8_t { as_request, as_work };

  /// Waits for its turn. Throws Error cancelled or deadline_exceeded, naming `doing` and `uri`.
  [[nodiscard]] Turns take(const Context& context, std::string_view doing, const std::string& uri,
                           Counts counts = Counts::as_request);
  /// So many turns for requests, if nobody need wait for that; null otherwise.
  [[nodiscard]] std::unique_ptr<Turns> take_now(unsigned count);
  /// Those in line at this moment.
  [[nodiscard]] std::size_t waiting() const;

 private:
  // False if the context ends first. Others wait in line meanwhile.
  [[nodiscard]] bool wait_for_token(std::unique_lock<std::mutex>& lock, const Context& context);
  void release(unsigned count);

  const bool has_rate_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable_any changed_;
  TokenBucket bucket_;
  const unsigned concurrency_;
  unsigned held_ = 0;
  std::uint64_t next_ticket_ = 0;
  std::deque<std::uint64_t> waiting_;  // tickets; the first is served next
};

}  // namespace cnf::storage
