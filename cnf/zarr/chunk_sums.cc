// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/zarr/chunk_sums_internal.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {

ChunkSums::ChunkSums(const ArrayMetadata& array) {
  const Sharding* const shards = array.sharding();
  if (!array.has_chunk_sums || shards == nullptr) return;
  raw_bytes_ = shards->chunk.elements() * size_of(array.type);
  const Codec& last = shards->codecs.back();
  // Where the metadata tell no size of blocks, their number is not known before a frame is read.
  by_blocks_ = last.kind == Codec::Kind::blosc && last.blosc.blocksize != 0;
  if (!by_blocks_) {
    count_ = 1;
    return;
  }
  const std::size_t block = std::min(last.blosc.blocksize, raw_bytes_);
  count_ = 1 + (raw_bytes_ - 1) / block + 1;
}

void ChunkSums::append(ByteSpan encoded, Buffer& out) const {
  if (count_ == 0) return;
  ByteWriter writer(out);
  if (!by_blocks_) {
    writer.put(crc32c(encoded));
    return;
  }
  const compress::BloscFrame frame(encoded, encoded.size(), raw_bytes_, "a chunk");
  if (frame.blocks() + 1 != count_) {
    throw Error(Errc::invalid_argument, "write", "a chunk",
                "its blocks are not of the size that the array's metadata tell");
  }
  writer.put(crc32c(encoded.first(compress::BloscFrame::head_bytes(encoded, "a chunk"))));
  for (std::size_t block = 0; block < frame.blocks(); ++block) {
    const compress::BloscFrame::Range range = frame.range_of(block);
    writer.put(crc32c(encoded.subspan(range.offset, range.length)));
  }
}

void check_chunk_sum(ByteSpan sums, std::size_t number, ByteSpan bytes, std::string_view subject) {
  if (sums.empty()) return;
  std::uint32_t expected = 0;
  if (number >= sums.size() / sizeof expected) {
    throw Error(Errc::corrupt_data, "verify", subject, "it has more blocks than sums of them");
  }
  std::memcpy(&expected, sums.subspan(number * sizeof expected).data(), sizeof expected);
  verify_crc32c(bytes, expected, subject);
}

}  // namespace cnf::zarr
