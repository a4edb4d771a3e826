// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cnf/core/util/context.h"
#include "cnf/formats/cryoem/volume.h"
#include "cnf/zarr/array.h"

namespace cnf::cryoem {

/// How far validate() goes.
enum class Depth : std::uint8_t {
  voxels,   ///< Decodes every chunk and holds the statistics of each level against its voxels.
  pyramid,  ///< Also makes every level anew from level 0.
};

/// Told each thing that is wrong: the object it lies in, and what was found instead of what.
using Complaint = std::function<void(const std::string& object, const std::string& what)>;

/// Holds what a dataset says of itself against its arrays and their voxels: OME's metadata, the
/// levels' shapes, scales and translations, shard indices, statistics. Objects' lengths and sums
/// are core's job (query::validate_objects). A damaged level is told and passed over.
/// Throws what keeps it from reading: unavailable, cancelled, …
void validate(const Volume& volume, Depth depth, const Complaint& complain,
              const zarr::ReadOptions& options, const Context& context);

}  // namespace cnf::cryoem
