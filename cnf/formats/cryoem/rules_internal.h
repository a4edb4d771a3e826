// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/pyramid_internal.h"
#include "cnf/zarr/metadata.h"

namespace cnf::cryoem {

/// Which axes a pyramid halves: those of space. Tilts, frames, images and channels are none.
[[nodiscard]] std::vector<bool> binned_axes(const em::SourceInfo& source);

/// The chunk where nobody asked for one. A volume of which no side is below 192 is cut into cubes
/// of 64: boxes, particles and slices along every axis cost about the same. Any other into slabs of
/// 32 × 256 × 256. Images of at most 1,024 voxels a side stay whole, as many of a stack together as
/// have 1 MiB; larger ones are cut into tiles of 512 × 512. No side is longer than the array's.
[[nodiscard]] Shape automatic_chunk(const em::SourceInfo& source, DataType type);
/// The sides that somebody asked for, as the array has them: axes in front that were not told have
/// 1, and no side is longer than the array's. Throws Error invalid_argument for more axes.
[[nodiscard]] Shape asked_sides(const Shape& asked, const Shape& array, std::string_view what);
/// The shard where nobody asked for one: the chunk, doubled along one axis after another until it
/// has 128 MiB, or all there is. Images stay whole before it takes a second one.
[[nodiscard]] Shape automatic_shard(const em::SourceInfo& source, DataType type,
                                    const Shape& chunk);

/// How chunks are compressed, and its name for people: "blosc(lz4, bitshuffle)".
struct ChosenCodec {
  std::vector<zarr::Codec> codecs;
  std::string name;
};
/// \param wanted  "auto", "lz4", "zstd", "zstd:LEVEL" (1 to 9), "none". Auto is lz4, and zstd:3 for
/// labels. Blosc's blocks are some planes of a chunk, so that a slice decodes no others.
[[nodiscard]] ChosenCodec choose_codec(std::string_view wanted, DataType type,
                                       Downscaling downscaling, const Shape& chunk, bool checksum);

}  // namespace cnf::cryoem
