// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/chunk/chunk.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "cnf/core/util/error.h"

namespace cnf::chunk {
namespace {

constexpr std::int64_t kLastPosition = std::numeric_limits<std::int64_t>::max();

// More chunks than this are a slip in the span, and would fill the memory.
constexpr std::uint64_t kMaxPlanned = std::uint64_t{1} << 20;

void require_size(std::uint64_t size, std::string_view strategy) {
  if (size != 0 && size <= static_cast<std::uint64_t>(kLastPosition)) return;
  throw Error(Errc::invalid_argument, "cut chunks", strategy,
              fmt::format("a chunk size of {}", size), "use a positive one");
}

// Which multiple of `span` a position lies behind; rounds down, for unplaced records lie at -1.
std::int64_t slot(std::int64_t position, std::uint64_t span) noexcept {
  const auto width = static_cast<std::int64_t>(span);
  return position / width - (position % width < 0 ? 1 : 0);
}

}  // namespace

FixedStrategy::FixedStrategy(std::uint64_t bytes) : bytes_(bytes) { require_size(bytes, "fixed"); }

bool FixedStrategy::ends_before(const Fill& current, const Key& /*next*/) const {
  return current.records != 0 && current.bytes >= bytes_;
}

std::vector<ChunkInfo> FixedStrategy::plan(const Key& /*begin*/, const Key& /*end*/) const {
  throw Error(Errc::unsupported, "plan chunks", "fixed",
              "where chunks of even size end depends on the data", "ask the dataset's index");
}

CoordinateStrategy::CoordinateStrategy(std::uint64_t span) : span_(span) {
  require_size(span, "coordinate");
}

bool CoordinateStrategy::ends_before(const Fill& current, const Key& next) const {
  return current.records != 0 &&
         (next.sequence != current.first.sequence ||
          slot(next.position, span_) != slot(current.first.position, span_));
}

std::vector<ChunkInfo> CoordinateStrategy::plan(const Key& begin, const Key& end) const {
  if (begin.sequence != end.sequence || begin.position < 0) {
    throw Error(
        Errc::invalid_argument, "plan chunks",
        fmt::format("{}:{} to {}:{}", begin.sequence, begin.position, end.sequence, end.position),
        "an extent lies on one sequence, at positions from 0");
  }
  if (end.position <= begin.position) return {};
  const auto first = static_cast<std::uint64_t>(begin.position) / span_;
  const auto last = static_cast<std::uint64_t>(end.position - 1) / span_;
  if (last - first >= kMaxPlanned) {
    throw Error(Errc::invalid_argument, "plan chunks", fmt::format("spans of {}", span_),
                fmt::format("the extent has {} of them", last - first + 1),
                fmt::format("use spans that give at most {}", kMaxPlanned));
  }
  std::vector<ChunkInfo> chunks;
  for (std::uint64_t number = first; number <= last; ++number) {
    const auto start = static_cast<std::int64_t>(number * span_);
    const std::int64_t room = kLastPosition - start;
    chunks.push_back(
        {.number = number,
         .begin = {begin.sequence, start},
         .end = {begin.sequence, start + std::min(room, static_cast<std::int64_t>(span_))}});
  }
  return chunks;
}

}  // namespace cnf::chunk
