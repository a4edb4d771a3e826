// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cryoem {

/// The axes of a Zarr image by the names that files of the field go by ([c,] [n or t,] [z,] y, x),
/// without those of one element that nobody needs, and which axis of the array each of them is;
/// none for the depth of a single image, which is one plane.
struct ImageAxes {
  em::Kind kind = em::Kind::volume;
  std::vector<std::string> names = {};
  std::vector<std::optional<std::size_t>> of_array = {};

  /// A box of those axes as one of the array, whose other axes are whole in `within`.
  [[nodiscard]] Box box_of(const Box& box, const Box& within) const;
};

/// \param kind  none: as the image says. Throws Error unsupported for more axes than files have,
/// invalid_argument for a kind that does not suit the axes.
[[nodiscard]] ImageAxes image_axes(const Volume& volume, std::optional<em::Kind> kind);

/// What a file of a box of a level says of itself: kind, shape, axes, type, voxel, origin, tilts.
[[nodiscard]] em::SourceInfo describe(const Volume& volume, const ImageAxes& axes,
                                      std::size_t level, const Box& box);

}  // namespace cnf::cryoem
