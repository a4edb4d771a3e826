// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"

namespace cnf::cryoem {

/// How the levels above the first are made.
enum class Downscaling : std::uint8_t {
  mean,  ///< Of the voxels of level 0 that a voxel covers.
  mode,  ///< The most frequent of the (up to eight) labels below it, the least on a tie.
};

/// A box as the kernels see it: the last three axes, and all before them as one.
using Extent = std::array<std::size_t, 4>;
[[nodiscard]] std::size_t elements_of(const Extent& extent) noexcept;

/// Voxels of a level on their way to its values: under `mean` the sums of what they cover of level
/// 0, under `mode` the labels themselves.
struct Sums {
  Extent extent{};
  Buffer values = Buffer();  ///< Elements of sum_size() bytes, C order.
  Buffer counts = Buffer();  ///< uint32 each: how many numbers a sum has; empty where none was NaN.
};

/// Bytes of a sum. Those of integers are exact: 32 bits, 64 or 128, as the level needs.
[[nodiscard]] std::size_t sum_size(DataType type, Downscaling downscaling, std::size_t level);

/// What a chunk's box covers of level 0, along the axes of an Extent.
struct Coverage {
  std::array<std::uint64_t, 4> begin{};             ///< The box's first voxel, in its own level.
  std::array<std::uint64_t, 4> factor{1, 1, 1, 1};  ///< Voxels of level 0 a voxel covers.
  std::array<std::uint64_t, 4> array{};             ///< Level 0's shape.

  /// Voxels of level 0 below the box's i-th along an axis: the array's end may cut them.
  [[nodiscard]] std::uint64_t covered(std::size_t axis, std::size_t i) const noexcept;
};

/// Sums the voxels of level 0 in boxes of `step` (1 or 2 an axis) each, fewer at the far end.
/// \param values    `extent` of them, C order.
/// \param with_nan  if some are NaN: then the result has counts.
[[nodiscard]] Sums sum_values(DataType type, Downscaling downscaling, const Extent& extent,
                              const Extent& step, ByteSpan values, bool with_nan);
/// The same with sums of level `level`, for the next one.
[[nodiscard]] Sums sum_sums(DataType type, Downscaling downscaling, std::size_t level,
                            const Sums& sums, const Extent& step);

/// Copies a part into its place in a larger box, whose extent and values' size stand. Every place
/// of a box is written once. \param coverage  of `whole`.
void place_sums(DataType type, Downscaling downscaling, std::size_t level, const Sums& part,
                const Extent& at, Sums& whole, const Coverage& coverage);

/// The values of a level: sums over counts, rounded half to even; NaN where no number was.
/// \param values  as many elements of `type`.
void values_of(DataType type, Downscaling downscaling, std::size_t level, const Sums& sums,
               const Coverage& coverage, MutableByteSpan values);

}  // namespace cnf::cryoem
