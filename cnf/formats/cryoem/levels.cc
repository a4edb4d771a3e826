// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/formats/cryoem/levels_internal.h"
#include "cnf/formats/cryoem/pyramid_internal.h"

namespace cnf::cryoem {
namespace {

[[noreturn]] void refuse(const std::string& why, const std::string& remedy) {
  throw Error(Errc::invalid_argument, "import", "the chunks", why, remedy);
}

/// Bits of the number of the last of `count` chunks.
unsigned bits_of(std::uint64_t count) { return static_cast<unsigned>(std::bit_width(count - 1)); }

/// How often each side of a shard doubles that of a chunk.
std::vector<unsigned> doublings(const Shape& shard, const Shape& chunk) {
  std::vector<unsigned> result;
  for (std::size_t axis = 0; axis < chunk.size(); ++axis) {
    const std::uint64_t times = shard[axis] / chunk[axis];
    if (shard[axis] % chunk[axis] != 0 || !std::has_single_bit(times)) {
      refuse(fmt::format("shards of {} are not chunks of {} times powers of two", to_string(shard),
                         to_string(chunk)),
             "double the chunk's sides");
    }
    result.push_back(bits_of(times));
  }
  return result;
}

void check_shape(const PyramidShape& shape) {
  const std::size_t axes = shape.array.size();
  if (axes == 0 || shape.binned.size() != axes || shape.chunk.size() != axes ||
      shape.shard.size() != axes) {
    refuse(fmt::format("chunks of {} in shards of {} for a volume of {}", to_string(shape.chunk),
                       to_string(shape.shard), to_string(shape.array)),
           "give as many sides as there are axes");
  }
  if (std::find(shape.array.begin(), shape.array.end(), 0U) != shape.array.end())
    refuse("the input has no voxels", "");
  const auto zero = [](const Shape& sides) {
    return std::find(sides.begin(), sides.end(), 0U) != sides.end();
  };
  if (zero(shape.chunk) || zero(shape.shard)) refuse("a side of a chunk is 0", "");
}

/// Two neighbours of an odd side would share a voxel of the next level.
void check_halves(const PyramidShape& shape, std::size_t levels) {
  for (std::size_t axis = 0; axis < shape.array.size(); ++axis) {
    if (levels > 1 && shape.binned[axis] && shape.chunk[axis] < shape.array[axis] &&
        shape.chunk[axis] % 2 != 0) {
      refuse(fmt::format("a chunk of {} has an odd side, which a pyramid cannot halve",
                         to_string(shape.chunk)),
             "choose even sides, or --levels 1");
    }
  }
}

/// The shard of a level is one run of the order if its bits are the first of all that the level
/// has.
bool is_run(const std::vector<ChunkOrder::Bit>& order, const PyramidShape& shape,
            const std::vector<unsigned>& doubled, std::size_t level) {
  bool outside = false;
  for (const auto& [axis, bit] : order) {
    const std::size_t lost = shape.binned[axis] ? level : 0;  // bits below it
    if (bit < lost) continue;
    const bool inside = bit - lost < doubled[axis];
    if (inside && outside) return false;
    outside = outside || !inside;
  }
  return true;
}

std::size_t levels_of(const PyramidShape& shape) {
  std::size_t levels = 1;
  Shape level = shape.array;
  const auto fits = [&] {
    for (std::size_t axis = 0; axis < level.size(); ++axis)
      if (shape.binned[axis] && level[axis] > shape.chunk[axis]) return false;
    return true;
  };
  for (; !fits(); ++levels) {
    for (std::size_t axis = 0; axis < level.size(); ++axis)
      if (shape.binned[axis]) level[axis] = (level[axis] + 1) / 2;
  }
  return levels;
}

}  // namespace

Shape LevelPlan::shard_of(const Shape& chunk_at) const {
  Shape at = chunk_at;
  for (std::size_t axis = 0; axis < at.size(); ++axis) at[axis] /= shard[axis] / grid.chunk()[axis];
  return at;
}

Shape LevelPlan::place_in_shard(const Shape& chunk_at) const {
  Shape at = chunk_at;
  for (std::size_t axis = 0; axis < at.size(); ++axis) at[axis] %= shard[axis] / grid.chunk()[axis];
  return at;
}

Extent extent_of(const Shape& shape) noexcept {
  Extent extent{1, 1, 1, 1};
  const std::size_t axes = shape.size();
  for (std::size_t axis = 0; axis < axes; ++axis)
    extent[axis + 3 < axes ? 0 : axis + 4 - axes] *= static_cast<std::size_t>(shape[axis]);
  return extent;
}

Coverage LevelPlan::coverage_of(const Shape& chunk_at, const Shape& array) const {
  const Box box = grid.elements_of(chunk_at);
  Coverage coverage;
  const Extent whole = extent_of(array);
  const Extent factors = extent_of(factor);
  std::copy(whole.begin(), whole.end(), coverage.array.begin());
  std::copy(factors.begin(), factors.end(), coverage.factor.begin());
  // The axes before the last three are one to the kernels, and never binned: any place of it
  // covers one.
  const std::size_t axes = array.size();
  for (std::size_t axis = axes > 3 ? axes - 3 : 0; axis < axes; ++axis)
    coverage.begin[axis + 4 - axes] = box.begin[axis];
  return coverage;
}

std::vector<LevelPlan> plan_levels(const PyramidShape& shape) {
  check_shape(shape);
  const std::vector<unsigned> doubled = doublings(shape.shard, shape.chunk);
  const std::size_t levels = shape.levels.value_or(levels_of(shape));
  if (levels == 0 || levels > kMaxLevels) {
    throw Error(Errc::invalid_argument, "import", "the pyramid", fmt::format("{} levels", levels),
                fmt::format("ask for 1 to {}", kMaxLevels));
  }
  check_halves(shape, levels);
  const ChunkOrder order(shape);
  std::vector<LevelPlan> plans;
  const std::size_t axes = shape.array.size();
  Shape array = shape.array;
  Shape factor = Shape::filled(axes, 1);
  for (std::size_t level = 0; level < levels; ++level) {
    LevelPlan plan{.grid = {array, shape.chunk},
                   .shard = shape.chunk,
                   .factor = factor,
                   .step = Shape::filled(axes, 1)};
    for (std::size_t axis = 0; axis < axes; ++axis) {
      plan.shard[axis] <<= std::min(doubled[axis], bits_of(plan.grid.counts()[axis]));
      if (!shape.binned[axis] || array[axis] == 1) continue;
      plan.step[axis] = 2;
      array[axis] = (array[axis] + 1) / 2;
      factor[axis] *= 2;
    }
    plans.push_back(std::move(plan));
    if (!is_run(order.bits(), shape, doubled, level)) {
      refuse(fmt::format("shards of {} are too unlike in their sides, in chunks, to be written one "
                         "after another",
                         to_string(shape.shard)),
             "let no side have more than twice the chunks of another, or no --shard decide");
    }
  }
  return plans;
}

ChunkOrder::ChunkOrder(const PyramidShape& shape)
    : counts_(chunk::Grid(shape.array, shape.chunk).counts()) {
  const std::vector<unsigned> doubled = doublings(shape.shard, shape.chunk);
  std::vector<std::size_t> binned;
  unsigned most = 0;
  // The last axis is the fastest.
  for (std::size_t axis = counts_.size(); axis-- > 0;) {
    if (!shape.binned[axis]) continue;
    binned.push_back(axis);
    most = std::max(most, bits_of(counts_[axis]));
  }
  // Where a shard has more chunks along one axis, these come first.
  std::stable_sort(binned.begin(), binned.end(),
                   [&](std::size_t a, std::size_t b) { return doubled[a] > doubled[b]; });
  for (unsigned bit = 0; bit < most; ++bit) {
    for (const std::size_t axis : binned)
      if (bit < bits_of(counts_[axis])) bits_.emplace_back(axis, bit);
  }
  for (std::size_t axis = counts_.size(); axis-- > 0;) {
    if (shape.binned[axis]) continue;
    for (unsigned bit = 0; bit < bits_of(counts_[axis]); ++bit) bits_.emplace_back(axis, bit);
  }
}

std::optional<Shape> ChunkOrder::next() {
  while (next_ >> bits_.size() == 0) {
    const std::uint64_t number = next_++;
    Shape at = Shape::filled(counts_.size(), 0);
    for (std::size_t i = 0; i < bits_.size(); ++i)
      at[bits_[i].first] |= ((number >> i) & 1U) << bits_[i].second;
    bool inside = true;
    for (std::size_t axis = 0; axis < at.size(); ++axis)
      inside = inside && at[axis] < counts_[axis];
    if (inside) return at;
  }
  return std::nullopt;
}

}  // namespace cnf::cryoem
