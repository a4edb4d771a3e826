// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "cnf/core/query/batches_internal.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/query/table.h"
#include "cnf/core/query/unit_bytes_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/worker/pool.h"

namespace cnf::query {
namespace {

/// What is less is visited on the caller's thread: to start threads costs some 100 µs, which is
/// what half a MiB takes to decode.
constexpr std::uint64_t kInlineBytes = std::uint64_t{4} << 20;

[[nodiscard]] bool is_inline(const Plan& plan, std::size_t threads) {
  if (threads == 1 || plan.units.size() <= 1) return true;
  std::uint64_t bytes = 0;
  for (const Unit& unit : plan.units) {
    const std::uint64_t more = total_bytes(unit);
    if (more > kInlineBytes - bytes) return false;
    bytes += more;
  }
  return true;
}

/// As many as the memory has room for, with a unit each.
[[nodiscard]] std::size_t direct_threads(const Plan& plan, const ExecutorOptions& options) {
  std::uint64_t longest = 1;
  for (const Unit& unit : plan.units) longest = std::max(longest, total_bytes(unit));
  const std::size_t most = options.threads == 0 ? worker::default_threads() : options.threads;
  return std::clamp<std::uint64_t>(options.memory / longest, 1, std::min(most, plan.units.size()));
}

/// A batch that one thread fetches and visits.
class DirectBatch {
 public:
  DirectBatch(const Plan& plan, const Batch& batch, const storage::Storage& storage,
              BufferPool& buffers)
      : units_(std::span(plan.units).subspan(batch.begin, batch.end - batch.begin)),
        storage_(storage) {
    for (const Unit& unit : units_) {
      bytes_.push_back(take_bytes(unit, buffers, storage));
      append_requests(unit, bytes_.back().span(), requests_);
    }
  }

  void fetch(const Context& context, const storage::FetchOptions& options) {
    if (requests_.empty()) return;
    try {
      storage_.fetch(requests_, context, {}, options);
    } catch (...) {
      // A request that failed says so itself, and units before it are visited first.
      thrown_ = std::current_exception();
    }
  }

  void visit(const Visitor& visitor, BufferPool& buffers, const Context& context) {
    std::size_t request = 0;
    for (std::size_t i = 0; i < units_.size(); ++i) {
      context.check("query", storage_.uri());
      for (std::size_t r = 0; r < units_[i].ranges.size(); ++r, ++request) {
        if (requests_[request].error) throw Error(*requests_[request].error);
      }
      visitor(units_[i], checked_ranges(units_[i], bytes_[i], storage_));
      buffers.give(std::exchange(bytes_[i], {}));
    }
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  std::span<const Unit> units_;
  const storage::Storage& storage_;
  std::vector<Buffer> bytes_;
  std::vector<storage::FetchRequest> requests_;
  std::exception_ptr thrown_;
};

/// A visit on threads that fetch what they visit, batch by batch in the plan's order.
class DirectVisit {
 public:
  DirectVisit(const Plan& plan, const ExecutorOptions& options, std::size_t threads,
              const storage::Storage& storage, BufferPool& buffers, const Visitor& visitor,
              const Context& context)
      : plan_(plan),
        fetch_(options.fetch),
        threads_(threads),
        storage_(storage),
        buffers_(buffers),
        visitor_(visitor),
        context_(context),
        batches_(plan, options.memory / threads) {}

  void run() {
    if (threads_ == 1) {
      work();
    } else {
      worker::Pool pool(threads_);
      for (std::size_t i = 0; i < threads_; ++i) pool.submit([this] { work(); });
      pool.wait();
    }
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void work() noexcept {
    while (const std::optional<Batch> batch = next()) {
      try {
        DirectBatch direct(plan_, *batch, storage_, buffers_);
        direct.fetch(context_, fetch_);
        direct.visit(visitor_, buffers_, context_);
      } catch (...) {
        fail(batch->begin, std::current_exception());
      }
    }
  }

  /// Nothing behind what failed. All before it is under way, and may still fail.
  std::optional<Batch> next() {
    const std::lock_guard lock(mutex_);
    return error_ ? std::nullopt : batches_.next();
  }

  void fail(std::size_t unit, std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (error_ && failed_ < unit) return;
    error_ = std::move(error);
    failed_ = unit;
  }

  const Plan& plan_;
  const storage::FetchOptions& fetch_;
  const std::size_t threads_;
  const storage::Storage& storage_;
  BufferPool& buffers_;
  const Visitor& visitor_;
  const Context& context_;
  std::mutex mutex_;  // guards what follows
  Batches batches_;
  std::exception_ptr error_;
  std::size_t failed_ = 0;  // the unit at which the batch with error_ begins
};

}  // namespace

void Executor::visit(Plan plan, const Visitor& visitor, const Context& context) const {
  const bool is_alone = is_inline(plan, options_.threads);
  if (is_alone || options_.fetching == ExecutorOptions::Fetching::in_place) {
    const std::size_t threads = is_alone ? 1 : direct_threads(plan, options_);
    const std::shared_ptr<BufferPool> buffers = buffers_of(options_);
    DirectVisit(plan, options_, threads, *storage_, *buffers, visitor, context).run();
    return;
  }
  // The one engine that fetches ahead: a visitor is a decoder whose tables have no rows.
  Results results = run(
      std::move(plan),
      [&visitor](const Unit& unit, std::span<const ByteSpan> ranges) {
        visitor(unit, ranges);
        return Table();
      },
      context);
  while (results.next()) {
  }
}

}  // namespace cnf::query
