// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include "cnf/core/util/context.h"

namespace cnf::worker {

/// The machine's cores.
[[nodiscard]] std::size_t default_threads() noexcept;

/// A fixed number of workers and a bounded queue. The first task that throws stops the rest: tasks
/// that have not started are dropped, and wait() rethrows its exception.
///
/// The context is checked before each task; when it says stop, that counts as the first failure.
/// Threads: submit may be called concurrently, also from tasks as long as the queue has room.
class Pool {
 public:
  using Task = std::function<void()>;

  /// \param threads  0: default_threads().
  /// \param queue    tasks that may wait; submit blocks beyond it. 0: twice the threads.
  /// Throws Error unavailable if the system gives no more threads.
  explicit Pool(std::size_t threads, const Context& context = {}, std::size_t queue = 0);
  ~Pool();  ///< Drops what has not started, waits for what runs.
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Blocks while the queue is full. Throws cancelled or deadline_exceeded by the context; after a
  /// task failed it drops the task and returns, for wait() tells.
  void submit(Task task);
  /// Waits until every task has ended and rethrows the first exception. The pool may be used again.
  void wait();
  [[nodiscard]] std::size_t threads() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cnf::worker
