// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "cnf/core/query/dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"

namespace cnf::query {

struct CopyOptions {
  std::optional<int> sharding_bits = {};  ///< Of the copy: 0, 4 to 8; none: as the source has it.
  bool replace = false;                   ///< Replaces a dataset that is there.
  std::size_t threads = 4;                ///< Objects in transfer at once.
  std::uint64_t memory = std::uint64_t{128} << 20;  ///< Bytes held while reading.
  Progress* progress = nullptr;                     ///< Told the bytes; not owned.
};

struct CopyReport {
  std::uint64_t objects = 0, bytes = 0;  ///< Of the dataset, without its manifest.
  std::uint64_t resumed = 0;             ///< Objects that an earlier copy had brought already.
};

/// Copies a dataset of any format to the root of `target`, its chunks spread by another sharding if
/// asked for.
///
/// Every object is held against its length and CRC32C while it is copied; the manifest comes last,
/// so that nothing is a dataset before all is there. A copy that was cut short is taken up again by
/// another call: objects' names are used once only, so one that lies at the target with its length
/// is whole. Copied onto itself with `replace` a dataset changes its sharding where it is. What was
/// copied stays when this throws (orphans, until a copy is completed).
///
/// A dataset that is a Zarr group comes whole, with its zarr.json last and as it was; it has no
/// sharding, and is not copied over another one whose arrays have the same names. One that is taken
/// up again is compared byte by byte with what is there. Throws Error already_exists,
/// corrupt_data (the source is damaged), precondition_failed (somebody else committed meanwhile),
/// invalid_argument (sharding_bits).
[[nodiscard]] CopyReport copy_dataset(Dataset source,
                                      const std::shared_ptr<storage::Storage>& target,
                                      const CopyOptions& options, const Context& context = {});

}  // namespace cnf::query
