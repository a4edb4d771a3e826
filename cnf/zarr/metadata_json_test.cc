// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {
namespace {

using Json = nlohmann::json;

ArrayMetadata volume() {
  Sharding shards{.chunk = {64, 64, 64}};
  shards.codecs = {{.kind = Codec::Kind::bytes},
                   {.kind = Codec::Kind::blosc, .blosc = {.typesize = 2, .blocksize = 131072}}};
  shards.index_codecs = {{.kind = Codec::Kind::bytes}, {.kind = Codec::Kind::crc32c}};
  ArrayMetadata array{.shape = {500, 928, 960}, .type = DataType::int16, .chunk = {256, 256, 256}};
  array.fill.resize(2);
  array.codecs = {{.kind = Codec::Kind::sharding,
                   .sharding = std::make_shared<const Sharding>(std::move(shards))}};
  array.dimension_names = {"z", "y", "x"};
  return array;
}

// Members and spelling by the Zarr v3 core specification and the text of the codecs
// sharding_indexed, blosc, bytes and crc32c.
TEST(ZarrJson, SaysEveryMemberOfAShardedArray) {
  const Json want = Json::parse(R"({
    "zarr_format": 3, "node_type": "array", "shape": [500, 928, 960], "data_type": "int16",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [256, 256, 256]}},
    "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
    "fill_value": 0,
    "codecs": [{"name": "sharding_indexed", "configuration": {
      "chunk_shape": [64, 64, 64],
      "codecs": [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "blosc", "configuration": {"cname": "lz4", "clevel": 5, "shuffle": "bitshuffle",
                                            "typesize": 2, "blocksize": 131072}}],
      "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}},
                       {"name": "crc32c"}],
      "index_location": "end"}}],
    "attributes": {}, "dimension_names": ["z", "y", "x"]})");
  EXPECT_EQ(to_json(volume()), want);
}

TEST(ZarrJson, SpellsEachCodecAsItsSpecification) {
  ArrayMetadata array = volume();
  array.codecs = {{.kind = Codec::Kind::transpose, .order = {2, 1, 0}},
                  {.kind = Codec::Kind::bytes, .little = false},
                  {.kind = Codec::Kind::zstd, .level = 3},
                  {.kind = Codec::Kind::gzip, .level = 6}};
  array.dimension_names = {"z", "", "x"};
  array.separator = '.';
  array.v2_keys = true;
  const Json json = to_json(array);
  EXPECT_EQ(json["codecs"], Json::parse(R"([
    {"name": "transpose", "configuration": {"order": [2, 1, 0]}},
    {"name": "bytes", "configuration": {"endian": "big"}},
    {"name": "zstd", "configuration": {"level": 3, "checksum": false}},
    {"name": "gzip", "configuration": {"level": 6}}])"));
  EXPECT_EQ(json["dimension_names"], Json::parse(R"(["z", null, "x"])"));
  EXPECT_EQ(json["chunk_key_encoding"],
            Json::parse(R"({"name": "v2", "configuration": {"separator": "."}})"));
}

TEST(ZarrJson, RefusesCodecsThatFewReadersHave) {
  ArrayMetadata array = volume();
  array.codecs = {{.kind = Codec::Kind::bytes}, {.kind = Codec::Kind::lz4}};
  EXPECT_THROW((void)to_json(array), Error);
}

struct FillCase {
  const char* name;
  DataType type;
  std::vector<unsigned char> bytes;
  const char* want;
};

// Zarr v3 core, "Permitted fill values"; bits by IEEE 754.
const FillCase kFillCases[] = {
    {"true", DataType::bool8, {1}, "true"},
    {"most negative int8", DataType::int8, {0x80}, "-128"},
    {"int16", DataType::int16, {0xFE, 0xFF}, "-2"},
    {"int32", DataType::int32, {0x15, 0xCD, 0x5B, 0x07}, "123456789"},
    {"least int64", DataType::int64, {0, 0, 0, 0, 0, 0, 0, 0x80}, "-9223372036854775808"},
    {"uint8", DataType::uint8, {255}, "255"},
    {"uint16", DataType::uint16, {0xFF, 0xFF}, "65535"},
    {"uint32", DataType::uint32, {0xFF, 0xFF, 0xFF, 0xFF}, "4294967295"},
    {"largest uint64",
     DataType::uint64,
     {255, 255, 255, 255, 255, 255, 255, 255},
     "18446744073709551615"},
    {"float16 1.5", DataType::float16, {0x00, 0x3E}, "1.5"},
    {"float16 smallest", DataType::float16, {0x01, 0x00}, "5.960464477539063e-08"},
    {"float16 -65504", DataType::float16, {0xFF, 0xFB}, "-65504.0"},
    {"float16 -inf", DataType::float16, {0x00, 0xFC}, "\"-Infinity\""},
    {"float16 NaN", DataType::float16, {0x00, 0x7E}, "\"NaN\""},
    {"float32 -0.5", DataType::float32, {0, 0, 0, 0xBF}, "-0.5"},
    {"float32 NaN", DataType::float32, {0, 0, 0xC0, 0x7F}, "\"NaN\""},
    {"float32 NaN with bits", DataType::float32, {1, 0, 0xC0, 0xFF}, "\"0xffc00001\""},
    {"float32 inf", DataType::float32, {0, 0, 0x80, 0x7F}, "\"Infinity\""},
    {"float64 NaN", DataType::float64, {0, 0, 0, 0, 0, 0, 0xF8, 0x7F}, "\"NaN\""},
    {"float64 1", DataType::float64, {0, 0, 0, 0, 0, 0, 0xF0, 0x3F}, "1.0"},
    {"complex64", DataType::complex64, {0, 0, 0x80, 0x3F, 0, 0, 0xC0, 0x7F}, "[1.0, \"NaN\"]"},
    {"complex128",
     DataType::complex128,
     {0, 0, 0, 0, 0, 0, 0xF0, 0x3F, 0, 0, 0, 0, 0, 0, 0xF0, 0xBF},
     "[1.0, -1.0]"},
};

TEST(ZarrJson, WritesFillValuesOfEveryType) {
  for (const FillCase& row : kFillCases) {
    ArrayMetadata array = volume();
    array.type = row.type;
    array.fill.resize(row.bytes.size());
    std::memcpy(array.fill.data(), row.bytes.data(), row.bytes.size());
    EXPECT_EQ(to_json(array)["fill_value"], Json::parse(row.want)) << row.name;
  }
}

TEST(ZarrJson, RefusesAFillValueOfAnotherSize) {
  ArrayMetadata array = volume();
  array.fill.resize(4);
  EXPECT_THROW((void)to_json(array), Error);
}

TEST(ZarrJson, PutsTheNodesIntoTheGroup) {
  const Json group = group_json({{"ome", {{"version", "0.5"}}}}, {{"0", to_json(volume())}});
  EXPECT_EQ(group["zarr_format"], 3);
  EXPECT_EQ(group["node_type"], "group");
  EXPECT_EQ(group["attributes"]["ome"]["version"], "0.5");
  const Json& inside = group["consolidated_metadata"];
  EXPECT_EQ(inside["kind"], "inline");
  EXPECT_EQ(inside["must_understand"], false);
  EXPECT_EQ(inside["metadata"]["0"]["shape"][2], 960);
  EXPECT_FALSE(group_json(Json::object(), {}).contains("consolidated_metadata"));
}

}  // namespace
}  // namespace cnf::zarr
