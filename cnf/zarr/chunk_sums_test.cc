// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/compress/blosc.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/codecs.h"
#include "cnf/zarr/known_array_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/shard.h"

namespace cnf::zarr {
namespace {

constexpr std::uint64_t kSide = 16;

Codec plain(Codec::Kind kind) { return {.kind = kind}; }

Codec frames(std::size_t blocksize) {
  return {.kind = Codec::Kind::blosc, .blosc = {.typesize = 2, .blocksize = blocksize}};
}

// One shard of eight chunks of 16³ that no byte of a frame stores twice: noise does not compress.
ArrayMetadata shards_of(std::vector<Codec> codecs) {
  auto sharding = std::make_shared<Sharding>();
  sharding->chunk = {kSide, kSide, kSide};
  sharding->codecs = std::move(codecs);
  sharding->index_codecs = {plain(Codec::Kind::bytes), plain(Codec::Kind::crc32c)};
  return {.shape = {2 * kSide, 2 * kSide, 2 * kSide},
          .type = DataType::uint16,
          .chunk = {2 * kSide, 2 * kSide, 2 * kSide},
          .fill = std::vector<std::byte>(2),
          .codecs = {{.kind = Codec::Kind::sharding, .sharding = std::move(sharding)}},
          .has_chunk_sums = true};
}

std::vector<std::byte> noise(std::size_t bytes) {
  std::vector<std::byte> out(bytes);
  std::uint32_t state = 1;
  for (std::byte& byte : out) {
    state = state * 1'664'525U + 1'013'904'223U;
    byte = static_cast<std::byte>(state >> 24U);
  }
  return out;
}

test::KnownArray write_summed(const ArrayMetadata& metadata) {
  test::KnownArray known{.metadata = metadata};
  known.elements = noise(metadata.shape.elements() * size_of(metadata.type));
  ObjectWriter writer(known.store, "a/c/0/0/0", metadata, {});
  chunk::for_each_place({{0, 0, 0}, {2, 2, 2}}, [&](const Shape& at) {
    const Shape begin{at[0] * kSide, at[1] * kSide, at[2] * kSide};
    Buffer encoded;
    encode_chunk(metadata.sharding()->codecs, metadata.inner_chunk(), metadata.type,
                 test::chunk_of(known, begin), encoded);
    writer.add(at, encoded);
  });
  (void)writer.finish();
  known.store->put("a/zarr.json", as_bytes(to_json(metadata).dump()));
  return known;
}

// Every byte of the chunks and their sums, turned over: boxes come as they were or not at all.
void expect_no_wrong_answer(const ArrayMetadata& metadata, const Box& box) {
  const test::KnownArray known = write_summed(metadata);
  const std::vector<std::byte> expected = known.expected(box);
  std::vector<std::byte> out(expected.size());
  Array::open(known.store, "a").read(box, out);
  ASSERT_EQ(out, expected);
  const Buffer good = known.store->read_all("a/c/0/0/0", 1U << 20U).bytes;
  const std::size_t index_bytes = 8 * sizeof(ShardEntry) + 4;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < good.size() - index_bytes; i += 37) {
    Buffer bad = Buffer::copy_of(good);
    bad.data()[i] ^= std::byte{0x10};
    known.store->put("a/c/0/0/0", bad);
    try {
      Array::open(known.store, "a").read(box, out);
      ASSERT_EQ(out, expected) << "byte " << i;
    } catch (const Error& error) {
      // A frame's header may now claim another version.
      ASSERT_TRUE(error.code() == Errc::corrupt_data || error.code() == Errc::unsupported)
          << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 0U);
}

TEST(ChunkSums, NoFlippedBitOfAFrameIsDelivered) {
  const auto metadata = shards_of({plain(Codec::Kind::bytes), frames(1024)});
  expect_no_wrong_answer(metadata, Box::of(metadata.shape));
  expect_no_wrong_answer(metadata, {{3, 0, 0}, {4, 32, 32}});  // blocks of frames
  expect_no_wrong_answer(metadata, {{3, 5, 7}, {20, 21, 22}});
}

TEST(ChunkSums, NorOfAnyOtherChunk) {
  for (const auto& codecs :
       {std::vector{plain(Codec::Kind::bytes)}, std::vector{plain(Codec::Kind::bytes), frames(0)},
        std::vector{plain(Codec::Kind::bytes), Codec{.kind = Codec::Kind::zstd, .level = 3}},
        std::vector{plain(Codec::Kind::bytes), frames(1024), plain(Codec::Kind::crc32c)}}) {
    expect_no_wrong_answer(shards_of(codecs), {{3, 5, 7}, {20, 21, 22}});
  }
}

TEST(ChunkSums, ReadersThatDoNotKnowThemPassOver) {
  const test::KnownArray known = write_summed(shards_of({plain(Codec::Kind::bytes), frames(1024)}));
  nlohmann::json document = to_json(known.metadata);
  EXPECT_EQ(document["attributes"]["cnf"]["chunk_sums"], "crc32c");
  EXPECT_TRUE(parse_array(document, "a").has_chunk_sums);
  for (const char* const other : {R"({"cnf": []})", R"({"cnf": "x"})", R"({"cnf": {}})"}) {
    document["attributes"] = nlohmann::json::parse(other);
    EXPECT_FALSE(parse_array(document, "a").has_chunk_sums) << other;
  }
  document["attributes"] = nlohmann::json::object();
  known.store->put("a/zarr.json", as_bytes(document.dump()));
  const Box all = Box::of(known.metadata.shape);
  std::vector<std::byte> out(known.elements.size());
  Array::open(known.store, "a").read(all, out);
  EXPECT_EQ(out, known.elements);
}

TEST(ChunkSums, AChunkWithoutRoomForThemIsDamaged) {
  ArrayMetadata metadata = shards_of({plain(Codec::Kind::bytes), frames(1024)});
  metadata.has_chunk_sums = false;
  const test::KnownArray known = write_summed(metadata);
  metadata.has_chunk_sums = true;
  known.store->put("a/zarr.json", as_bytes(to_json(metadata).dump()));
  std::vector<std::byte> out(known.elements.size());
  EXPECT_THROW(Array::open(known.store, "a").read(Box::of(metadata.shape), out), Error);
}

}  // namespace
}  // namespace cnf::zarr
