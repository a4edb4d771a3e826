// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "cnf/cli/session.h"
#include "cnf/em/particles.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cli {

class Verb;

/// How a list's coordinates become voxels, as options say it.
struct ParticleScale {
  double voxel = 0;  ///< --voxel-size: Å; 0: what the volume says.
  double pixel = 0;  ///< --pixel-size: Å; 0: pixels are voxels.
};
void add_scale_options(Verb& verb, ParticleScale& scale);

/// Reads a list of particles, a file of any store, for a volume. Throws as em::parse_particles.
[[nodiscard]] em::Particles read_particles(const std::string& uri, const cryoem::Volume& volume,
                                           const ParticleScale& scale, Session& session);

/// The particles in a set that a dataset has; of them, those in the box x,y,z,width,height,depth of
/// voxels, if it is not empty. Throws UsageError (the box).
[[nodiscard]] em::Particles points_of(const cryoem::Volume& volume, const std::string& name,
                                      const std::string& box, Session& session);

/// A number of an option. Throws UsageError unless it is one, and finite.
[[nodiscard]] double parse_real(const std::string& name, const std::string& text);

}  // namespace cnf::cli
