// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
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
/// A dialect's ready() and sign() stand on this; nothing here waits.
/// Threads: every member may be called concurrently.
template <typename Secret>
class Renewable {
 public:
  /// Gets the secret from where it is issued. Runs on a thread of its own and may wait; the
  /// context's stop is set when nobody needs the secret any more. Throws Error.
  using Source = std::function<Expiring<Secret>(const Context&)>;
  /// A secret, and how many there were before it.
  struct Edition {
    std::shared_ptr<const Secret> secret;
    std::uint64_t number = 0;
  };

  /// Renewed so long before the end, while the old one is still used.
  static constexpr std::chrono::seconds kAhead{300};
  /// Not used for so long before the end: a request takes its time, and clocks differ.
  static constexpr std::chrono::seconds kMargin{15};
  /// What went wrong is the answer for so long, before it is tried again.
  static constexpr std::chrono::milliseconds kPause{1'000};

  explicit Renewable(Source source) : source_(std::move(source)) {}
  /// One that stays.
  explicit Renewable(Secret secret)
      : secret_(std::make_shared<const Secret>(std::move(secret))),
        expires_(std::chrono::sys_seconds::max()) {}
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
    if (usable()) {
      if (!lasts(kAhead)) start();
      return true;
    }
    if (error_ && Context::Clock::now() < error_until_) return true;
    start();
    waiting_.push_back(resume);
    return false;
  }

  /// The secret to sign with now. Throws the Error of the renewal that failed.
  [[nodiscard]] Edition current() const {
    const std::lock_guard lock(mutex_);
    if (secret_ != nullptr && (usable() || !error_)) return {secret_, number_};
    if (error_) throw Error(*error_);
    throw Error(Errc::internal, "sign", "a request", "its secret was not asked for");
  }

  /// The store takes this edition no longer. True if there is, or will be, another one.
  [[nodiscard]] bool reject(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    if (!source_) return false;
    if (number == number_) expires_ = {};
    return true;
  }

 private:
  [[nodiscard]] bool lasts(std::chrono::seconds time) const {
    if (expires_ == std::chrono::sys_seconds::max()) return true;
    return std::chrono::system_clock::now() + time < expires_;
  }
  [[nodiscard]] bool usable() const { return secret_ != nullptr && lasts(kMargin); }

  // With mutex_ held.
  void start() {
    if (running_ || !source_) return;
    // While an old secret is still good, a source that fails is left alone for a moment.
    if (error_ && Context::Clock::now() < error_until_) return;
    if (renewal_.joinable()) renewal_.join();  // it has ended, but for its return
    running_ = true;
    renewal_ = std::thread([this] { renew(); });
  }

  void renew() {
    std::optional<Expiring<Secret>> renewed;
    std::optional<Error> error;
    try {
      renewed = source_(Context(stop_.get_token()));
    } catch (const Error& what) {
      error = what;
    }
    std::vector<std::function<void()>> waiting;
    {
      const std::lock_guard lock(mutex_);
      error_ = std::move(error);
      error_until_ = Context::Clock::now() + kPause;
      if (renewed) {
        secret_ = std::make_shared<const Secret>(std::move(renewed->secret));
        expires_ = renewed->expires;
        ++number_;
      }
      running_ = false;
      waiting.swap(waiting_);
    }
    for (const auto& resume : waiting) resume();
  }

  const Source source_;  // empty: the secret stays
  std::stop_source stop_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<const Secret> secret_;
  std::chrono::sys_seconds expires_{};
  std::uint64_t number_ = 0;
  std::optional<Error> error_;
  Context::Clock::time_point error_until_{};
  bool running_ = false;
  std::vector<std::function<void()>> waiting_;
  std::thread renewal_;
};

}  // namespace cnf::storage
