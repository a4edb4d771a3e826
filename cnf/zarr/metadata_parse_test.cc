// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {
namespace {

using Json = nlohmann::json;

// As TensorStore writes an array of int16 in shards.
constexpr std::string_view kSharded = R"({
  "zarr_format": 3, "node_type": "array", "shape": [500, 928, 960], "data_type": "int16",
  "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [256, 256, 256]}},
  "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
  "fill_value": -7,
  "codecs": [{"name": "sharding_indexed", "configuration": {
    "chunk_shape": [64, 64, 64],
    "codecs": [{"name": "bytes", "configuration": {"endian": "little"}},
               {"name": "blosc", "configuration": {"cname": "lz4", "clevel": 5,
                "shuffle": "bitshuffle", "typesize": 2, "blocksize": 0}}],
    "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}],
    "index_location": "end"}}],
  "attributes": {"a": 1}, "dimension_names": ["z", "y", null]})";

constexpr std::string_view kV2 = R"({
  "zarr_format": 2, "shape": [100, 50], "chunks": [10, 20], "dtype": ">f4", "fill_value": null,
  "order": "F", "filters": [{"id": "shuffle", "elementsize": 4}],
  "compressor": {"id": "blosc", "cname": "zstd", "clevel": 3, "shuffle": -1, "blocksize": 0},
  "dimension_separator": "/"})";

/// The document with what JSON Pointers name put in other words; "" removes it.
struct Change {
  const char* pointer;
  const char* value;
};
Json changed(std::string_view document, std::initializer_list<Change> changes) {
  Json json = Json::parse(document);
  for (const Change& change : changes) {
    const Json::json_pointer place(change.pointer);
    if (std::string_view(change.value).empty()) {
      json.at(place.parent_pointer()).erase(place.back());
    } else {
      json[place] = Json::parse(change.value);
    }
  }
  return json;
}

Error error_of(const Json& document) {
  try {
    static_cast<void>(document.at("zarr_format") == 2 ? parse_array_v2(document, nullptr, "x")
                                                      : parse_array(document, "x"));
  } catch (const Error& error) {
    return error;
  }
  return {Errc::internal, "parse", "x", "it was taken"};
}

std::uint64_t fill_bits(std::string_view type, std::string_view value) {
  const Json document = changed(kSharded, {{"/data_type", std::string(type).c_str()},
                                           {"/fill_value", std::string(value).c_str()}});
  const std::vector<std::byte> fill = parse_array(document, "x").fill;
  std::uint64_t bits = 0;
  std::memcpy(&bits, fill.data(), std::min<std::size_t>(fill.size(), 8));
  return bits;
}

TEST(ParseArray, AllThatIsSaidIsThere) {
  const ArrayMetadata array = parse_array(Json::parse(kSharded), "x");
  EXPECT_EQ(array.shape, Shape({500, 928, 960}));
  EXPECT_EQ(array.chunk, Shape({256, 256, 256}));
  EXPECT_EQ(array.inner_chunk(), Shape({64, 64, 64}));
  EXPECT_EQ(array.type, DataType::int16);
  EXPECT_EQ(array.fill, (std::vector{std::byte{0xf9}, std::byte{0xff}}));
  EXPECT_EQ(array.dimension_names, (std::vector<std::string>{"z", "y", ""}));
  EXPECT_EQ(array.attributes, Json({{"a", 1}}));
  EXPECT_EQ(array.chunk_key({0, 1, 2}), "c/0/1/2");
  ASSERT_NE(array.sharding(), nullptr);
  EXPECT_TRUE(array.sharding()->index_at_end);
  ASSERT_EQ(array.sharding()->codecs.size(), 2U);
  const Codec& blosc = array.sharding()->codecs[1];
  EXPECT_EQ(blosc.kind, Codec::Kind::blosc);
  EXPECT_EQ(blosc.blosc.shuffle, compress::BloscShuffle::bit);
  EXPECT_EQ(blosc.blosc.typesize, 2U);
  EXPECT_EQ(array.sharding()->index_codecs.back().kind, Codec::Kind::crc32c);
}

TEST(ParseArray, WhatIsWrittenIsReadTheSame) {
  const ArrayMetadata array = parse_array(Json::parse(kSharded), "x");
  EXPECT_EQ(to_json(parse_array(to_json(array), "x")), to_json(array));
}

TEST(ParseArray, WhatTheSpecificationLeavesOpenIsTaken) {
  struct Row {
    const char* name = nullptr;
    std::initializer_list<Change> changes;
  };
  const Row rows[] = {
      {"no index_location", {{"/codecs/0/configuration/index_location", ""}}},
      {"no attributes", {{"/attributes", ""}, {"/dimension_names", ""}}},
      {"names are null", {{"/dimension_names", "null"}}},
      {"short names of codecs", {{"/codecs", R"([{"name":"bytes","configuration":{"endian":"big"}},
                                                 "crc32c"])"}}},
      {"key encoding in short", {{"/chunk_key_encoding", R"("v2")"}}},
      {"consolidated", {{"/consolidated_metadata", R"({"kind": "inline", "metadata": {}})"}}},
      {"may be left aside", {{"/extra", R"({"must_understand": false})"}}},
      {"no transformers", {{"/storage_transformers", "[]"}}},
      {"no elements", {{"/shape", "[0, 928, 960]"}}},
  };
  for (const Row& row : rows) {
    EXPECT_NO_THROW(static_cast<void>(parse_array(changed(kSharded, row.changes), "x")))
        << row.name;
  }
}

TEST(ParseArray, FillValuesInEverySpelling) {
  EXPECT_EQ(fill_bits(R"("bool")", "true"), 1U);
  EXPECT_EQ(fill_bits(R"("bool")", "0"), 0U);
  EXPECT_EQ(fill_bits(R"("int8")", "-128"), 0x80U);
  EXPECT_EQ(fill_bits(R"("uint64")", "18446744073709551615"), ~std::uint64_t{0});
  EXPECT_EQ(fill_bits(R"("int64")", "-9223372036854775808"), std::uint64_t{1} << 63U);
  EXPECT_EQ(fill_bits(R"("int16")", "3.0"), 3U);
  EXPECT_EQ(fill_bits(R"("float32")", R"("NaN")"), 0x7fc00000U);
  EXPECT_EQ(fill_bits(R"("float32")", R"("0x7fc00001")"), 0x7fc00001U);
  EXPECT_EQ(fill_bits(R"("float32")", R"("-Infinity")"), 0xff800000U);
  EXPECT_EQ(fill_bits(R"("float16")", "65504"), 0x7bffU);
  EXPECT_EQ(fill_bits(R"("float64")", "1e300"), std::bit_cast<std::uint64_t>(1e300));
  EXPECT_EQ(fill_bits(R"("complex64")", R"([1.0, "NaN"])"), 0x7fc000003f800000U);
}

TEST(ParseArray, WhatItDoesNotKnowIsNamed) {
  struct Row {
    Change change;
    const char* message;
  };
  const Row rows[] = {
      {{"/data_type", R"("int4")"}, R"(the data type "int4" is not known here)"},
      {{"/data_type", R"("r24")"}, R"(the data type "r24" is not known here)"},
      {{"/data_type", R"({"name": "optional", "configuration": {"name": "uint8"}})"},
       R"(the data type "optional" is not known here)"},
      {{"/chunk_grid/name", R"("rectilinear")"}, R"(the chunk grid "rectilinear" is not known)"},
      {{"/codecs/0/name", R"("numcodecs.pcodec")"}, R"(the codec "numcodecs.pcodec" is not known)"},
      {{"/codecs/0/configuration/codecs/1/configuration/cname", R"("zip\u0007")"},
       R"(blosc's cname ""zip\u0007"" is not known)"},
      {{"/extra", R"({"a": 1})"}, R"(the member "extra" is not known here)"},
      {{"/storage_transformers", R"(["x"])"}, "storage transformers are not known here"},
      {{"/shape", "[1, 2, 3, 4, 5, 6, 7, 8, 9]"}, "shape has 9 axes; at most 8 are read"},
      {{"/shape", "[4000000000000000000, 4000000000000000000, 1]"}, "has over 2^62 bytes"},
      {{"/codecs", R"([{"name": "bytes", "configuration": {"endian": "little"}}, "gzip", "zstd"])"},
       "what is compressed is compressed again"},
  };
  for (const Row& row : rows) {
    const Error error = error_of(changed(kSharded, {row.change}));
    EXPECT_EQ(error.code(), Errc::unsupported) << error.what();
    EXPECT_NE(std::string(error.what()).find(row.message), std::string::npos) << error.what();
  }
}

TEST(ParseArray, WhatIsNotByTheSpecificationIsRefused) {
  const Change changes[] = {
      {"/shape", ""},
      {"/shape", "7"},
      {"/shape", "[1, -2, 3]"},
      {"/shape", "[1, 2.5, 3]"},
      {"/shape", "[18446744073709551615, 1, 1]"},
      {"/node_type", R"("group")"},
      {"/zarr_format", "4"},
      {"/chunk_grid/configuration/chunk_shape", "[0, 1, 1]"},
      {"/chunk_grid/configuration/chunk_shape", "[256, 256]"},
      {"/chunk_grid/configuration/chunk_shape", "[256, 256, 100]"},
      {"/chunk_key_encoding/configuration/separator", R"("-")"},
      {"/fill_value", "null"},
      {"/fill_value", "40000"},
      {"/fill_value", "0.5"},
      {"/fill_value", "[[[[1]]]]"},
      {"/codecs", "[]"},
      {"/codecs", "{}"},
      {"/codecs", R"(["bytes"])"},
      {"/codecs", R"([{"name": "bytes", "configuration": {"endian": "middle"}}])"},
      {"/codecs", R"(["gzip", {"name": "bytes", "configuration": {"endian": "little"}}])"},
      {"/codecs/0/configuration/codecs/0", R"({"name": "transpose", "configuration":
                                              {"order": [0, 1, 1]}})"},
      {"/codecs/0/configuration/index_location", R"("middle")"},
      {"/codecs/0/configuration", "[]"},
      {"/codecs/0/name", "7"},
      {"/attributes", "[]"},
      {"/dimension_names", R"(["z"])"},
      {"/dimension_names", R"(["z", "y", 3])"},
  };
  for (const Change& change : changes) {
    const Error error = error_of(changed(kSharded, {change}));
    EXPECT_EQ(error.code(), Errc::corrupt_data)
        << change.pointer << " " << change.value << ": " << error.what();
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
  }
}

TEST(ParseArray, HugeChunksAndShardsAreRefused) {
  const Error chunk = error_of(changed(
      kSharded, {{"/chunk_grid/configuration/chunk_shape", "[4096, 4096, 64]"},
                 {"/codecs", R"([{"name": "bytes", "configuration": {"endian": "little"}}])"}}));
  EXPECT_EQ(chunk.code(), Errc::unsupported) << chunk.what();
  const Error shard =
      error_of(changed(kSharded, {{"/chunk_grid/configuration/chunk_shape", "[4096, 4096, 4096]"},
                                  {"/codecs/0/configuration/chunk_shape", "[16, 16, 16]"}}));
  EXPECT_EQ(shard.code(), Errc::unsupported) << shard.what();
}

TEST(ParseArray, ShardsInShardsHaveAnEnd) {
  Json codecs = Json::parse(kSharded).at("codecs");
  Json document = Json::parse(kSharded);
  for (int level = 0; level < 10; ++level) {
    codecs[0]["configuration"]["codecs"] = Json(codecs);
  }
  document["codecs"] = codecs;
  EXPECT_EQ(error_of(document).code(), Errc::unsupported);
}

TEST(ParseDocument, RefusesWhatNestsDeepAndWhatIsNoJson) {
  std::string deep(100000, '[');
  EXPECT_THROW(static_cast<void>(parse_document(as_bytes(deep), "x")), Error);
  EXPECT_THROW(static_cast<void>(parse_document(as_bytes("{\"a\": NaN}"), "x")), Error);
  EXPECT_THROW(static_cast<void>(parse_document(as_bytes("\"\xff\""), "x")), Error);
  EXPECT_EQ(parse_document(as_bytes("[[1]]"), "x"), Json::parse("[[1]]"));
}

TEST(ParseArrayV2, OrderFiltersAndCompressorBecomeOneChain) {
  const ArrayMetadata array = parse_array_v2(Json::parse(kV2), Json({{"k", "v"}}), "x");
  EXPECT_EQ(array.zarr_format, 2);
  EXPECT_EQ(array.chunk_key({3, 4}), "3/4");
  EXPECT_EQ(array.type, DataType::float32);
  EXPECT_EQ(array.fill, std::vector<std::byte>(4));
  EXPECT_EQ(array.attributes, Json({{"k", "v"}}));
  ASSERT_EQ(array.codecs.size(), 4U);
  EXPECT_EQ(array.codecs[0].order, (std::vector<std::size_t>{1, 0}));
  EXPECT_FALSE(array.codecs[1].little);
  EXPECT_EQ(array.codecs[2].kind, Codec::Kind::shuffle);
  EXPECT_EQ(array.codecs[3].blosc.shuffle, compress::BloscShuffle::byte);
}

TEST(ParseArrayV2, WhatItCannotReadIsSaid) {
  struct Row {
    Change change;
    Errc code;
  };
  const Row rows[] = {
      {{"/dtype", R"([["a", "<i4"]])"}, Errc::unsupported},
      {{"/dtype", R"("<U8")"}, Errc::unsupported},
      {{"/dtype", R"("<M8[ns]")"}, Errc::unsupported},
      {{"/dtype", R"("|f4")"}, Errc::unsupported},
      {{"/compressor/id", R"("lzma")"}, Errc::unsupported},
      {{"/filters/0/id", R"("categorize")"}, Errc::unsupported},
      {{"/filters/0", R"({"id": "delta", "dtype": "<f4", "astype": "<i2"})"}, Errc::unsupported},
      {{"/filters/0", R"({"id": "delta"})"}, Errc::corrupt_data},
      {{"/filters/0", R"({"id": "fixedscaleoffset", "dtype": "<f4", "astype": "<i2"})"},
       Errc::corrupt_data},
      {{"/filters", "7"}, Errc::corrupt_data},
      {{"/order", R"("X")"}, Errc::corrupt_data},
      {{"/chunks", "[0, 5]"}, Errc::corrupt_data},
      {{"/fill_value", ""}, Errc::corrupt_data},
  };
  for (const Row& row : rows) {
    const Error error = error_of(changed(kV2, {row.change}));
    EXPECT_EQ(error.code(), row.code) << row.change.value << ": " << error.what();
  }
}

}  // namespace
}  // namespace cnf::zarr
