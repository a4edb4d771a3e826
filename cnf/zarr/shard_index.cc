// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/util/buffer.h"
#include "cnf/zarr/byte_codecs_internal.h"
#include "cnf/zarr/codec_internal.h"
#include "cnf/zarr/json_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/shard.h"

// The index of the codec sharding_indexed, version 1.0: pairs of uint64 (offset, nbytes), both
// 2^64 - 1 for a chunk that is not there, through codecs that keep their length known.

namespace cnf::zarr {
namespace {

constexpr std::uint64_t kEntryBytes = 16;

}  // namespace

std::uint64_t shard_index_bytes(const Sharding& sharding, std::uint64_t chunks) {
  if (chunks > kMaxShardChunks) {
    not_read_here("a shard", fmt::format("it has over {} chunks", kMaxShardChunks));
  }
  std::uint64_t bytes = kEntryBytes * chunks;
  for (const Codec& codec : sharding.index_codecs) {
    if (codec.kind == Codec::Kind::crc32c) {
      bytes += 4;
    } else if (codec.kind != Codec::Kind::bytes) {
      not_read_here("a shard", "its index has others than the codecs bytes and crc32c");
    }
  }
  return bytes;
}

std::vector<ShardEntry> parse_shard_index(const Sharding& sharding, std::uint64_t chunks,
                                          ByteSpan saved, std::uint64_t shard_bytes,
                                          std::string_view subject) {
  if (saved.size() != shard_index_bytes(sharding, chunks)) {
    refuse(subject, fmt::format("its index has {} bytes for {} chunks", saved.size(), chunks));
  }
  bool is_little = true;
  for (std::size_t i = sharding.index_codecs.size(); i-- > 0;) {
    const Codec& codec = sharding.index_codecs[i];
    if (codec.kind == Codec::Kind::crc32c) saved = without_sum(codec, saved, subject);
    if (codec.kind == Codec::Kind::bytes) is_little = codec.little;
  }
  Buffer words = Buffer::copy_of(saved);
  if (!is_little) swap_words(words.span(), sizeof(std::uint64_t));
  std::vector<ShardEntry> entries(chunks);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    ShardEntry& entry = entries[i];
    std::memcpy(&entry.offset, &words.data()[i * kEntryBytes], sizeof(entry.offset));
    std::memcpy(&entry.length, &words.data()[i * kEntryBytes + 8], sizeof(entry.length));
    if (entry.missing()) continue;
    if (entry.offset > shard_bytes || entry.length > shard_bytes - entry.offset) {
      refuse(subject, fmt::format("its index has chunk {} at {} with {} bytes, past its end at {}",
                                  i, entry.offset, entry.length, shard_bytes));
    }
  }
  return entries;
}

}  // namespace cnf::zarr
