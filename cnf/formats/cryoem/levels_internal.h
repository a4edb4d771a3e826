// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/util/shape.h"
#include "cnf/formats/cryoem/pyramid_internal.h"

namespace cnf::cryoem {

/// A level of a pyramid and how it is cut.
struct LevelPlan {
  chunk::Grid grid;  ///< Of its chunks, over its elements.
  Shape shard;       ///< Elements of a shard: chunks by powers of two, no more than the level has.
  Shape factor;      ///< Elements of level 0 that one covers, along each axis.
  Shape step;        ///< Elements of this level that one of the next covers: 1 or 2.

  [[nodiscard]] Shape shard_of(const Shape& chunk_at) const;
  /// The chunk's place in its shard.
  [[nodiscard]] Shape place_in_shard(const Shape& chunk_at) const;
  /// What the box of a chunk covers of level 0. \param array  the shape of level 0.
  [[nodiscard]] Coverage coverage_of(const Shape& chunk_at, const Shape& array) const;
};

/// What is asked of a pyramid.
struct PyramidShape {
  Shape array = {};  ///< Elements of level 0.
  std::vector<bool> binned =
      {};            ///< Axes that levels halve; not those of time, tilt, channels, images.
  Shape chunk = {};  ///< Elements; no side longer than the array's.
  Shape shard = {};  ///< Elements; chunks by powers of two.
  std::optional<std::size_t> levels = {};  ///< None: until all that is binned fits one chunk.
};

/// Halves the binned axes, but those of length 1, from level to level. Throws Error
/// invalid_argument for shards that are not chunks by powers of two, or not of chunks that follow
/// one another in ChunkOrder; for odd chunks of which two would share a voxel of the next level;
/// and for more than kMaxLevels.
[[nodiscard]] std::vector<LevelPlan> plan_levels(const PyramidShape& shape);
inline constexpr std::size_t kMaxLevels = 11;  // so that sums of 32-bit integers have 64 bits

/// A shape as the kernels see it; at most three axes at its end are binned.
[[nodiscard]] Extent extent_of(const Shape& shape) noexcept;

/// The order in which an import goes through the chunks of level 0: that of an octree, so that a
/// chunk of each level is complete as soon as the last of its children is; and such that every
/// shard of every level is one run. Images, tilts and channels follow one another.
class ChunkOrder {
 public:
  /// \param shape  for which plan_levels has succeeded.
  explicit ChunkOrder(const PyramidShape& shape);

  /// The next chunk's place; nullopt after the last.
  [[nodiscard]] std::optional<Shape> next();

  /// A bit of the place along an axis.
  using Bit = std::pair<std::size_t, unsigned>;
  /// The bits of places, the fastest first.
  [[nodiscard]] const std::vector<Bit>& bits() const noexcept { return bits_; }

 private:
  Shape counts_;
  std::vector<Bit> bits_;
  std::uint64_t next_ = 0;
};

}  // namespace cnf::cryoem
