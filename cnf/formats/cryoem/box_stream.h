// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/array.h"

namespace cnf::cryoem {

struct StreamOptions {
  zarr::ReadOptions read = {};
  std::uint64_t memory = std::uint64_t{256} << 20;  ///< Bytes of voxels held at a time.
  Progress* progress = nullptr;                     ///< Told bytes of voxels; not owned.
};

/// Reads a box of any size front to back, a slab of whole chunks at a time where memory allows it,
/// and gives its voxels (C order, little-endian) to `sink`. Throws as zarr::Array::read.
void stream_box(const zarr::Array& array, const Box& box, const std::function<void(ByteSpan)>& sink,
                const StreamOptions& options = {}, const Context& context = {});

}  // namespace cnf::cryoem
