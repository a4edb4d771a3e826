// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/metadata/metadata.h"

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/metadata/manifest_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::metadata {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

template <typename Call>
Error error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return {Errc::internal, "expect", "an error", "none was thrown"};
}

Metadata parse(std::string_view text) { return parse_metadata(as_bytes(text), "s3://b/d"); }

Metadata example() {
  using std::chrono::sys_days;
  Metadata metadata;
  metadata.format = "BAMS3";
  metadata.version = "1.0.0";
  metadata.created = sys_days{std::chrono::year(2025) / 1 / 31} + std::chrono::hours(12);
  metadata.dataset_id = "6f1d2c3b4a596877";
  metadata.created_by = "cnf 0.1.0";
  metadata.storage.total_size = 1'234'567;
  metadata.chunks = {.strategy = "fixed",
                     .num_chunks = 3,
                     .chunk_size = 67'108'864,
                     .runs = {{.first = 0, .count = 3, .id = "0123456789abcdef"}}};
  metadata.compression = {.algorithm = "zstd", .level = 3, .ratio = 4.5};
  metadata.objects.push_back({.name = "header",
                              .path = "_header-0123456789abcdef.sam",
                              .length = 9,
                              .crc32c = crc32c(as_bytes("123456789")),
                              .root = {},
                              .inlined = Buffer::copy_of(as_bytes("123456789"))});
  metadata.custom["sort_order"] = "coordinate";
  return metadata;
}

TEST(Manifest, IsWrittenAsTheReadmeShowsIt) {
  const char* const root = std::getenv("CNF_SOURCE_DIR");
  ASSERT_NE(root, nullptr) << "run by ctest, or set it to the repository's root";
  const std::ifstream file(std::string(root) + "/cnf/core/metadata/README.md");
  std::stringstream page;
  page << file.rdbuf();
  const std::string text = page.str();
  const std::size_t begin = text.find("```json\n") + 8;
  EXPECT_EQ(to_json(example()), text.substr(begin, text.find("```", begin) - begin));
}

TEST(Manifest, ComesBackAsItWas) {
  Metadata metadata = example();
  metadata.storage.sharding_bits = 6;
  metadata.chunks.runs = {{.first = 5, .count = 2, .id = "b"}, {.first = 0, .count = 1, .id = "a"}};
  metadata.objects.push_back({.name = "spatial",
                              .path = "_index/spatial-1.idx",
                              .length = std::uint64_t{1} << 40,
                              .crc32c = 0xff,
                              .root = Buffer::copy_of(as_bytes(std::string_view("\0\xff\n", 3)))});
  metadata.description = "quotes \" and \xC3\xA5ngstr\xC3\xB6m";
  const Metadata back = parse(to_json(metadata));
  EXPECT_EQ(back.format, "BAMS3");
  EXPECT_EQ(back.version, "1.0.0");
  EXPECT_EQ(back.created, metadata.created);
  EXPECT_EQ(back.dataset_id, metadata.dataset_id);
  EXPECT_EQ(back.created_by, metadata.created_by);
  EXPECT_EQ(back.description, metadata.description);
  EXPECT_EQ(back.storage.total_size, 1'234'567U);
  EXPECT_EQ(back.storage.sharding_bits, 6);
  EXPECT_EQ(back.chunks.strategy, "fixed");
  ASSERT_EQ(back.chunks.runs.size(), 2U);
  EXPECT_EQ(back.chunks.runs[0].first, 5U);
  EXPECT_EQ(back.chunks.runs[1].id, "a");
  EXPECT_EQ(back.compression.ratio, 4.5);
  EXPECT_EQ(back.object("spatial").length, std::uint64_t{1} << 40);
  EXPECT_EQ(back.object("spatial").crc32c, 0xffU);
  EXPECT_EQ(as_text(back.object("spatial").root), std::string_view("\0\xff\n", 3));
  EXPECT_EQ(as_text(back.object("header").inlined), "123456789");
  EXPECT_EQ(back.custom, metadata.custom);
  EXPECT_TRUE(back.unknown.empty());
  EXPECT_EQ(to_json(back), to_json(metadata));
}

TEST(Manifest, WhatIsOptionalMayBeAbsent) {
  const Metadata metadata = parse(R"({
    "format": "X", "version": "1.0", "created": "2025-01-31T12:00:00Z", "dataset_id": "i",
    "storage": {"total_size": 0}, "chunks": {"strategy": "fixed", "num_chunks": 4},
    "compression": {"algorithm": "none"}})");
  EXPECT_EQ(metadata.storage.sharding_bits, 0);
  EXPECT_TRUE(metadata.objects.empty());
  EXPECT_TRUE(metadata.custom.is_object());
  EXPECT_EQ(metadata.chunks.num_chunks, 4U);
}

TEST(Manifest, WhatALaterVersionAddedIsKept) {
  Json document = Json::parse(to_json(example()));
  document["later"] = {{"a", 1}};
  document["storage"]["backend"] = "s3";
  document["chunks"]["layout"] = "new";
  document["chunks"]["runs"][0]["by"] = "worker 3";
  document["compression"]["dictionary"] = true;
  document["objects"][0]["sha256"] = "00ff";
  const Metadata metadata = parse(document.dump());
  EXPECT_EQ(metadata.unknown["later"]["a"], 1);
  EXPECT_EQ(Json::parse(to_json(metadata)), document);
}

TEST(Manifest, WhatWeKnowWinsOverTheUnknown) {
  Metadata metadata = example();
  metadata.unknown["format"] = "other";
  metadata.unknown["storage"]["total_size"] = 5;
  const Metadata back = parse(to_json(metadata));
  EXPECT_EQ(back.format, "BAMS3");
  EXPECT_EQ(back.storage.total_size, 1'234'567U);
}

TEST(Manifest, ChunksHaveTheirPathsFromTheRuns) {
  Metadata metadata = example();
  metadata.chunks.runs = {{.first = 10, .count = 2, .id = "b"},
                          {.first = 0, .count = 1, .id = "a"}};
  EXPECT_EQ(metadata.chunks.path(0), "data/00000-a.chunk");
  EXPECT_EQ(metadata.chunks.path(11), "data/00011-b.chunk");
  for (const std::uint64_t absent : {1ULL, 9ULL, 12ULL, ~0ULL}) {
    EXPECT_EQ(error_of([&] { return metadata.chunks.path(absent); }).code(), Errc::corrupt_data);
  }
  EXPECT_EQ(error_of([&] { return metadata.object("absent").length; }).code(), Errc::corrupt_data);
}

TEST(Manifest, IsNotWrittenIfItCouldNotBeRead) {
  const auto code = [](auto change) {
    Metadata metadata = example();
    change(metadata);
    return error_of([&] { return to_json(metadata); }).code();
  };
  EXPECT_EQ(code([](Metadata& m) { m.version = "new"; }), Errc::invalid_argument);
  EXPECT_EQ(code([](Metadata& m) { m.description = "\xff"; }), Errc::invalid_argument);
  EXPECT_EQ(code([](Metadata& m) { m.objects[0].path = "../x"; }), Errc::invalid_argument);
  EXPECT_EQ(code([](Metadata& m) { m.chunks.num_chunks = 4; }), Errc::invalid_argument);
  EXPECT_EQ(code([](Metadata& m) { m.storage.total_size = ~0ULL; }), Errc::invalid_argument);
  EXPECT_EQ(code([](Metadata& m) { m.storage.sharding_bits = 3; }), Errc::invalid_argument);
  EXPECT_EQ(code([](Metadata& m) { m.custom = "text"; }), Errc::invalid_argument);
  EXPECT_EQ(code([](Metadata& m) { m.created += std::chrono::years(9'000); }),
            Errc::invalid_argument);
  EXPECT_EQ(
      code([](Metadata& m) { m.compression.ratio = std::numeric_limits<double>::infinity(); }),
      Errc::invalid_argument);
}

TEST(RequireFormat, FormatAndMajorVersion) {
  Metadata metadata = example();
  require_format(metadata, "BAMS3", 1, "s3://b/d");
  metadata.version = "1.7.0-rc.1";
  require_format(metadata, "BAMS3", 1, "s3://b/d");
  metadata.version = "2.0.0";
  const Error newer = error_of([&] { require_format(metadata, "BAMS3", 1, "s3://b/d"); });
  EXPECT_EQ(newer.code(), Errc::unsupported);
  EXPECT_STREQ(newer.what(),
               "open s3://b/d: it is BAMS3 2.0.0, and this program reads 1.x; use a newer version "
               "of cnf");
  EXPECT_EQ(error_of([&] { require_format(metadata, "BAMS3", 3, "x"); }).code(), Errc::unsupported);
  EXPECT_THAT(error_of([&] { require_format(metadata, "VCFS3", 2, "x"); }).what(),
              HasSubstr("it is a BAMS3 dataset, not VCFS3"));
}

struct TimeCase {
  std::string_view text;
  std::int64_t seconds;  // `date -d TEXT +%s`; -1: refused
};
constexpr TimeCase kTimeCases[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2025-01-31T12:00:00Z", 1738324800},
    {"2024-02-29T23:59:59.999z", 1709251199},
    {"2025-01-31T13:30:00+01:30", 1738324800},
    {"2025-01-31t12:00:00-00:00", 1738324800},
    {"2025-01-31 04:00:00-08:00", 1738324800},
    {"9999-12-31T23:59:59Z", 253402300799},
    {"2025-02-29T00:00:00Z", -1},
    {"0000-01-01T00:00:00+00:01", -1},
    {"9999-12-31T23:59:59-00:01", -1},
    {"2025-13-01T00:00:00Z", -1},
    {"2025-00-01T00:00:00Z", -1},
    {"2025-01-32T00:00:00Z", -1},
    {"2025-01-01T24:00:00Z", -1},
    {"2025-01-01T00:60:00Z", -1},
    {"2025-01-01T00:00:61Z", -1},
    {"2025-01-01T00:00:00", -1},
    {"2025-01-01T00:00:00.Z", -1},
    {"2025-01-01T00:00:00+1:00", -1},
    {"2025-01-01T00:00:00+24:00", -1},
    {"2025-01-01T00:00:00Z ", -1},
    {"2025-01-01", -1},
    {"+025-01-01T00:00:00Z", -1},
    {"", -1},
};
TEST(Times, Rfc3339) {
  for (const auto& row : kTimeCases) {
    const auto time = parse_time(row.text);
    EXPECT_EQ(time ? time->time_since_epoch().count() : -1, row.seconds) << row.text;
    if (time) {
      EXPECT_EQ(parse_time(format_time(*time)), time);
    }
  }
  EXPECT_EQ(format_time(std::chrono::sys_seconds(std::chrono::seconds(1709251199))),
            "2024-02-29T23:59:59Z");
}

TEST(Versions, Semantic) {
  EXPECT_EQ(major_version("1.0"), 1);
  EXPECT_EQ(major_version("12.3.4"), 12);
  EXPECT_EQ(major_version("0.2.0-rc.1+build-5"), 0);
  for (const std::string_view bad : {"", "1", "v1.0", "1.", "1.x", "1.0.", "1.0.0.0", "1.0.0-",
                                     "-1.0", "99999999999.0", "1.0.0-rc 1", " 1.0", "1.-2"}) {
    EXPECT_EQ(major_version(bad), std::nullopt) << bad;
  }
}

TEST(ChunkNames, HaveOneSpelling) {
  for (const std::uint64_t number : {0ULL, 42ULL, 99'999ULL, 1'234'567ULL, ~0ULL}) {
    const auto chunk = parse_chunk_name(chunk_name(number, "0a1b"));
    ASSERT_TRUE(chunk.has_value()) << number;
    EXPECT_EQ(chunk->number, number);
    EXPECT_EQ(chunk->id, "0a1b");
  }
  for (const std::string_view bad :
       {"", "data/", "data/00001-.chun", "data/1-a.chunk", "data/000001-a.chunk",
        "data/0000x-a.chunk", "data/-a.chunk", "data/00001.chunk", "data/00001-a.chunk.part",
        "a3/data/00001-a.chunk", "data/99999999999999999999999-a.chunk", "data-/00001-a.chunk",
        "-.chunk", "data/-.chunk"}) {
    EXPECT_FALSE(parse_chunk_name(bad).has_value()) << bad;
  }
}

TEST(ValidateJson, NamesTheFirstFieldThatIsWrong) {
  const Json schema = Json::parse(R"({"type": "object", "required": ["references"], "properties": {
      "references": {"type": "array", "items": {"type": "object", "required": ["name"],
        "properties": {"name": {"type": "string"}, "length": {"type": "integer", "minimum": 0}}}}}})");
  validate_json(Json::parse(R"({"references": [{"name": "chr1", "length": 5}]})"), schema, "x");
  const Error error = error_of([&] {
    validate_json(Json::parse(R"({"references": [{"name": "chr1"}, {"name": "2", "length": -1}]})"),
                  schema, "s3://b/d");
  });
  EXPECT_EQ(error.code(), Errc::corrupt_data);
  EXPECT_THAT(error.what(), HasSubstr("s3://b/d: references[1].length: "));
  EXPECT_THAT(error_of([&] { validate_json(Json::object(), schema, "x"); }).what(),
              HasSubstr("references"));
  EXPECT_EQ(error_of([&] { validate_json(Json(1), Json::parse(R"({"type": 5})"), "x"); }).code(),
            Errc::internal)
      << "the schema is wrong, not the document";
}

}  // namespace
}  // namespace cnf::metadata
