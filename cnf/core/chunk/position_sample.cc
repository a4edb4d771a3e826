// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/chunk/position_sample.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "cnf/core/util/error.h"

namespace cnf::chunk {
namespace {

void require_size(const std::optional<std::uint64_t>& size, std::string_view what) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!size || (*size != 0 && *size <= kMost)) return;
  throw Error(Errc::invalid_argument, "cut chunks", "position_sample",
              fmt::format("a {} of {}", what, *size), "use a positive one");
}

std::uint64_t default_group(std::uint64_t samples) {
  if (samples <= PositionSampleStrategy::kOneGroup) return PositionSampleStrategy::kOneGroup;
  return std::clamp<std::uint64_t>(samples / 400 * 4, 16, 1'000);
}

}  // namespace

PositionSampleStrategy::PositionSampleStrategy(std::uint64_t samples,
                                               std::optional<std::uint64_t> span,
                                               std::optional<std::uint64_t> group)
    : samples_(samples), span_(span), group_(group.value_or(default_group(samples))) {
  require_size(span, "span");
  require_size(group, "group of samples");
}

bool PositionSampleStrategy::ends_before(const Fill& current, const Key& next) const {
  if (current.records == 0) return false;
  if (next.sequence != current.first.sequence || current.records >= kMaxRecords) return true;
  if (current.records >= kMaxValues / std::max<std::uint64_t>(samples_, 1)) return true;
  const std::uint64_t hundreds = samples_ / 100 + 1;
  if (current.bytes >= std::min(kMaxText / kTextPer100Samples, hundreds) * kTextPer100Samples)
    return true;
  if (span_) return CoordinateStrategy(*span_).ends_before(current, next);
  return current.records >= kAdaptiveRecords && next.position > current.first.position &&
         static_cast<std::uint64_t>(next.position) -
                 static_cast<std::uint64_t>(current.first.position) >=
             kAdaptiveSpan;
}

std::vector<ChunkInfo> PositionSampleStrategy::plan(const Key& /*begin*/,
                                                    const Key& /*end*/) const {
  throw Error(Errc::unsupported, "plan chunks", "position_sample",
              "where bins end depends on the data", "ask the dataset's index");
}

}  // namespace cnf::chunk
