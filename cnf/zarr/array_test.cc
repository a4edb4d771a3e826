// SPDX-License-Identifier: Apache-2.0
#include "cnf/zarr/array.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/query/plan.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/known_array_internal.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr::test {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kBlosc = R"({"name": "blosc", "configuration": {"cname": "lz4",
  "clevel": 5, "shuffle": "bitshuffle", "typesize": 2, "blocksize": 64}})";
constexpr std::string_view kLittle = R"({"name": "bytes", "configuration": {"endian": "little"}})";
constexpr std::string_view kBig = R"({"name": "bytes", "configuration": {"endian": "big"}})";

struct Layout {
  Shape shape, chunk;
  std::optional<Shape> inner = {};  ///< Chunks of shards.
  std::string codecs;               ///< Of the inner chunks.
  std::string index_location = "end";
};

Json json_of(const Shape& shape) { return std::vector<std::uint64_t>(shape.begin(), shape.end()); }

/// An array of int16 with the fill value -3.
ArrayMetadata metadata_of(const Layout& layout) {
  Json codecs = Json::parse(layout.codecs);
  if (layout.inner) {
    codecs = Json::array({{{"name", "sharding_indexed"},
                           {"configuration",
                            {{"chunk_shape", json_of(*layout.inner)},
                             {"codecs", codecs},
                             {"index_codecs", {Json::parse(kLittle), {{"name", "crc32c"}}}},
                             {"index_location", layout.index_location}}}}});
  }
  return parse_array(
      {{"zarr_format", 3},
       {"node_type", "array"},
       {"shape", json_of(layout.shape)},
       {"data_type", "int16"},
       {"chunk_grid",
        {{"name", "regular"}, {"configuration", {{"chunk_shape", json_of(layout.chunk)}}}}},
       {"chunk_key_encoding", {{"name", "default"}}},
       {"fill_value", -3},
       {"codecs", codecs}},
      "test");
}

/// Small values; a part of the array, cut at a plane, is fill value throughout.
std::vector<std::byte> random_elements(const Shape& shape, std::mt19937& random) {
  std::vector<std::int16_t> values(shape.elements());
  for (std::int16_t& value : values) value = static_cast<std::int16_t>(random() % 50);
  const std::size_t empty = random() % 3 == 0 ? random() % (values.size() + 1) : 0;
  std::fill_n(values.begin(), empty, std::int16_t{-3});
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

Box random_box(const Shape& shape, std::mt19937& random) {
  Box box{.begin = shape, .end = shape};
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    std::uint64_t a = random() % (shape[axis] + 1);
    std::uint64_t b = random() % (shape[axis] + 1);
    if (a > b) std::swap(a, b);
    box.begin[axis] = a;
    box.end[axis] = b;
  }
  return box;
}

Layout random_layout(std::mt19937& random) {
  const std::string chains[] = {
      "[" + std::string(kLittle) + "]",
      "[" + std::string(kBig) + "]",
      "[" + std::string(kLittle) + ", \"crc32c\"]",
      "[" + std::string(kLittle) + ", " + std::string(kBlosc) + "]",
      "[" + std::string(kLittle) + ", " + std::string(kBlosc) + ", \"crc32c\"]",
      "[" + std::string(kBig) + ", " + std::string(kBlosc) + "]",
      "[" + std::string(kLittle) + R"(, {"name": "zstd", "configuration": {"level": 1}}])",
      "[" + std::string(kLittle) + R"(, {"name": "gzip", "configuration": {"level": 1}}])",
  };
  Layout layout{
      .shape = {}, .chunk = {}, .inner = {}, .codecs = chains[random() % std::size(chains)]};
  Shape inner;
  const std::size_t axes = 1 + random() % 4;
  for (std::size_t axis = 0; axis < axes; ++axis) {
    layout.shape.push_back(1 + random() % 17);
    inner.push_back(1 + random() % 8);
    layout.chunk.push_back(inner[axis]);
  }
  if (random() % 2 == 0) {
    for (std::size_t axis = 0; axis < axes; ++axis) layout.chunk[axis] *= 1 + random() % 3;
    layout.inner = inner;
    layout.index_location = random() % 2 == 0 ? "end" : "start";
  }
  return layout;
}

/// What the objects of a store are long.
ObjectLengths lengths_of(const std::shared_ptr<storage::Storage>& store) {
  return [store](std::span<const std::string> keys, const Context& /*context*/) {
    std::vector<std::optional<std::uint64_t>> lengths;
    for (const std::string& key : keys) {
      const auto info = store->try_stat(key);
      lengths.push_back(info ? std::optional(info->size) : std::nullopt);
    }
    return lengths;
  };
}

void expect_boxes(const Array& array, const KnownArray& known, std::span<const Box> boxes,
                  std::size_t threads) {
  std::vector<std::vector<std::byte>> outs(boxes.size());
  std::vector<Array::Wanted> wanted;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    outs[i].assign(boxes[i].shape().elements() * size_of(array.metadata().type), std::byte{0x5a});
    wanted.push_back({.box = boxes[i], .into = outs[i]});
  }
  array.read(wanted, {.threads = threads});
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    ASSERT_EQ(outs[i], known.expected(boxes[i]))
        << to_string(boxes[i].begin) << " to " << to_string(boxes[i].end) << " of "
        << to_json(array.metadata()).dump();
  }
}

TEST(Array, BoxesAreWhatWasWrittenThere) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 150; ++round) {
    const ArrayMetadata metadata = metadata_of(random_layout(random));
    const KnownArray known = write_known(metadata, random_elements(metadata.shape, random));
    // Any part of a chunk is worth a request, or none is.
    for (const std::uint64_t gap : {std::uint64_t{1}, std::uint64_t{1} << 20}) {
      const auto store = std::make_shared<PricedStorage>(known.store, gap);
      Array array = Array::open(store, "a");
      if (round % 2 == 0) array = array.with_lengths(lengths_of(known.store));
      std::vector<Box> boxes = {Box::of(metadata.shape)};
      for (int i = 0; i < 6; ++i) boxes.push_back(random_box(metadata.shape, random));
      for (const Box& box : boxes) expect_boxes(array, known, std::span(&box, 1), 1);
      expect_boxes(array, known, boxes, 1);
      expect_boxes(array, known, boxes, 3);
    }
  }
}

/// 4 shards of 4×4×4 chunks of 8×16×16, a plane a block.
const Layout kShards{.shape = {32, 128, 128},
                     .chunk = {32, 64, 64},
                     .inner = Shape{8, 16, 16},
                     .codecs = "[" + std::string(kLittle) + R"(, {"name": "blosc",
    "configuration": {"cname": "lz4", "clevel": 5, "shuffle": "bitshuffle", "typesize": 2,
                      "blocksize": 512}}])"};

std::vector<std::byte> counting(const Shape& shape) {
  std::vector<std::int16_t> values(shape.elements());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int16_t>(i * 7919);
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

std::uint64_t requests(const Context& context) {
  const auto usage = context.accounting().snapshot();
  return usage.count(RequestKind::get) + usage.count(RequestKind::head);
}

TEST(Array, IndicesAreAskedForOnceAndNotAtAllForWhatIsNotThere) {
  const ArrayMetadata metadata = metadata_of(kShards);
  const KnownArray known = write_known(metadata, counting(metadata.shape));
  const auto far = std::make_shared<PricedStorage>(known.store, std::uint64_t{16} << 20);
  const Array array = Array::open(far, "a");
  const Box corner{{0, 0, 0}, {8, 16, 16}};
  std::vector<std::byte> out(std::size_t{8} * 16 * 16 * 2);
  const Context first;
  array.read(corner, out, {}, first);
  EXPECT_EQ(requests(first), 2U);  // an index, a chunk
  const Context second;
  array.read(corner, out, {}, second);
  EXPECT_EQ(requests(second), 1U);

  known.store->remove("a/c/0/0/0");
  const Context gone;
  Array::open(far, "a").with_lengths(lengths_of(known.store)).read(corner, out, {}, gone);
  EXPECT_EQ(requests(gone), 0U);
  EXPECT_EQ(out[0], std::byte{0xfd});
}

TEST(Array, AChunkThatManyBoxesWantIsFetchedOnce) {
  const ArrayMetadata metadata = metadata_of(kShards);
  const KnownArray known = write_known(metadata, counting(metadata.shape));
  const Array array =
      Array::open(std::make_shared<PricedStorage>(known.store, std::uint64_t{16} << 20), "a");
  std::vector<Box> boxes;
  for (std::uint64_t i = 0; i < 50; ++i) boxes.push_back({{0, i, i}, {32, i + 9, i + 9}});
  expect_boxes(array, known, boxes, 2);
  const query::Plan plan = array.plan(boxes);
  std::vector<std::uint64_t> offsets;
  for (const query::Unit& unit : plan.units) offsets.push_back(unit.ranges.at(0).offset);
  std::ranges::sort(offsets);
  EXPECT_EQ(std::ranges::unique(offsets).begin(), offsets.end());
  EXPECT_EQ(query::estimate(plan, query::CostModel::of(*known.store)).requests, 1U);
}

TEST(Array, ChunksFarApartAreFetchedTogetherIfAsked) {
  const ArrayMetadata metadata = metadata_of(kShards);
  const KnownArray known = write_known(metadata, counting(metadata.shape));
  const auto store = std::make_shared<PricedStorage>(known.store, 1);
  const Array array = Array::open(store, "a");
  std::vector<std::byte> out(std::size_t{32} * 32 * 4);
  const Box column{{0, 0, 0}, {32, 32, 2}};  // one chunk in four of a row of chunks
  const ReadOptions options{.threads = 1, .gap = std::uint64_t{1} << 20};
  for (const bool is_joined : {false, true}) {
    const Context context;
    array.read(column, out, is_joined ? options : ReadOptions{.threads = 1}, context);
    if (is_joined) {
      EXPECT_EQ(requests(context), 1U);  // the index is known by now
    } else {
      EXPECT_GT(requests(context), 8U);
    }
  }
  query::CostModel model = query::CostModel::of(*store);
  model.gap = options.gap;
  EXPECT_EQ(query::estimate(array.plan(std::span(&column, 1), options, {}), model).requests, 1U);
}

TEST(Array, OfAFrameTheBlocksThatAreWantedAreFetched) {
  const ArrayMetadata metadata = metadata_of(kShards);
  const KnownArray known = write_known(metadata, counting(metadata.shape));
  const Box plane{{9, 0, 0}, {10, 128, 128}};
  const auto fetched = [&](std::uint64_t gap) {
    const Array array = Array::open(std::make_shared<PricedStorage>(known.store, gap), "a");
    expect_boxes(array, known, std::span(&plane, 1), 1);
    std::uint64_t bytes = 0;
    for (const query::Unit& unit : array.plan(std::span(&plane, 1)).units) {
      for (const query::PlannedRange& range : unit.ranges) bytes += range.length;
    }
    return bytes;
  };
  EXPECT_LT(fetched(1) * 6, fetched(std::uint64_t{1} << 20));  // of each chunk one plane in eight
}

TEST(Array, AnswersWhatItIsNotAskedRight) {
  const ArrayMetadata metadata = metadata_of(kShards);
  const KnownArray known = write_known(metadata, counting(metadata.shape));
  const Array array = Array::open(known.store, "a");
  std::vector<std::byte> out(2);
  EXPECT_THROW(array.read({{0, 0, 0}, {33, 1, 1}}, out), Error);
  EXPECT_THROW(array.read({{0, 0}, {1, 1}}, out), Error);
  EXPECT_THROW(array.read({{0, 0, 0}, {1, 1, 2}}, out), Error);
  EXPECT_THROW(static_cast<void>(Array::open(known.store, "b")), Error);
  EXPECT_NO_THROW(array.read({{5, 0, 0}, {5, 128, 128}}, {}));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(array.read({{0, 0, 0}, {1, 1, 1}}, out, {}, Context(stop.get_token())), Error);
}

TEST(Array, ReadsVersion2) {
  const auto store = storage::make_memory();
  store->put("x/.zarray", as_bytes(R"({"zarr_format": 2, "shape": [3, 2], "chunks": [2, 2],
      "dtype": ">i2", "fill_value": 7, "order": "F", "filters": null, "compressor": null,
      "dimension_separator": "."})"));
  store->put("x/.zattrs", as_bytes(R"({"units": "counts"})"));
  const std::uint8_t chunk[] = {0, 1, 0, 3, 0, 2, 0, 4};  // by columns, big-endian
  store->put("x/0.0", std::as_bytes(std::span(chunk)));
  const Array array = Array::open(store, "x");
  EXPECT_EQ(array.metadata().attributes.at("units"), "counts");
  std::vector<std::int16_t> out(6);
  array.read(Box::of(array.shape()), std::as_writable_bytes(std::span(out)));
  EXPECT_EQ(out, (std::vector<std::int16_t>{1, 2, 3, 4, 7, 7}));
}

TEST(Array, OfNoAxesAndOfNoElements) {
  ArrayMetadata metadata =
      metadata_of({.shape = {}, .chunk = {}, .codecs = "[" + std::string(kLittle) + "]"});
  const KnownArray point = write_known(metadata, counting({}));
  const Box all = Box::of({});
  expect_boxes(Array::open(point.store, "a"), point, std::span(&all, 1), 1);

  metadata =
      metadata_of({.shape = {0, 4}, .chunk = {2, 2}, .codecs = "[" + std::string(kLittle) + "]"});
  const KnownArray nothing = write_known(metadata, {});
  EXPECT_NO_THROW(Array::open(nothing.store, "a").read(Box::of({0, 4}), {}));
}

// Hostile objects: each of these once was a store's word that could be trusted.

/// A shard of two plain chunks of two int16, with this index, and a right sum behind it.
std::string refusal_of(std::initializer_list<std::uint64_t> index) {
  const ArrayMetadata metadata = metadata_of(
      {.shape = {4}, .chunk = {4}, .inner = Shape{2}, .codecs = "[" + std::string(kLittle) + "]"});
  Buffer shard = Buffer::copy_of(as_bytes("aabbccdd"));
  for (const std::uint64_t word : index) shard.append(std::as_bytes(std::span(&word, 1)));
  const std::uint32_t sum = crc32c(shard.span().subspan(8));
  shard.append(std::as_bytes(std::span(&sum, 1)));
  const auto store = storage::make_memory();
  store->put("a/c/0", shard);
  std::vector<std::byte> out(8);
  try {
    Array(store, "a", metadata).read(Box::of({4}), out);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::corrupt_data) << error.what();
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
    return error.what();
  }
  return "none";
}

TEST(HostileShard, EntriesMustLieWithinIt) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(refusal_of({0, 4, 4, 4}), "none");
  EXPECT_EQ(refusal_of({4, 4, 2, 4}), "none");  // overlapping is odd, and harmless
  EXPECT_EQ(refusal_of({kMax, kMax, 0, 4}), "none");
  EXPECT_NE(refusal_of({0, 4, 48, 4}).find("past its end at 44"), std::string::npos);
  EXPECT_NE(refusal_of({0, 4, kMax - 1, 4}).find("past its end"), std::string::npos);
  EXPECT_NE(refusal_of({0, 4, kMax, 4}).find("past its end"), std::string::npos);
  EXPECT_NE(refusal_of({0, 4, 4, kMax - 3}).find("past its end"), std::string::npos);
  EXPECT_NE(refusal_of({0, 4, 4, 5}).find("5 bytes where 4"), std::string::npos);
}

TEST(HostileShard, AnIndexThatIsDamagedOrCutOffIsRefused) {
  const ArrayMetadata metadata = metadata_of(kShards);
  const KnownArray known = write_known(metadata, counting(metadata.shape));
  std::vector<std::byte> out(2);
  const Buffer whole = known.store->read_all("a/c/0/0/0", 1 << 30).bytes;
  Buffer damaged = Buffer::copy_of(whole);
  damaged.span()[damaged.size() - 100] ^= std::byte{1};
  for (const ByteSpan object : {ByteSpan(damaged), whole.span().first(100), ByteSpan()}) {
    known.store->put("a/c/0/0/0", object);
    EXPECT_THROW(Array(known.store, "a", metadata).read({{0, 0, 0}, {1, 1, 1}}, out), Error);
    EXPECT_THROW(Array(known.store, "a", metadata)
                     .with_lengths(lengths_of(known.store))
                     .read({{0, 0, 0}, {1, 1, 1}}, out),
                 Error);
  }
}

TEST(HostileChunk, AnObjectFarLongerThanItsChunkIsNotFetched) {
  const ArrayMetadata metadata = metadata_of(
      {.shape = {4}, .chunk = {4}, .codecs = "[" + std::string(kLittle) + ", \"zstd\"]"});
  const auto store = storage::make_memory();
  store->put("a/c/0", Buffer(2 << 20));
  std::vector<std::byte> out(8);
  const Context context;
  EXPECT_THROW(Array(store, "a", metadata).read(Box::of({4}), out, {}, context), Error);
  EXPECT_EQ(context.accounting().snapshot().count(RequestKind::get), 0U);
}

}  // namespace
}  // namespace cnf::zarr::test
