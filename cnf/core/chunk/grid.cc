// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/chunk/grid.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/chunk/chunk.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"

namespace cnf::chunk {

Grid::Grid(const Shape& array, const Shape& chunk) : array_(array), chunk_(chunk), counts_(array) {
  const bool empty_side = std::ranges::find(chunk, 0) != chunk.end();
  if (array.size() != chunk.size() || empty_side) {
    throw Error(Errc::invalid_argument, "cut", to_string(array),
                fmt::format("chunks of {} do not cover it", to_string(chunk)));
  }
  for (std::size_t axis = 0; axis < array.size(); ++axis) {
    counts_[axis] = array[axis] / chunk[axis] + (array[axis] % chunk[axis] != 0 ? 1 : 0);
  }
}

Box Grid::elements_of(const Shape& chunk_at) const {
  Box box{chunk_at, chunk_at};
  for (std::size_t axis = 0; axis < chunk_.size(); ++axis) {
    box.begin[axis] *= chunk_[axis];
    // Compared by what is left, for a place far outside must not wrap.
    const std::uint64_t left = array_[axis] - std::min(array_[axis], box.begin[axis]);
    box.end[axis] = box.begin[axis] + std::min(chunk_[axis], left);
  }
  return box;
}

Box Grid::chunks_of(const Box& elements) const {
  Box box = elements;
  for (std::size_t axis = 0; axis < chunk_.size(); ++axis) {
    box.begin[axis] /= chunk_[axis];
    const bool none = elements.begin[axis] >= elements.end[axis];
    box.end[axis] = none ? box.begin[axis] : (elements.end[axis] - 1) / chunk_[axis] + 1;
  }
  return box;
}

std::uint64_t Grid::number_of(const Shape& chunk_at) const noexcept {
  std::uint64_t number = 0;
  for (std::size_t axis = 0; axis < counts_.size(); ++axis) {
    number = number * counts_[axis] + chunk_at[axis];
  }
  return number;
}

Shape Grid::chunk_of_number(std::uint64_t number) const noexcept {
  Shape at = counts_;
  for (std::size_t axis = counts_.size(); axis-- > 0;) {
    at[axis] = number % counts_[axis];
    number /= counts_[axis];
  }
  return at;
}

void for_each_place(const Box& box, const std::function<void(const Shape& at)>& visit) {
  if (box.empty()) return;
  Shape at = box.begin;
  for (;;) {
    visit(at);
    std::size_t axis = at.size();
    while (axis-- > 0) {
      if (++at[axis] < box.end[axis]) break;
      at[axis] = box.begin[axis];
    }
    if (axis == static_cast<std::size_t>(-1)) return;
  }
}

GridStrategy::GridStrategy(std::uint64_t elements) : elements_(elements) {
  if (elements == 0) {
    throw Error(Errc::invalid_argument, "cut", "an array", "a chunk of no elements");
  }
}

bool GridStrategy::ends_before(const Fill& current, const Key& next) const {
  return current.records != 0 &&
         (next.sequence != current.first.sequence || next.position != current.first.position);
}

std::vector<ChunkInfo> GridStrategy::plan(const Key& begin, const Key& end) const {
  constexpr std::int64_t kMost = 1'000'000;
  if (begin.sequence != end.sequence || begin.position < 0 || end.position < begin.position ||
      end.position - begin.position > kMost) {
    throw Error(Errc::invalid_argument, "plan", "a grid's chunks",
                "the extent is not one of a level, or has more than a million chunks");
  }
  std::vector<ChunkInfo> chunks;
  for (std::int64_t number = begin.position; number < end.position; ++number) {
    chunks.push_back({.number = static_cast<std::uint64_t>(number),
                      .begin = {begin.sequence, number},
                      .end = {begin.sequence, number + 1}});
  }
  return chunks;
}

}  // namespace cnf::chunk
