// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "cnf/core/query/batches_internal.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/util/error.h"

namespace cnf::query {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kBatchesAtOnce = 4;

/// Indices, which ranges come from, may be hostile; sums of what passes here do not wrap.
void check(const Unit& unit) {
  std::uint64_t left = kMax - unit.decoded_bytes;
  for (const PlannedRange& range : unit.ranges) {
    if (range.length > left || range.offset > kMax - range.length) {
      throw Error(Errc::invalid_argument, "plan", fmt::format("{}@{}", range.key, range.offset),
                  fmt::format("{} bytes more make no sense", range.length));
    }
    left -= range.length;
  }
}

}  // namespace

std::uint64_t fetched_bytes(const Unit& unit) noexcept {
  std::uint64_t bytes = 0;
  for (const PlannedRange& range : unit.ranges) bytes += range.length;
  return bytes;
}

std::uint64_t total_bytes(const Unit& unit) noexcept {
  return fetched_bytes(unit) + unit.decoded_bytes;
}

Batches::Batches(const Plan& plan, std::uint64_t memory)
    : plan_(&plan),
      most_bytes_(memory / kBatchesAtOnce),
      most_units_(plan.limit ? 1 : std::numeric_limits<std::size_t>::max()) {
  for (const Unit& unit : plan.units) check(unit);
}

std::optional<Batch> Batches::next() {
  const std::size_t count = plan_->units.size();
  if (position_ == count || plan_->limit == 0) return std::nullopt;
  Batch batch{
      .begin = position_, .end = position_ + 1, .bytes = total_bytes(plan_->units[position_])};
  while (batch.end < count && batch.end - batch.begin < most_units_) {
    const std::uint64_t more = total_bytes(plan_->units[batch.end]);
    if (batch.bytes > most_bytes_ || more > most_bytes_ - batch.bytes) break;
    batch.bytes += more;
    ++batch.end;
  }
  if (plan_->limit) most_units_ = std::max(most_units_, most_units_ * 2);
  position_ = batch.end;
  return batch;
}

}  // namespace cnf::query
