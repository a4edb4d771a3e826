// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "cnf/core/query/batches_internal.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/worker/pool.h"

namespace cnf::query {

/// One query under way.
///
/// A unit passes through four hands: a fetcher lets its batch in as memory permits and fetches the
/// bytes; the thread that receives the last of them submits the unit to the pool; the pool checks,
/// decodes and filters it; next() takes it, in order. What goes wrong with a unit is kept in its
/// place, and nothing behind it is worked on any more.
class Run {
 public:
  Run(std::shared_ptr<const storage::Storage> storage, const ExecutorOptions& options, Plan plan,
      Decoder decoder, const Context& context);
  ~Run() { stop_.request_stop(); }  // then the members end: fetchers first
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// As Results::next().
  [[nodiscard]] std::optional<Table> next();

 private:
  /// A unit that has been let in and not yet taken.
  struct Slot {
    std::size_t index = 0;   ///< Of its unit in the plan.
    std::uint64_t held = 0;  ///< Bytes it counts for.
    Buffer bytes = {};       ///< Of all ranges, one behind the other.
    bool done = false;       ///< `table` is there, refined.
    Table table = {};
    std::exception_ptr error = {};  ///< Instead of a table. Bytes may still be coming then.
  };

  void work_as_fetcher() noexcept;
  [[nodiscard]] std::vector<Slot*> admit();
  void fetch(const std::vector<Slot*>& slots);
  void submit(Slot& slot) noexcept;

  void decode(Slot& slot) noexcept;
  [[nodiscard]] Table refine(Table table) const;
  void publish(Slot& slot, Table table) noexcept;
  void fail(Slot& slot, std::exception_ptr error) noexcept;
  void hold(Slot& slot, std::uint64_t bytes) noexcept;

  [[nodiscard]] std::optional<Table> take_next();
  [[nodiscard]] Table take_front();
  void wait_for_front(std::unique_lock<std::mutex>& lock);

  const std::shared_ptr<const storage::Storage> storage_;
  const Plan plan_;
  const std::uint64_t limit_;
  const Decoder decoder_;
  const Context context_;       // the caller's
  const std::uint64_t memory_;  // for slots
  const std::shared_ptr<BufferPool> buffers_;
  const storage::FetchOptions fetch_options_;

  // Set by the caller's stop token, by a reached limit, after an error was told, and in the end.
  // Never with mutex_ held: those who are called by it may wait for somebody who wants the mutex.
  const std::stop_source stop_;
  const std::stop_callback<std::function<void()>> chained_;

  std::mutex mutex_;                   // guards the rest of this paragraph
  std::condition_variable_any room_;   // memory was freed, or there is nothing to wait for any more
  std::condition_variable_any ready_;  // a slot is done or has an error
  Batches batches_;
  std::optional<Batch> next_batch_;
  std::deque<Slot> slots_;     // from unit taken_ on; references survive changes at both ends
  std::size_t taken_ = 0;      // units
  std::size_t settled_ = 0;    // units that are done, up to the first that is not
  std::uint64_t rows_ = 0;     // of the settled
  std::size_t wanted_ = 0;     // units up to the first with an error
  std::uint64_t used_ = 0;     // bytes held by slots
  std::exception_ptr broken_;  // what went wrong with no unit in particular

  std::uint64_t given_ = 0;  // rows; the caller's own, as all below
  bool finished_ = false;
  std::exception_ptr error_;

  // Last, so that they end first: the fetchers, then the pool they submit to.
  std::optional<worker::Pool> pool_;
  std::vector<std::jthread> fetchers_;
};

}  // namespace cnf::query
