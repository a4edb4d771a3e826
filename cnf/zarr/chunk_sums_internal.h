// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {

/// CRC32C sums of a chunk and of its parts, which stand right before it in its shard: in bytes that
/// the shard's index names for no chunk, so that every other reader passes over them.
///
/// Of a frame of Blosc there is one of its head (header and index of blocks) and one of each block
/// as it is stored, so that a part that is read alone is checked; of any other chunk there is one.
/// Little-endian uint32 each. docs/adr/0015
class ChunkSums {
 public:
  explicit ChunkSums(const ArrayMetadata& array);

  /// Before each chunk; 0 where the array has none.
  [[nodiscard]] std::size_t bytes() const noexcept { return count_ * 4; }
  /// Whether they are of a head and blocks, or one of the whole chunk.
  [[nodiscard]] bool by_blocks() const noexcept { return by_blocks_; }
  /// Appends those of an encoded chunk.
  void append(ByteSpan encoded, Buffer& out) const;

 private:
  std::size_t count_ = 0;
  bool by_blocks_ = false;
  std::size_t raw_bytes_ = 0;  // of a chunk
};

/// Throws Error corrupt_data unless `bytes` have the sum number `number` of a chunk's `sums`, or
/// there are no sums. Of a frame number 0 is the head's, 1 + i that of block i.
void check_chunk_sum(ByteSpan sums, std::size_t number, ByteSpan bytes, std::string_view subject);

}  // namespace cnf::zarr
