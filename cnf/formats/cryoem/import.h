// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"

namespace cnf::cryoem {

struct ImportOptions {
  /// Voxels of a chunk along z, y, x (n, y, x; t, y, x); empty: by the automatic rule, which the
  /// report tells. The seed's tile of 256 × 256 × 32 is {32, 256, 256}.
  Shape chunk = {};
  Shape shard = {};            ///< A multiple of the chunk, by powers of two; empty: 64 to 256 MiB.
  std::string codec = "auto";  ///< "auto", "lz4", "zstd[:level]", "none": see layout.h.
  std::optional<std::size_t> levels =
      {};  ///< Of the pyramid, the first included; none: until all fits a tile.
  std::optional<DataType> type = {};  ///< Converts (rounds half to even, refuses overflow).
  std::optional<int> keep_bits = {};  ///< Mantissa bits of floats that stay, 1 to 23.
  bool flip_y = false;                ///< Turns the y axis over; recorded.
  bool checksum = false;              ///< A CRC32C with every inner chunk.
  /// Into labels/NAME of a dataset that is there: integers, or floats that `type` converts and that
  /// are whole numbers.
  std::optional<std::string> label = {};
  query::Existing existing = query::Existing::refuse;
  bool resume = false;  ///< Goes on with an import that was cut short.
  std::size_t threads = 0;
  std::string name = {};         ///< Of the image; the source's file name.
  Progress* progress = nullptr;  ///< Told bytes of voxels; not owned.
};

struct ImportReport {
  Shape chunk = {}, shard = {};
  std::size_t levels = 0;
  std::string codec = {};  ///< As it was chosen: "blosc(lz4, bitshuffle)".
  std::uint64_t voxels = 0, raw_bytes = 0, stored_bytes = 0;
  std::uint64_t resumed = 0;  ///< Objects that an earlier import had brought.
};

/// Writes a source as a dataset at a store's root: levels, statistics and what the exact copy
/// needs, in one pass over the source.
///
/// Nothing is a dataset before the end: the root zarr.json comes last. An import that was cut short
/// leaves its journal; `resume` takes it up if source and options are the same, and gives the same
/// bytes as one that was not. Memory: at most 256 MiB above a mapped source, whatever its size.
/// Throws Error already_exists, precondition_failed, invalid_argument, corrupt_data, cancelled.
[[nodiscard]] ImportReport import_source(const em::Source& source,
                                         const std::shared_ptr<storage::Storage>& root,
                                         const ImportOptions& options, const Context& context = {});

/// The seed's Write: voxels in memory (C order, x fastest, little-endian) as a dataset of tiles of
/// 256 × 256 × 32. \param dims  depth, height, width (z, y, x).
ImportReport write(ByteSpan volume, const Shape& dims, DataType type,
                   const std::shared_ptr<storage::Storage>& root, ImportOptions options = {},
                   const Context& context = {});

}  // namespace cnf::cryoem
