// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/index/rtree.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/em/particles.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cryoem {

/// Adds a named set of particles to a dataset, or replaces it: an R-tree whose rows lead to the
/// particles' own lines, kept as they were read. One commit. Throws Error already_exists,
/// precondition_failed, not_found.
void add_points(const Volume& volume, std::string_view name, const em::Particles& particles,
                bool replace, const Context& context = {});

/// The particles of a set whose place (voxels of level 0, x, y, z, fractions kept) lies in the
/// closed box, in the order of their file. Cost: one request a level of the tree, and one.
[[nodiscard]] em::Particles find_points(const Volume& volume, std::string_view name,
                                        const index::SpatialBox& box, const Context& context = {});
/// All of them.
[[nodiscard]] em::Particles all_points(const Volume& volume, std::string_view name,
                                       const Context& context = {});

}  // namespace cnf::cryoem
