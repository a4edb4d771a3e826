// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>

#include "cnf/core/storage/storage.h"

namespace cnf::storage {

struct CacheOptions {
  /// Where blocks are kept, for every process of this user; empty: in memory, for this store alone.
  std::filesystem::path folder = {};
  std::uint64_t max_bytes = std::uint64_t{1} << 30;
  /// What is kept and fetched at least. 1 MiB is about what a connection moves while an answer is
  /// on its way (30 ms × 50 MiB/s), and is read back and verified in some 0.3 ms.
  std::uint64_t block_size = std::uint64_t{1} << 20;
  /// For how long an object is taken to be unchanged after the store told its ETag; 0: ask always.
  std::chrono::milliseconds ttl{60'000};
};

/// A store that keeps what was read of another, in blocks, and reads it from there the next time.
///
/// A block belongs to one version of an object: store, key, ETag and place. So no read is ever a
/// mixture of versions, and the only question is which version is the present one:
///   - A read that names an ETag asks nothing once the object's size is known: that version is what
///     it wants. It may succeed after another process replaced the object.
///   - Any other read of ranges, of a tail or of a whole object asks for the ETag (a HEAD) if the
///     store last told it more than `ttl` ago, to this process or another that uses the folder.
///     Within `ttl` after somebody else replaced an object, the old version may be read, whole.
///   - A change through this store (a write, a copy, a removal, done or failed) is seen at once by
///     all who use the folder.
///   - What names a dataset's present state is never kept: keys that end in ".json" (manifests,
///     `zarr.json`) or have a segment that begins with '_' or '.'. Nor is an object that has no
///     ETag, or a weak one. These reads, and all stats and lists, go to the store as they come.
///
/// Blocks that are missing are fetched together: neighbours by one request, and a block that
/// several threads want by one of them. A range or an object of which no byte had to be fetched
/// counts as a cache hit. A fetch holds at most 64 MiB of blocks at a time.
///
/// On disk: files of at most `max_bytes` in all, the least recently used of which go first; written
/// beside their names and renamed, read back only if their CRC32C is right, readable by this user
/// alone. Whatever befalls the folder (a full or read-only disk, files that are damaged or gone, a
/// process that is killed) costs requests, never an error and never wrong bytes. A folder that
/// others may read or write is not used.
///
/// Threads and processes: any number on one folder.
[[nodiscard]] std::shared_ptr<Storage> cached(std::shared_ptr<Storage> inner,
                                              const CacheOptions& options);

}  // namespace cnf::storage
