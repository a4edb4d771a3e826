// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {

/// A secret, and when the store will no longer take it.
template <typename Secret>
struct Expiring {
  Secret secret;
  std::chrono::sys_seconds expires = std::chrono::sys_seconds::max();
};

/// A secret that is asked for when it is first needed, and renewed in the background before it
/// expires: once, for all who wait.
///
/// A dialect's ready() and sign() stand on this; nothing but wait() waits.
/// Threads: every member may be called concurrently. Must not be destroyed by a `resume`.
template <typename Secret>
class Renewable {
 public:
  using WallClock = std::chrono::system_clock;
  /// Gets the secret from where it is issued. Runs on a thread of its own and may wait; the
  /// context's stop is set when nobody needs the secret any more. Throws Error.
  using Source = std::function<Expiring<Secret>(const Context&)>;
  /// A secret, and how many there were before it.
  struct Edition {
    std::shared_ptr<const Secret> secret;
    std::uint64_t number = 0;
  };

  /// Renewed so long before the end, while the old one is still used; of a short life, in its
  /// second half. Issuers that hand out the same secret until shortly before its end are so asked
  /// ever more often, but not at each request.
  static constexpr std::chrono::seconds kAhead{300};
  /// Not used for so long before the end (of a short life, a tenth of it): a request takes its
  /// time, and clocks differ.
  static constexpr std::chrono::seconds kMargin{15};
  /// What went wrong is the answer for so long, before it is tried again. Nor is a secret renewed
  /// more often than this because the store rejects it.
  static constexpr std::chrono::milliseconds kPause{1'000};

  /// \param now  what time it is; tests give a clock of their own.
  explicit Renewable(Source source, std::function<WallClock::time_point()> now = &WallClock::now)
      : source_(std::move(source)), now_(std::move(now)) {}
  /// One that stays.
  explicit Renewable(Secret secret)
      : now_(&WallClock::now), secret_(std::make_shared<const Secret>(std::move(secret))) {}
  /// Stops a renewal that runs, and waits for it.
  ~Renewable() {
    stop_.request_stop();
    if (renewal_.joinable()) renewal_.join();
  }
  Renewable(const Renewable&) = delete;
  Renewable& operator=(const Renewable&) = delete;

  /// Whether current() has an answer, a secret or an error. If not, `resume` is called once, from
  /// another thread, as soon as it has.
  [[nodiscard]] bool ready(const std::function<void()>& resume) {
    const std::lock_guard lock(mutex_);
    const auto now = now_();
    if (usable(now)) {
      if (now >= renew_from_) start(now);
      return true;
    }
    start(now);
    if (!running_) return true;  // the last renewal failed a moment ago: that is the answer
    waiting_.push_back(resume);
    return false;
  }

  /// The secret to sign with now. Throws the Error of the renewal that failed.
  [[nodiscard]] Edition current() const {
    const std::lock_guard lock(mutex_);
    if (secret_ != nullptr && (usable(now_()) || !error_)) return {secret_, number_};
    if (error_) throw Error(*error_);
    throw Error(Errc::internal, "sign", "a request", "its secret was not asked for");
  }

  /// Waits until current() has an answer. Throws also cancelled and deadline_exceeded.
  [[nodiscard]] Edition wait(const Context& context) {
    struct Signal {
      std::mutex mutex;
      std::condition_variable_any changed;
      bool given = false;  // guarded by mutex
    };
    const auto signal = std::make_shared<Signal>();  // the renewal may outlive this wait
    const auto resume = [signal] {
      const std::lock_guard lock(signal->mutex);
      signal->given = true;
      signal->changed.notify_all();
    };
    if (!ready(resume)) {
      std::unique_lock lock(signal->mutex);
      const auto given = [&] { return signal->given; };
      if (!signal->changed.wait_until(lock, context.stop(), context.deadline(), given)) {
        context.check("wait for", "credentials");
      }
    }
    return current();
  }

  /// The store takes this edition no longer. True if there is, or will be, another one.
  [[nodiscard]] bool reject(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    if (!source_) return false;
    if (number != number_ || rejected_) return true;
    const auto now = now_();
    // What was renewed because of a rejection is rejected too: yet another will do no better.
    if (is_within_pause(rejected_at_, now)) return false;
    rejected_ = true;
    rejected_at_ = now;
    return true;
  }

 private:
  using TimePoint = WallClock::time_point;

  static bool is_within_pause(const std::optional<TimePoint>& since, TimePoint now) {
    return since && now >= *since && now < *since + kPause;  // the clock may have been set back
  }
  // The clock counts nanoseconds, from 1677 to 2262; what lasts longer lasts for ever.
  static TimePoint end_of(std::chrono::sys_seconds expires) {
    constexpr std::chrono::sys_days kLast = std::chrono::year(2200) / 1 / 1;
    if (expires >= kLast) return TimePoint::max();
    return TimePoint(std::max(expires, std::chrono::sys_seconds()));
  }
  // All with mutex_ held.
  [[nodiscard]] bool usable(TimePoint now) const {
    return secret_ != nullptr && !rejected_ && now < unusable_from_;
  }

  void start(TimePoint now) {
    if (running_ || !source_) return;
    if (error_ && is_within_pause(failed_at_, now)) return;
    // The last thread has nothing to do any more, but may not have returned yet.
    const auto last = std::make_shared<std::thread>(std::move(renewal_));
    try {
      renewal_ = std::thread([this, last] {
        if (last->joinable()) last->join();
        renew();
      });
      running_ = true;
    } catch (const std::system_error&) {
      renewal_ = std::move(*last);
      error_.emplace(Errc::internal, "renew", "credentials", "no thread can be started");
      failed_at_ = now;
    }
  }

  void take(Expiring<Secret> renewed, TimePoint now) {
    secret_ = std::make_shared<const Secret>(std::move(renewed.secret));
    ++number_;
    rejected_ = false;
    renew_from_ = unusable_from_ = TimePoint::max();
    const auto end = end_of(renewed.expires);
    if (end == TimePoint::max()) return;
    const auto life = end - now;
    renew_from_ = end - std::min<WallClock::duration>(kAhead, life / 2);
    unusable_from_ = end - std::min<WallClock::duration>(kMargin, life / 10);
  }

  // What `source_` gives, or why it gives nothing. An error of another kind may quote what it was
  // about, so its text is not repeated.
  [[nodiscard]] std::optional<Expiring<Secret>> ask(std::optional<Error>& error) const {
    try {
      auto renewed = source_(Context(stop_.get_token()));
      if (end_of(renewed.expires) > now_()) return renewed;
      error.emplace(Errc::unauthenticated, "renew", "credentials",
                    "those that were issued have expired already", "set this machine's clock");
    } catch (const Error& what) {
      error = what;
    } catch (const std::exception&) {
      error.emplace(Errc::internal, "renew", "credentials", "an unexpected exception");
    }
    return std::nullopt;
  }

  void renew() {
    std::optional<Error> error;
    auto renewed = ask(error);
    std::vector<std::function<void()>> waiting;
    {
      const std::lock_guard lock(mutex_);
      const auto now = now_();
      if (renewed) take(*std::move(renewed), now);
      if (error) failed_at_ = now;
      error_ = std::move(error);
      running_ = false;
      waiting.swap(waiting_);
    }
    for (const auto& resume : waiting) resume();
  }

  const Source source_;  // empty: the secret stays
  const std::function<TimePoint()> now_;
  std::stop_source stop_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<const Secret> secret_;
  TimePoint renew_from_ = TimePoint::max();
  TimePoint unusable_from_ = TimePoint::max();
  bool rejected_ = false;  // the store refused the secret
  std::optional<TimePoint> rejected_at_;
  std::uint64_t number_ = 0;
  std::optional<Error> error_;  // of the last renewal
  std::optional<TimePoint> failed_at_;
  bool running_ = false;
  std::vector<std::function<void()>> waiting_;
  std::thread renewal_;
};

}  // namespace cnf::storage
