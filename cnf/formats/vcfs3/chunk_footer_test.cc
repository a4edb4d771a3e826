// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/chunk_footer.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/bin_row.h"

namespace cnf::vcfs3 {
namespace {

std::vector<BinRow> two_bins() {
  std::vector<BinRow> bins(2);
  bins[0].key = {3, 10, 20};
  bins[0].bin = 7;
  bins[0].pages = {{.records = 5, .core_length = 10, .info_length = 20, .carriers_length = 30},
                   {.records = 6, .core_length = 11, .info_length = 0, .carriers_length = 0}};
  bins[0].tiles = {{.genotypes_length = 100, .format_length = 1'000}, {.genotypes_length = 200}};
  bins[1].key = {4, 0, 20};
  bins[1].bin = 8;
  bins[1].pages = {{.records = 9, .core_length = 12, .info_length = 1, .carriers_length = 2}};
  bins[1].tiles = {{.genotypes_length = 300}, {.genotypes_length = 400, .format_length = 2'000}};
  return bins;
}

TEST(ChunkFooter, PartsLieGroupByGroup) {
  std::vector<BinRow> bins = two_bins();
  const std::uint64_t end = place_parts(bins);
  EXPECT_EQ(bins[0].pages[0].offset, 8U);
  EXPECT_EQ(bins[0].pages[1].offset, 68U);
  EXPECT_EQ(bins[1].pages[0].offset, 79U);
  EXPECT_EQ(bins[0].tiles[0].genotypes_offset, 94U);
  EXPECT_EQ(bins[1].tiles[0].genotypes_offset, 194U);
  EXPECT_EQ(bins[0].tiles[0].format_offset, 494U);
  EXPECT_EQ(bins[1].tiles[0].format_offset, 0U) << "it is empty";
  EXPECT_EQ(bins[0].tiles[1].genotypes_offset, 1'494U);
  EXPECT_EQ(bins[1].tiles[1].genotypes_offset, 1'694U);
  EXPECT_EQ(bins[1].tiles[1].format_offset, 2'094U);
  EXPECT_EQ(end, 4'094U);
}

TEST(ChunkFooter, ComesBackFromTheEndOfAChunk) {
  const ChunkFooter footer = ChunkFooter::of(two_bins());
  Buffer chunk = Buffer::copy_of(as_bytes("CNFVCF1\0 parts of whatever kind"));
  chunk.append(footer.encode());
  const ByteSpan trailer = chunk.span().last(kTrailerBytes);
  const std::uint64_t length = ChunkFooter::tail_length(trailer, "chunk");
  EXPECT_EQ(length, footer.encode().size());
  EXPECT_EQ(ChunkFooter::decode(chunk.span().last(length), "chunk").bins, footer.bins);
  EXPECT_EQ(ChunkFooter::decode(chunk, "chunk").bins, footer.bins);
  EXPECT_TRUE(ChunkFooter::decode(ChunkFooter().encode(), "chunk").bins.empty());
}

TEST(ChunkFooter, RefusesEachFlippedByteAndEachTruncation) {
  const Buffer bytes = ChunkFooter::of(two_bins()).encode();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    Buffer damaged = Buffer::copy_of(bytes);
    damaged.data()[at] ^= std::byte{0x10};
    EXPECT_THROW(static_cast<void>(ChunkFooter::decode(damaged, "chunk")), Error) << at;
    EXPECT_THROW(static_cast<void>(ChunkFooter::decode(bytes.span().last(at), "chunk")), Error);
  }
}

// The checksum is right, what it vouches for is not.
TEST(ChunkFooter, RefusesCountsThatItsBytesCannotHold) {
  const std::vector<std::vector<std::uint64_t>> bodies = {
      {~0ULL, 0},
      {1, ~0ULL, 0, 0, 0},
      {1, 4'000, 0, 0, 0},
      {1, 0, 1ULL << 40, 0, 0},
      {1, 0, 0, 0, 5, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
      {0, 0, 0}};
  for (const auto& body : bodies) {
    Buffer bytes;
    ByteWriter out(bytes);
    for (const std::uint64_t value : body) out.put_varint(value);
    const auto length = static_cast<std::uint32_t>(bytes.size());
    const std::uint32_t sum = crc32c(bytes);
    out.put(length);
    out.put(sum);
    out.put_bytes(as_bytes(kChunkMagic));
    try {
      static_cast<void>(ChunkFooter::decode(bytes, "chunk"));
      ADD_FAILURE() << "it was believed";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::corrupt_data);
    }
  }
}

}  // namespace
}  // namespace cnf::vcfs3
