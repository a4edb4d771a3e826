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
/// particles' own lines, kept as they were read. One commit: before it, and after a failed one,
/// nothing has changed. Replacing leaves the old set's objects to `cnf gc`. \param name  1 to 64
/// letters, digits, '.', '_' and '-'. Throws Error already_exists, precondition_failed (somebody
/// changed the dataset since `volume` was opened), invalid_argument, unsupported (no dataset of
/// ours).
void add_points(const Volume& volume, std::string_view name, const em::Particles& particles,
                bool replace, const Context& context = {});

/// The particles of a set whose place (voxels of level 0, x, y, z, fractions kept) lies in the
/// closed box, in the order of their file, with
/// what surrounds them there. Cost: one request a level of the tree, and one. Throws Error
/// not_found, corrupt_data.
[[nodiscard]] em::Particles find_points(const Volume& volume, std::string_view name,
                                        const index::SpatialBox& box, const Context& context = {});
/// The names of all sets, in the order they were added.
[[nodiscard]] std::vector<std::string> points_names(const Volume& volume);
/// All of a set.
[[nodiscard]] em::Particles all_points(const Volume& volume, std::string_view name,
                                       const Context& context = {});

}  // namespace cnf::cryoem
