// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "cnf/core/query/batches_internal.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/filter.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/query/run_internal.h"
#include "cnf/core/query/table.h"
#include "cnf/core/query/unit_bytes_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/worker/pool.h"

namespace cnf::query {
namespace {

/// While one call of fetch() waits for its last answers, the next one is under way.
constexpr std::size_t kFetchers = 2;

[[nodiscard]] Table first_rows(const Table& table, std::uint64_t count) {
  if (table.columns().empty()) return Table(count);
  Selection rows(count);
  std::iota(rows.begin(), rows.end(), std::uint32_t{0});
  return table.take(rows);
}

}  // namespace

Run::Run(std::shared_ptr<const storage::Storage> storage, const ExecutorOptions& options, Plan plan,
         Decoder decoder, const Context& context)
    : storage_(std::move(storage)),
      plan_(std::move(plan)),
      limit_(plan_.limit.value_or(std::numeric_limits<std::uint64_t>::max())),
      decoder_(std::move(decoder)),
      context_(context),
      memory_(options.memory - options.memory / kRetained),
      buffers_(buffers_of(options)),
      fetch_options_(options.fetch),
      chained_(context.stop(), [this] { stop_.request_stop(); }),
      batches_(plan_, options.memory),
      next_batch_(batches_.next()),
      wanted_(plan_.units.size()) {
  if (!next_batch_) return;
  const std::size_t units = plan_.units.size();
  const std::size_t threads = options.threads == 0 ? worker::default_threads() : options.threads;
  // The queue has room for all, since those who submit may not block: memory bounds what is in it.
  pool_.emplace(std::min(threads, units), Context(), units);
  const std::size_t fetchers = next_batch_->end == units ? 1 : kFetchers;
  try {
    while (fetchers_.size() < fetchers) fetchers_.emplace_back([this] { work_as_fetcher(); });
  } catch (const std::system_error& error) {
    stop_.request_stop();
    throw Error(Errc::unavailable, "start", "threads", error.what(), "ask for fewer threads");
  }
}

void Run::work_as_fetcher() noexcept {
  try {
    for (std::vector<Slot*> slots = admit(); !slots.empty(); slots = admit()) fetch(slots);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    broken_ = std::current_exception();
    ready_.notify_all();
  }
}

/// Waits until the next batch fits and makes slots for it; none when there is nothing more to do.
std::vector<Run::Slot*> Run::admit() {
  std::unique_lock lock(mutex_);
  const auto nothing_left = [this] { return !next_batch_ || next_batch_->begin >= wanted_; };
  room_.wait(lock, stop_.get_token(), [&] {
    return nothing_left() || used_ == 0 ||
           (used_ <= memory_ && next_batch_->bytes <= memory_ - used_);
  });
  std::vector<Slot*> slots;
  if (stop_.stop_requested() || nothing_left()) return slots;
  for (std::size_t i = next_batch_->begin; i < next_batch_->end; ++i) {
    Slot& slot = slots_.emplace_back(Slot{.index = i});
    hold(slot, total_bytes(plan_.units[i]));
    slots.push_back(&slot);
  }
  next_batch_ = batches_.next();
  room_.notify_all();  // the other fetcher may have waited for a batch that there is not
  return slots;
}

void Run::fetch(const std::vector<Slot*>& slots) {
  std::vector<storage::FetchRequest> requests;
  std::vector<std::size_t> owners;                    // of each request: a position in slots
  std::vector<std::size_t> pending(slots.size(), 0);  // requests of each slot without an outcome
  for (std::size_t s = 0; s < slots.size(); ++s) {
    const Unit& unit = plan_.units[slots[s]->index];
    slots[s]->bytes = take_bytes(unit, *buffers_, *storage_);
    append_requests(unit, slots[s]->bytes.span(), requests);
    owners.resize(requests.size(), s);
    pending[s] = unit.ranges.size();
  }
  // From here on a slot may be gone once nothing of it is pending.
  for (std::size_t s = 0; s < slots.size(); ++s) {
    if (pending[s] == 0) submit(*slots[s]);
  }
  if (requests.empty()) return;
  std::vector<char> failed(slots.size(), 0);
  try {
    storage_->fetch(
        requests, context_.with_stop(stop_.get_token()),
        [&](std::size_t r) {
          const std::size_t s = owners[r];
          if (requests[r].error && failed[s] == 0) {
            failed[s] = 1;
            fail(*slots[s], std::make_exception_ptr(*requests[r].error));
          }
          if (--pending[s] == 0 && failed[s] == 0) submit(*slots[s]);
        },
        fetch_options_);
  } catch (...) {
    // Requests that failed have said so. Without an outcome there are some only if the call itself
    // came to grief.
    for (std::size_t s = 0; s < slots.size(); ++s) {
      if (pending[s] != 0) fail(*slots[s], std::current_exception());
    }
  }
}

void Run::submit(Slot& slot) noexcept {
  try {
    pool_->submit([this, &slot] { decode(slot); });
  } catch (...) {
    fail(slot, std::current_exception());
  }
}

void Run::decode(Slot& slot) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (stop_.stop_requested() || slot.index > wanted_) return;  // nobody waits for it
  }
  try {
    const Unit& unit = plan_.units[slot.index];
    Table table = decoder_(unit, checked_ranges(unit, slot.bytes, *storage_));
    buffers_->give(std::exchange(slot.bytes, {}));
    publish(slot, refine(std::move(table)));
  } catch (...) {
    fail(slot, std::current_exception());
  }
}

/// The rows and columns of a decoded table that the plan asks for.
Table Run::refine(Table table) const {
  const std::size_t rows = table.rows();
  std::optional<Selection> selection;
  if (!plan_.filter.empty()) selection = plan_.filter.select(table);
  if (!plan_.columns.empty()) table = std::move(table).project(plan_.columns);
  if (!selection || selection->size() == rows) return table;
  return table.take(*selection);
}

void Run::publish(Slot& slot, Table table) noexcept {
  bool enough = false;
  {
    const std::lock_guard lock(mutex_);
    hold(slot, table.memory());
    slot.table = std::move(table);
    slot.done = true;
    for (; settled_ - taken_ < slots_.size() && slots_[settled_ - taken_].done; ++settled_) {
      rows_ += slots_[settled_ - taken_].table.rows();
    }
    enough = rows_ >= limit_;
    ready_.notify_all();
    room_.notify_all();
  }
  if (enough) stop_.request_stop();  // what is settled is the answer
}

void Run::fail(Slot& slot, std::exception_ptr error) noexcept {
  const std::lock_guard lock(mutex_);
  if (!slot.error) slot.error = std::move(error);
  wanted_ = std::min(wanted_, slot.index);
  ready_.notify_all();
  room_.notify_all();
}

/// With the lock held.
void Run::hold(Slot& slot, std::uint64_t bytes) noexcept {
  used_ = used_ - slot.held + bytes;
  slot.held = bytes;
}

std::optional<Table> Run::next() {
  if (error_) std::rethrow_exception(error_);
  if (finished_) return std::nullopt;
  try {
    std::optional<Table> table = take_next();
    finished_ = !table || given_ == limit_;
    if (finished_) stop_.request_stop();
    return table;
  } catch (...) {
    error_ = std::current_exception();
    stop_.request_stop();
    throw;
  }
}

std::optional<Table> Run::take_next() {
  while (taken_ < plan_.units.size() && given_ < limit_) {
    Table table = take_front();
    if (table.rows() == 0) continue;
    if (table.rows() > limit_ - given_) table = first_rows(table, limit_ - given_);
    given_ += table.rows();
    return table;
  }
  return std::nullopt;
}

Table Run::take_front() {
  std::unique_lock lock(mutex_);
  wait_for_front(lock);
  Slot& front = slots_.front();
  if (front.error) std::rethrow_exception(front.error);
  Table table = std::move(front.table);
  hold(front, 0);
  slots_.pop_front();
  ++taken_;
  room_.notify_all();
  return table;
}

void Run::wait_for_front(std::unique_lock<std::mutex>& lock) {
  const auto ready = [this] {
    return broken_ || (!slots_.empty() && (slots_.front().done || slots_.front().error));
  };
  while (true) {
    context_.check("query", storage_->uri());
    if (ready()) break;
    // Returns without the front being ready only if the context says stop: then check() throws.
    if (context_.deadline() == Context::Clock::time_point::max()) {
      ready_.wait(lock, stop_.get_token(), ready);
    } else {
      ready_.wait_until(lock, stop_.get_token(), context_.deadline(), ready);
    }
  }
  if (broken_) std::rethrow_exception(broken_);
}

}  // namespace cnf::query
