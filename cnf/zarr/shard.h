// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {

/// Where an inner chunk lies in its shard; all chunks together are the shard's index, in C order.
struct ShardEntry {
  std::uint64_t offset = kMissing;
  std::uint64_t length = kMissing;
  static constexpr std::uint64_t kMissing = ~std::uint64_t{0};
  [[nodiscard]] bool missing() const noexcept { return offset == kMissing && length == kMissing; }
};

/// Bytes of the saved index of so many chunks. Throws Error unsupported for codecs of another size.
[[nodiscard]] std::uint64_t shard_index_bytes(const Sharding& sharding, std::uint64_t chunks);
/// Checks the sum if the index has one, and that every entry lies within the shard without a sum
/// that wraps. Throws Error corrupt_data.
[[nodiscard]] std::vector<ShardEntry> parse_shard_index(const Sharding& sharding,
                                                        std::uint64_t chunks, ByteSpan saved,
                                                        std::uint64_t shard_bytes,
                                                        std::string_view subject);

/// An object that was written, as the dataset's chunk index lists it.
struct WrittenObject {
  std::string key;
  std::uint64_t length = 0;
  std::uint32_t crc32c = 0;
};

/// Streams one object of an array: a shard, as its chunks come in any order, or the one chunk of an
/// array without shards. Nothing is on the store before finish(), and nothing at all if no chunk
/// was added: a missing object is all fill value. Destroyed before, it aborts. Threads: one at a
/// time.
class ObjectWriter {
 public:
  /// \param key  of the object on the store.
  ObjectWriter(std::shared_ptr<storage::Storage> storage, std::string key,
               const ArrayMetadata& array, const Context& context);
  ~ObjectWriter();
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;

  /// \param at  the chunk's place within the shard; all zeros without shards. At most once each.
  void add(const Shape& at, ByteSpan encoded);
  /// nullopt if nothing was added.
  [[nodiscard]] std::optional<WrittenObject> finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cnf::zarr
