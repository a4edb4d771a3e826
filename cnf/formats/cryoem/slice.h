// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cryoem {

/// Across which axis a slice is cut; of a stack or series, z counts its images.
enum class Axis : std::uint8_t { z, y, x };
/// nullopt for any other name.
[[nodiscard]] std::optional<Axis> axis_of(std::string_view name) noexcept;

/// The voxels of a level in the plane at `at`: as a picture, of `width` × `height` pixels, rows
/// from the first voxel on: y by x across z, z by x across y, z by y across x.
struct Slice {
  Query query;
  std::uint64_t width = 0, height = 0;
};
/// Throws Error invalid_argument if there is no such level or plane.
[[nodiscard]] Slice slice_of(const Volume& volume, Axis axis, std::uint64_t at, std::size_t level);

/// Values that become black and white.
struct Contrast {
  double low = 0, high = 0;
};
/// Between two shares of all values, 0 to 1.
[[nodiscard]] Contrast contrast_of(DataType type, ByteSpan values, double low, double high);
/// What the image tells viewers; nullopt where it tells nothing.
[[nodiscard]] std::optional<Contrast> contrast_of(const Volume& volume);

/// Pixels of 8 or 16 bits, little-endian: linear from low to high, cut beyond; NaN is black.
/// Complex values count by their magnitude.
[[nodiscard]] Buffer to_grey(DataType type, ByteSpan values, const Contrast& contrast, int bits);

}  // namespace cnf::cryoem
