// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/shard.h"

namespace cnf::zarr {
namespace {

constexpr std::uint64_t kMissing = ~std::uint64_t{0};

Sharding halves() {
  return {.chunk = {2, 2},
          .codecs = {{.kind = Codec::Kind::bytes}},
          .index_codecs = {{.kind = Codec::Kind::bytes}, {.kind = Codec::Kind::crc32c}}};
}

// Shards of 2 × 3 inner chunks over an array that ends within its only shard.
ArrayMetadata sharded(Sharding shards = halves()) {
  ArrayMetadata array{.shape = {3, 4}, .type = DataType::uint8, .chunk = {4, 6}};
  array.codecs = {{.kind = Codec::Kind::sharding,
                   .sharding = std::make_shared<const Sharding>(std::move(shards))}};
  return array;
}

// Source: Zarr v3, sharding codec v1.0, "Binary shard format": for every inner chunk of the shard,
// in C order and also past the array's edge, offset and nbytes as uint64; then their CRC32C.
TEST(ObjectWriter, EndsAShardWithTheIndexOfAllItsChunks) {
  const auto store = storage::make_memory();
  ObjectWriter writer(store, "0/c/0/0", sharded(), {});
  writer.add({1, 0}, as_bytes("abc"));
  writer.add({0, 1}, as_bytes("defgh"));
  const std::optional<WrittenObject> written = writer.finish();

  Buffer want = Buffer::copy_of(as_bytes("abcdefgh"));
  Buffer index;
  ByteWriter out(index);
  for (const std::uint64_t value :
       {kMissing, kMissing, std::uint64_t{3}, std::uint64_t{5}, kMissing, kMissing,
        std::uint64_t{0}, std::uint64_t{3}, kMissing, kMissing, kMissing, kMissing}) {
    out.put(value);
  }
  out.put(crc32c(index));
  want.append(index);
  const storage::Object object = store->read_all("0/c/0/0", 1 << 20);
  EXPECT_EQ(as_text(object.bytes), as_text(want));
  ASSERT_TRUE(written);
  EXPECT_EQ(written->key, "0/c/0/0");
  EXPECT_EQ(written->length, want.size());
  EXPECT_EQ(written->crc32c, crc32c(want));
}

TEST(ObjectWriter, LeavesTheSumOutWhereTheArrayHasNone) {
  Sharding shards = halves();
  shards.index_codecs.pop_back();
  const auto store = storage::make_memory();
  ObjectWriter writer(store, "c/0/0", sharded(std::move(shards)), {});
  writer.add({0, 0}, as_bytes("a"));
  EXPECT_EQ(writer.finish()->length, 1 + 6 * 16U);
}

TEST(ObjectWriter, WritesTheOnlyChunkOfAnUnshardedObjectAsItIs) {
  ArrayMetadata array{.shape = {3, 4}, .chunk = {2, 2}};
  array.codecs = {{.kind = Codec::Kind::bytes}};
  const auto store = storage::make_memory();
  ObjectWriter writer(store, "c/1/0", array, {});
  writer.add({0, 0}, as_bytes("abcd"));
  EXPECT_EQ(writer.finish()->crc32c, crc32c(as_bytes("abcd")));
  EXPECT_EQ(as_text(store->read_all("c/1/0", 100).bytes), "abcd");
}

TEST(ObjectWriter, MakesNoObjectOfNoChunks) {
  const auto store = storage::make_memory();
  ObjectWriter writer(store, "c/0/0", sharded(), {});
  EXPECT_FALSE(writer.finish());
  EXPECT_FALSE(store->exists("c/0/0"));
}

TEST(ObjectWriter, LeavesNothingWhenItIsGivenUp) {
  const auto store = storage::make_memory();
  {
    ObjectWriter writer(store, "c/0/0", sharded(), {});
    writer.add({0, 0}, as_bytes("abc"));
  }
  EXPECT_FALSE(store->exists("c/0/0"));
}

TEST(ObjectWriter, RefusesAChunkTwiceOrOutsideTheShard) {
  const auto store = storage::make_memory();
  ObjectWriter writer(store, "c/0/0", sharded(), {});
  writer.add({1, 2}, as_bytes("abc"));
  EXPECT_THROW(writer.add({1, 2}, as_bytes("abc")), Error);
  EXPECT_THROW(writer.add({0, 3}, as_bytes("abc")), Error);
  EXPECT_THROW(writer.add({2, 0}, as_bytes("abc")), Error);
  EXPECT_THROW(writer.add({0}, as_bytes("abc")), Error);
}

TEST(ObjectWriter, RefusesAnIndexItCannotStream) {
  Sharding shards = halves();
  shards.index_at_end = false;
  EXPECT_THROW(ObjectWriter(storage::make_memory(), "c", sharded(shards), {}), Error);
  shards.index_at_end = true;
  shards.index_codecs[0].little = false;
  EXPECT_THROW(ObjectWriter(storage::make_memory(), "c", sharded(shards), {}), Error);
}

}  // namespace
}  // namespace cnf::zarr
