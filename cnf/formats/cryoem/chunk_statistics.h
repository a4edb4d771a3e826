// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>

#include "cnf/core/util/context.h"
#include "cnf/core/util/shape.h"
#include "cnf/formats/cryoem/statistics.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cryoem {

/// Told the elements of a chunk that lie in its level, and what is known of them.
using VisitChunk = std::function<void(const Box& elements, const Statistics& statistics)>;

/// Every chunk of a level in C order, with what the import found; no voxel is read. Cost: the pages
/// of that level in the index of statistics. Throws Error unsupported for an image that others
/// wrote, corrupt_data.
void for_each_chunk(const Volume& volume, std::size_t level, const VisitChunk& visit,
                    const Context& context = {});

}  // namespace cnf::cryoem
