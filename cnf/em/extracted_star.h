// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "cnf/em/particles.h"

namespace cnf::em {

/// A stack of boxes that were cut out of a volume (or images out of a stack) around particles.
struct Extracted {
  std::string stack;           ///< Its file's name.
  std::uint64_t box_size = 0;  ///< Voxels of an edge.
  std::size_t dimensions = 3;  ///< 3: boxes; 2: images.
  double voxel = 0;            ///< Å of a voxel of the boxes; 0 where it is not known.
  double volume_voxel = 0;     ///< Å of a voxel of the volume, likewise.
};

struct ExtractedBox {
  std::size_t row = 0;  ///< Of the particles.
  /// x, y, z of the box's centre, which is its voxel box_size / 2, in voxels of the volume.
  std::array<double, 3> centre{};
};

/// The list of boxes as RELION 4 and 5 read it, box i being i@stack: each particle's row, with new
/// coordinates (the box's centre) and shifts (from there to the particle, in a turned subtomogram's
/// frame where its row has one), and an optics table with the boxes' voxel and size. What else a
/// row, or the optics table before it, tells is kept. Rows of the portal have no columns to keep.
[[nodiscard]] std::string extracted_star(const Particles& particles,
                                         std::span<const ExtractedBox> boxes,
                                         const Extracted& extracted);

}  // namespace cnf::em
