// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "cnf/core/util/context.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cryoem {

/// The finest level of a Zarr image as a file of voxels. Axes of one element are left out, but for
/// z, y and x; an image of two axes has one plane.
///
/// Chunks that reads meet in part are decoded once and kept, at most 256 MiB of them; where that
/// would not do, because the chunks are slabs or planes of a large image, the voxels are unpacked
/// into a temporary file first. Throws Error unsupported for more axes than a source has,
/// invalid_argument for a kind that does not suit the axes.
[[nodiscard]] std::unique_ptr<em::Source> open_zarr_source(const Volume& volume,
                                                           const em::SourceOptions& options = {},
                                                           const Context& context = {});

}  // namespace cnf::cryoem
