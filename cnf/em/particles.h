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
  /// x, y, z in voxels of the volume; 0 is the first voxel's centre, fractions are kept.
  std::array<double, 3> at{};
  std::string tomogram;  ///< rlnTomoName, rlnMicrographName; may be empty.
  std::string line;      ///< Its row as it stands in the file, without the line's end.
};

/// Particles and what is needed to write them again.
struct Particles {
  enum class Format : std::uint8_t { star, ndjson };
  Format format = Format::star;
  std::string block = "particles";   ///< The data block that the rows' loop is in.
  std::vector<std::string> columns;  ///< Of the loop, in order ("rlnCoordinateX").
  std::string preamble;              ///< All before the first row, verbatim: optics, comments.
  std::string postamble;             ///< All behind the last row.
  double pixels_per_voxel = 1;       ///< Of the pixels that rows count, in the volume's voxel.
  std::vector<Particle> rows;
};

/// How coordinates that are not in voxels of the volume become that.
struct Geometry {
  double voxel = 0;                     ///< Å; needed for coordinates and offsets in Å.
  std::array<std::uint64_t, 3> dims{};  ///< x, y, z of the volume; for centred coordinates.
  /// Å of the pixels that rlnCoordinateX, rlnOriginX and the portal's locations count; 0: they are
  /// voxels of the volume. RELION counts pixels of the tilt series, whatever the volume's binning.
  double pixel = 0;
};

/// RELION 3, 4 and 5 STAR and the CryoET portal's ndjson, told apart by their bytes.
///
/// rlnCenteredCoordinateXAngst counts from dims / 2; else rlnCoordinateX counts pixels. From either
/// the shift rlnOriginXAngst (rlnOriginX: pixels) is subtracted, turned by rlnTomoSubtomogramRot,
/// Tilt and Psi where they are given, as RELION 5 does. (RELION 4.0 adds 1 to each; later ones do
/// not.) Without rlnCoordinateZ, z is 0: particles on a micrograph.
///
/// Throws Error corrupt_data naming the line, invalid_argument (no coordinates; `geometry` lacks
/// what they need; no z although the volume is deep).
[[nodiscard]] Particles parse_particles(ByteSpan text, const Geometry& geometry,
                                        std::string_view subject);
/// As text again, rows as they were read, each ending in a line feed.
[[nodiscard]] std::string to_text(const Particles& particles);

}  // namespace cnf::em
