// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stop_token>
#include <utility>

#include "cnf/core/storage/http/http_engine_internal.h"

namespace cnf::storage {

/// Calls whose completions point into the owner's memory: it waits for the last of them before it
/// goes, whatever is thrown meanwhile.
///
/// Threads: one submits and waits; completions run on the engine's.
class Outstanding {
 public:
  Outstanding() = default;
  ~Outstanding() { wait_until_at_most(0); }
  Outstanding(const Outstanding&) = delete;
  Outstanding& operator=(const Outstanding&) = delete;

  /// `done` has run when the call counts as over.
  template <typename Client>
  void submit(const Client& client, HttpCall call, HttpEngine::Done done) {
    add(1);
    try {
      client.submit(std::move(call), [this, done = std::move(done)](HttpOutcome outcome) {
        {
          HttpOutcome ended = std::move(outcome);  // gone before the owner hears of it
          done(std::move(ended));
        }
        add(-1);
      });
    } catch (...) {
      add(-1);
      throw;
    }
  }
  void wait_until_at_most(std::ptrdiff_t count) {
    std::unique_lock lock(mutex_);
    awaited_ = count;
    changed_.wait(lock, [&] { return count_ <= count; });
  }
  /// Returns early when `stop` is set.
  void wait_until_at_most(std::ptrdiff_t count, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    awaited_ = count;
    changed_.wait(lock, stop, [&] { return count_ <= count; });
  }
  /// False if some were still under way after that time.
  [[nodiscard]] bool wait_for_all(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex_);
    awaited_ = 0;
    return changed_.wait_for(lock, time, [&] { return count_ == 0; });
  }

 private:
  void add(std::ptrdiff_t change) {
    const std::lock_guard lock(mutex_);
    count_ += change;
    // Of ten thousand calls each would wake who waits for the last.
    if (count_ <= awaited_) changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::ptrdiff_t count_ = 0;    // guarded by mutex_
  std::ptrdiff_t awaited_ = 0;  // guarded by mutex_: what the last to wait waits for
};

}  // namespace cnf::storage
