// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/worker/pool.h"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::worker {

std::size_t default_threads() noexcept {
  return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

struct Pool::Impl {
  Impl(std::size_t threads, Context context_in, std::size_t queue)
      : context(std::move(context_in)), capacity(queue == 0 ? 2 * threads : queue) {
    workers.reserve(threads);
    try {
      while (workers.size() < threads) workers.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
      close();
      throw Error(Errc::unavailable, "start", "threads", error.what(), "ask for fewer threads");
    }
  }
  ~Impl() { close(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  /// Nothing starts after it.
  void close() noexcept {
    const std::lock_guard lock(mutex);
    closed = true;
    tasks.clear();
    some.notify_all();
    room.notify_all();
  }

  void work() noexcept {
    std::unique_lock lock(mutex);
    while (true) {
      some.wait(lock, [this] { return closed || !tasks.empty(); });
      if (closed) return;
      Task task = std::move(tasks.front());
      tasks.pop_front();
      ++running;
      lock.unlock();
      room.notify_one();
      std::exception_ptr failed = run(std::move(task));
      lock.lock();
      --running;
      if (failed && !failure) fail(std::move(failed));
      if (running == 0 && tasks.empty()) idle.notify_all();
    }
  }

  /// The task and what it captured are gone when this returns.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): so that it is gone
  [[nodiscard]] std::exception_ptr run(Task task) const noexcept {
    try {
      context.check("run", "task");
      task();
      return nullptr;
    } catch (...) {
      return std::current_exception();
    }
  }

  /// With the lock held.
  void fail(std::exception_ptr reason) noexcept {
    failure = std::move(reason);
    tasks.clear();
    room.notify_all();
  }

  const Context context;
  const std::size_t capacity;

  std::mutex mutex;  // guards all but the workers
  std::condition_variable some;
  std::condition_variable_any room;  // waited for with a stop token
  std::condition_variable idle;
  std::deque<Task> tasks;
  std::size_t running = 0;
  bool closed = false;
  std::exception_ptr failure;

  std::vector<std::jthread> workers;  // last, so that they are joined before what they use goes
};

Pool::Pool(std::size_t threads, const Context& context, std::size_t queue)
    : impl_(std::make_unique<Impl>(threads == 0 ? default_threads() : threads, context, queue)) {}

Pool::~Pool() = default;

void Pool::submit(Task task) {
  Impl& impl = *impl_;
  {
    std::unique_lock lock(impl.mutex);
    const auto ready = [&impl] {
      return impl.closed || impl.failure || impl.tasks.size() < impl.capacity;
    };
    // Wakes for the stop token and at the deadline too; check() then says which it was.
    if (impl.context.deadline() == Context::Clock::time_point::max()) {
      impl.room.wait(lock, impl.context.stop(), ready);
    } else {
      impl.room.wait_until(lock, impl.context.stop(), impl.context.deadline(), ready);
    }
    if (impl.closed || impl.failure) return;
    impl.context.check("submit", "task");
    impl.tasks.push_back(std::move(task));
  }
  impl.some.notify_one();
}

void Pool::wait() {
  std::unique_lock lock(impl_->mutex);
  impl_->idle.wait(lock, [this] { return impl_->running == 0 && impl_->tasks.empty(); });
  if (impl_->failure) std::rethrow_exception(std::exchange(impl_->failure, nullptr));
}

std::size_t Pool::threads() const noexcept { return impl_->workers.size(); }

}  // namespace cnf::worker
