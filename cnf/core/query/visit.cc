// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
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

/// Fetches and visits one batch on this thread.
class InlineBatch {
 public:
  InlineBatch(const Plan& plan, const Batch& batch, const storage::Storage& storage,
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

}  // namespace

void Executor::visit(Plan plan, const Visitor& visitor, const Context& context) const {
  if (!is_inline(plan, options_.threads)) {
    // The one engine for many threads: a visitor is a decoder whose tables have no rows.
    Results results = run(
        std::move(plan),
        [&visitor](const Unit& unit, std::span<const ByteSpan> ranges) {
          visitor(unit, ranges);
          return Table();
        },
        context);
    while (results.next()) {
    }
    return;
  }
  const std::shared_ptr<BufferPool> buffers = buffers_of(options_);
  Batches batches(plan, options_.memory);
  while (const std::optional<Batch> batch = batches.next()) {
    InlineBatch inline_batch(plan, *batch, *storage_, *buffers);
    inline_batch.fetch(context, options_.fetch);
    inline_batch.visit(visitor, *buffers, context);
  }
}

}  // namespace cnf::query
