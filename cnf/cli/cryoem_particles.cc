// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/cryoem_particles.h"

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "cnf/cli/cryoem.h"
#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/cli/verb.h"
#include "cnf/core/index/rtree.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/particles.h"
#include "cnf/formats/cryoem/points.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cli {
namespace {

double parse_length(const std::string& name, const std::string& text) {
  const double length = parse_real(name, text);
  if (!(length > 0)) throw UsageError(fmt::format("{}: a size is more than 0", name));
  return length;
}

em::Geometry geometry_of(const cryoem::Volume& volume, const ParticleScale& scale) {
  em::Geometry geometry{.voxel = scale.voxel, .dims = {1, 1, 1}, .pixel = scale.pixel};
  if (geometry.voxel == 0) geometry.voxel = volume.voxel(0).back();
  const Shape& shape = volume.level(0).shape();
  for (std::size_t axis = 0; axis < geometry.dims.size() && axis < shape.size(); ++axis) {
    geometry.dims[axis] = shape[shape.size() - 1 - axis];
  }
  return geometry;
}

// The centres of voxels [from, from + count) and all that is nearer to them than to any other.
void narrow(index::SpatialBox& box, std::size_t axis, std::uint64_t from, std::uint64_t count) {
  box.low[axis] = static_cast<double>(from) - 0.5;
  box.high[axis] = std::nextafter(static_cast<double>(from) + static_cast<double>(count) - 0.5,
                                  -std::numeric_limits<double>::infinity());
}

}  // namespace

double parse_real(const std::string& name, const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    throw UsageError(fmt::format("{}: \"{}\" is no number", name, text));
  return value;
}

void add_scale_options(Verb& verb, ParticleScale& scale) {
  verb.option(
      "--voxel-size", "A",
      [&scale](const std::string& text) { scale.voxel = parse_length("--voxel-size", text); },
      "Angstroms of a voxel, instead of what the volume says");
  verb.option(
      "--pixel-size", "A",
      [&scale](const std::string& text) { scale.pixel = parse_length("--pixel-size", text); },
      "Angstroms of the pixels that coordinates count, if not voxels");
}

em::Particles read_particles(const std::string& uri, const cryoem::Volume& volume,
                             const ParticleScale& scale, Session& session) {
  const std::string text = read_text(uri, session);
  return em::parse_particles(as_bytes(text), geometry_of(volume, scale), uri);
}

em::Particles points_of(const cryoem::Volume& volume, const std::string& name,
                        const std::string& box, Session& session) {
  if (box.empty()) return cryoem::all_points(volume, name, session.context());
  const std::vector<std::uint64_t> n = parse_numbers("--box", box, 6, 6);
  index::SpatialBox wanted;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (n[axis + 3] == 0) throw UsageError("--box: a side is 1 at least");
    narrow(wanted, axis, n[axis], n[axis + 3]);
  }
  return cryoem::find_points(volume, name, wanted, session.context());
}

}  // namespace cnf::cli
