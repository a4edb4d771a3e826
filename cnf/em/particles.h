// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"

namespace cnf::em {

/// A particle: its place, and the line of text it came from.
struct Particle {
  std::array<double, 3>
      at{};  ///< x, y, z in voxels of the unbinned volume; 0 is the first voxel's centre.
  std::string tomogram;  ///< rlnTomoName, rlnMicrographName; may be empty.
  std::string line;      ///< Its row as it stands in the file, without the line's end.
};

/// Particles and what is needed to write them again.
struct Particles {
  enum class Format : std::uint8_t { star, ndjson };
  Format format = Format::star;
  std::vector<std::string> columns;  ///< Of the STAR loop, in order ("rlnCoordinateX").
  std::string preamble;              ///< Blocks before the loop (optics), verbatim.
  std::string block = "particles";   ///< The loop's data block.
  std::vector<Particle> rows;
};

/// How coordinates that are not in voxels of the volume become that.
struct Geometry {
  double voxel = 0;                     ///< Å; needed for coordinates and offsets in Å.
  std::array<std::uint64_t, 3> dims{};  ///< x, y, z of the volume; for centred coordinates.
};

/// RELION 3, 4 and 5 STAR (rlnCoordinateX/Y/Z, rlnCenteredCoordinateXAngst, less the shifts
/// rlnOriginX/Y/Z[Angst]) and the CryoET portal's ndjson, told apart by their bytes. Throws Error
/// corrupt_data naming the line, invalid_argument (no coordinates; Geometry lacks what they need).
[[nodiscard]] Particles parse_particles(ByteSpan text, const Geometry& geometry,
                                        std::string_view subject);
/// As text again, rows as they were read.
[[nodiscard]] std::string to_text(const Particles& particles);

}  // namespace cnf::em
