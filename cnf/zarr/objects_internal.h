// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/shard.h"

namespace cnf::zarr {

/// Whether a request takes so long that another thread may wait for it: files and memory answer
/// before one has started.
[[nodiscard]] bool is_far(const storage::Storage& storage);

/// What is known of one object of an array: a shard, or a chunk that is an object.
struct ObjectIndex {
  bool exists = false;
  std::uint64_t bytes = 0;
  std::vector<ShardEntry> entries = {};  ///< Of a shard that exists: one an inner chunk.
};

/// The objects of one array: where they lie, and what was learned about them.
///
/// Threads: concurrent use is fine.
class Objects {
 public:
  Objects(std::shared_ptr<const storage::Storage> storage, std::string path,
          const ArrayMetadata& array, ObjectLengths lengths);

  [[nodiscard]] const storage::Storage& storage() const noexcept { return *storage_; }
  [[nodiscard]] const std::shared_ptr<const storage::Storage>& shared_storage() const noexcept {
    return storage_;
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// \param number  of the object in the grid, in C order.
  [[nodiscard]] std::string key_of(std::uint64_t number) const;

  /// What is known of these objects, in their order; what is not yet known is asked of the store,
  /// all at once. Throws Error corrupt_data for an index that is damaged.
  [[nodiscard]] std::vector<std::shared_ptr<const ObjectIndex>> find(
      std::span<const std::uint64_t> numbers, const Context& context) const;

 private:
  using Found = std::shared_ptr<const ObjectIndex>;

  [[nodiscard]] std::vector<Found> load(std::span<const std::uint64_t> numbers,
                                        const Context& context) const;
  [[nodiscard]] std::vector<Found> load_with_lengths(std::span<const std::string> keys,
                                                     const Context& context) const;
  [[nodiscard]] Found load_one(const std::string& key, const Context& context) const;
  [[nodiscard]] Found shard_of(ByteSpan saved, std::uint64_t bytes, const std::string& key) const;
  void keep(std::span<const std::uint64_t> numbers, std::span<const Found> found) const;

  const std::shared_ptr<const storage::Storage> storage_;
  const std::string path_;
  const ArrayMetadata& array_;
  const ObjectLengths lengths_;
  Shape counts_;                   // objects along each axis
  std::uint64_t chunks_ = 1;       // inner chunks of a shard
  std::uint64_t index_bytes_ = 0;  // of a shard
  mutable std::mutex mutex_;       // guards what follows
  mutable std::unordered_map<std::uint64_t, Found> known_;
  mutable std::uint64_t kept_bytes_ = 0;  // of known_
};

}  // namespace cnf::zarr
