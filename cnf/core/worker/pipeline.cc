// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/worker/pipeline.h"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/worker/pool.h"

namespace cnf::worker {
namespace {

using Item = std::shared_ptr<void>;

/// What the threads of one run share. Each of them asks choose() for a step, does it, and asks
/// again.
class Engine {
 public:
  Engine(const PipelineOptions& options, const Context& context, const std::function<Item()>& next,
         const std::function<Item(Item)>& middle, const std::function<void(Item)>& last)
      : threads_(options.threads == 0 ? default_threads() : options.threads),
        in_flight_(options.in_flight == 0 ? threads_ + 2 : options.in_flight),
        context_(context),
        next_(next),
        middle_(middle),
        last_(last) {}

  void run() {
    {
      std::vector<std::jthread> others;
      try {
        while (others.size() + 1 < std::min(threads_, in_flight_)) {
          others.emplace_back([this] { work(); });
        }
      } catch (const std::system_error& error) {
        fail(std::make_exception_ptr(
            Error(Errc::unavailable, "start", "threads", error.what(), "ask for fewer threads")));
      }
      work();
    }  // joined here
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  enum class Step { source, transform, sink, none, wait };
  enum class State { reading, ready, transforming, done };
  /// An item between the ends. Its place in slots_ is its place in the source's order.
  struct Slot {
    State state = State::reading;
    Item item = {};
  };

  void fail(std::exception_ptr failure) noexcept {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
    changed_.notify_all();
  }

  void work() noexcept {
    std::unique_lock lock(mutex_);
    while (true) {
      const Step step = choose();
      if (step == Step::none) return;
      if (step == Step::wait) {
        changed_.wait(lock);
        continue;
      }
      try {
        context_.check("run", "pipeline");
        perform(step, lock);
      } catch (...) {
        if (lock.owns_lock()) lock.unlock();
        fail(std::current_exception());
        return;
      }
      changed_.notify_all();
    }
  }

  [[nodiscard]] Step choose() const {
    if (failure_ || (ended_ && slots_.empty())) return Step::none;
    if (!sinking_ && !slots_.empty() && slots_.front().state == State::done) return Step::sink;
    const bool may_read = !reading_ && !ended_ && slots_.size() < in_flight_;
    const bool may_transform = std::ranges::count(slots_, State::ready, &Slot::state) > 0;
    // The source is often the narrowest stage, so it is kept busy; but it may also block for long,
    // and then a single thread must have finished what is in flight before.
    if (may_read && (threads_ > 1 || !may_transform)) return Step::source;
    if (may_transform) return Step::transform;
    return Step::wait;
  }

  /// Enters with the lock held, and leaves so unless a stage throws.
  void perform(Step step, std::unique_lock<std::mutex>& lock) {
    switch (step) {
      case Step::source:
        return read(lock);
      case Step::transform:
        return transform(lock);
      default:
        return sink(lock);
    }
  }

  void read(std::unique_lock<std::mutex>& lock) {
    reading_ = true;
    Slot& slot = slots_.emplace_back();  // the source may not fill more than in_flight_ of them
    lock.unlock();
    Item item = next_();
    lock.lock();
    reading_ = false;
    ended_ = item == nullptr;
    if (ended_) {
      slots_.pop_back();
    } else {
      slot.item = std::move(item);
      slot.state = State::ready;
    }
  }

  void transform(std::unique_lock<std::mutex>& lock) {
    Slot& slot = *std::ranges::find(slots_, State::ready, &Slot::state);  // the oldest
    slot.state = State::transforming;
    Item item = std::move(slot.item);
    lock.unlock();
    Item result = middle_(std::move(item));
    lock.lock();
    slot.item = std::move(result);
    slot.state = State::done;
  }

  void sink(std::unique_lock<std::mutex>& lock) {
    sinking_ = true;
    Item item = std::move(slots_.front().item);
    lock.unlock();
    last_(std::move(item));
    lock.lock();
    slots_.pop_front();
    sinking_ = false;
  }

  const std::size_t threads_;
  const std::size_t in_flight_;
  const Context& context_;
  const std::function<Item()>& next_;
  const std::function<Item(Item)>& middle_;
  const std::function<void(Item)>& last_;

  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<Slot> slots_;  // growing and shrinking at the ends leaves references to slots valid
  bool reading_ = false;
  bool sinking_ = false;
  bool ended_ = false;
  std::exception_ptr failure_;
};

}  // namespace

void run_erased_pipeline(const PipelineOptions& options, const Context& context,
                         const std::function<Item()>& next, const std::function<Item(Item)>& middle,
                         const std::function<void(Item)>& last) {
  Engine(options, context, next, middle, last).run();
}

}  // namespace cnf::worker
