// SPDX-License-Identifier: Apache-2.0

// Manifests that somebody damaged, or made to do harm: one clear error each, naming the field.

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/metadata/metadata.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::metadata {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;

constexpr std::string_view kGood = R"({
  "format": "BAMS3", "version": "1.0.0", "created": "2025-01-31T12:00:00Z", "dataset_id": "i",
  "storage": {"total_size": 100, "sharding_bits": 4},
  "chunks": {"strategy": "fixed", "num_chunks": 3, "chunk_size": 10, "runs": [
    {"first": 0, "count": 2, "id": "aa"}, {"first": 2, "count": 1, "id": "bb"}]},
  "compression": {"algorithm": "zstd", "level": 3, "ratio": 2},
  "objects": [
    {"name": "header", "path": "_header", "length": 9, "crc32c": "e3069283", "inlined": "MTIzNDU2Nzg5"},
    {"name": "spatial", "path": "_index/s.idx", "length": 9, "crc32c": "00000001", "root": "AAEC"}],
  "custom": {"x": [1, 2]}})";

std::string problem_of(std::string_view text) {
  try {
    static_cast<void>(parse_metadata(as_bytes(text), "s3://b/d/_metadata.json"));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::corrupt_data) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("s3://b/d/_metadata.json"));
    EXPECT_LT(std::string_view(error.what()).size(), 700U);
    return error.what();
  }
  return "none";
}

struct FieldCase {
  std::string_view field;  // what the message names
  std::string_view pointer;
  std::string_view value;
};
constexpr FieldCase kFieldCases[] = {
    {"the document", "", "[]"},
    {"the document", "", "null"},
    {"format", "/format", "5"},
    {"format", "/format", "\"\""},
    {"version", "/version", "1.0"},
    {"version", "/version", "\"one\""},
    {"version", "/version", "\"99999999999999.0\""},
    {"created", "/created", "\"yesterday\""},
    {"created", "/created", "1738324800"},
    {"dataset_id", "/dataset_id", "null"},
    {"description", "/description", "{}"},
    {"storage", "/storage", "[]"},
    {"storage.total_size", "/storage/total_size", "-1"},
    {"storage.total_size", "/storage/total_size", "1.5"},
    {"storage.total_size", "/storage/total_size", "1e30"},
    {"storage.total_size", "/storage/total_size", "9007199254740992"},
    {"storage.total_size", "/storage/total_size", "18446744073709551615"},
    {"storage.total_size", "/storage/total_size", "99999999999999999999999999"},
    {"storage.total_size", "/storage/total_size", "\"100\""},
    {"storage.total_size", "/storage/total_size", "true"},
    {"storage.sharding_bits", "/storage/sharding_bits", "3"},
    {"storage.sharding_bits", "/storage/sharding_bits", "9"},
    {"storage.sharding_bits", "/storage/sharding_bits", "4294967300"},
    {"storage.sharding_bits", "/storage/sharding_bits", "4.0"},
    {"chunks.strategy", "/chunks/strategy", "7"},
    {"chunks.num_chunks", "/chunks/num_chunks", "4"},
    {"chunks.num_chunks", "/chunks/num_chunks", "2.0"},
    {"chunks.runs", "/chunks/runs", "{}"},
    {"chunks.runs", "/chunks/runs/1/first", "1"},
    {"chunks.runs", "/chunks/runs/1/first", "0"},
    {"chunks.runs[0].count", "/chunks/runs/0/count", "0"},
    {"chunks.num_chunks", "/chunks/runs/1/count", "9007199254740991"},
    {"chunks.runs[1].id", "/chunks/runs/1/id", "\"../../x\""},
    {"chunks.runs[1].id", "/chunks/runs/1/id", "\"\""},
    {"chunks.runs[1].id", "/chunks/runs/1/id", "\"a\\u0000b\""},
    {"chunks.runs[0]", "/chunks/runs/0", "7"},
    {"compression.algorithm", "/compression/algorithm", "[]"},
    {"compression.level", "/compression/level", "3.5"},
    {"compression.level", "/compression/level", "2147483648"},
    {"compression.ratio", "/compression/ratio", "-1"},
    {"compression.ratio", "/compression/ratio", "\"2\""},
    {"objects", "/objects", "{}"},
    {"objects[1]", "/objects/1", "\"x\""},
    {"objects[1].name", "/objects/1/name", "\"header\""},
    {"objects[1].path", "/objects/1/path", "\"_header\""},
    {"objects[1].path", "/objects/1/path", "\"../other/_index\""},
    {"objects[1].path", "/objects/1/path", "\"/etc/passwd\""},
    {"objects[1].path", "/objects/1/path", "\"_index/../../x\""},
    {"objects[1].path", "/objects/1/path", "\"_index/./x\""},
    {"objects[1].path", "/objects/1/path", "\"_index//x\""},
    {"objects[1].path", "/objects/1/path", "\"_index/\""},
    {"objects[1].path", "/objects/1/path", "\"..\\\\x\""},
    {"objects[1].path", "/objects/1/path", "\"a\\nb\""},
    {"objects[1].path", "/objects/1/path", "\"_metadata.json\""},
    {"objects[1].path", "/objects/1/path", "\"\""},
    {"objects[1].length", "/objects/1/length", "-9"},
    {"objects[1].crc32c", "/objects/1/crc32c", "1"},
    {"objects[1].crc32c", "/objects/1/crc32c", "\"0000000G\""},
    {"objects[1].crc32c", "/objects/1/crc32c", "\"E3069283\""},
    {"objects[1].crc32c", "/objects/1/crc32c", "\"123\""},
    {"objects[1].root", "/objects/1/root", "\"AA\""},
    {"objects[1].root", "/objects/1/root", "\"====\""},
    {"objects[1].root", "/objects/1/root", "7"},
    {"objects[0].inlined", "/objects/0/inlined", "\"MTIzNDU2Nzg4\""},
    {"objects[0].inlined", "/objects/0/inlined", "\"MTIz\""},
    {"custom", "/custom", "[]"},
};
TEST(HostileManifest, FieldsOfTheWrongKind) {
  ASSERT_EQ(problem_of(kGood), "none");
  for (const auto& row : kFieldCases) {
    Json document = Json::parse(kGood);
    document[Json::json_pointer(std::string(row.pointer))] = Json::parse(row.value);
    EXPECT_THAT(problem_of(document.dump()), HasSubstr(fmt::format("json: {}: ", row.field)))
        << row.pointer << " = " << row.value;
  }
}

TEST(HostileManifest, FieldsThatAreMissing) {
  for (const std::string_view field :
       {"/format", "/version", "/created", "/dataset_id", "/storage", "/chunks", "/compression",
        "/storage/total_size", "/chunks/strategy", "/chunks/num_chunks", "/chunks/runs/0/id",
        "/compression/algorithm", "/objects/0/name", "/objects/0/path", "/objects/0/length",
        "/objects/0/crc32c"}) {
    Json document = Json::parse(kGood);
    const Json::json_pointer pointer{std::string(field)};
    document[pointer.parent_pointer()].erase(pointer.back());
    EXPECT_THAT(problem_of(document.dump()), HasSubstr("'" + pointer.back() + "'")) << field;
  }
}

struct TextCase {
  std::string_view name;
  std::string text;
  std::string_view problem;
};
std::string replaced(std::string_view from, std::string_view to) {
  std::string text(kGood);
  text.replace(text.find(from), from.size(), to);
  return text;
}
TEST(HostileManifest, TextThatIsNotWhatItShouldBe) {
  const std::string deep = std::string(1'000'000, '[');
  const TextCase cases[] = {
      {"nothing", "", "byte 1: it is not JSON"},
      {"words", "hello", "byte 1: it is not JSON"},
      {"cut", std::string(kGood.substr(0, 300)), "it is not JSON"},
      {"two_documents", std::string(kGood) + "{}", "it is not JSON"},
      {"not_utf8", replaced("BAMS3", "\xff\xfe"), "it is not JSON"},
      {"a_zero_byte", std::string(kGood) + std::string(1, '\0'), "it is not JSON"},
      {"huge_number", replaced("100", "1e999"), "out of range"},
      {"deep_array", deep, "it nests deeper than 64"},
      {"deep_object",
       replaced("[1, 2]",
                [] {
                  std::string text;
                  for (int i = 0; i < 100'000; ++i) text += "{\"a\":";
                  return text;
                }()),
       "it nests deeper than 64"},
      {"key_twice", replaced("\"dataset_id\"", "\"format\": \"VCFS3\", \"dataset_id\""),
       "format: the key stands twice"},
      {"key_twice_inside", replaced("\"x\": [1, 2]", "\"x\": 1, \"x\": 2"),
       "x: the key stands twice"},
      {"same_key_by_escape", replaced("\"x\": [1, 2]", R"("x": 1, "\u0078": 2)"),
       "x: the key stands twice"},
      {"long_key_twice",
       replaced("\"x\": [1, 2]", fmt::format("\"{0}\": 1, \"{0}\": 2", std::string(100'000, 'k'))),
       "the key stands twice"},
      {"a_long_string", replaced("2025-01-31T12:00:00Z", std::string(1'000'000, 'x')), "created: "},
  };
  for (const auto& row : cases) {
    EXPECT_THAT(problem_of(row.text), HasSubstr(row.problem)) << row.name;
  }
}

TEST(HostileManifest, SixtyFourLevelsAreEnough) {
  std::string nested;
  for (int i = 0; i < 62; ++i) nested += '[';
  nested += std::string(62, ']');
  EXPECT_EQ(problem_of(replaced("[1, 2]", nested)), "none");
  EXPECT_NE(problem_of(replaced("[1, 2]", "[" + nested + "]")), "none");
}

// Whatever is changed, the manifest is read or refused; what is read can be written and read again.
TEST(HostileManifest, RandomDamage) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  constexpr std::string_view kAlphabet = "{}[]\",:0129-.eE \\untrfalsx\xff/";
  int read = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::string text(kGood);
    for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = kAlphabet[random() % kAlphabet.size()];
          break;
        case 1:
          text.erase(at, 1 + random() % 5);
          break;
        default:
          text.insert(at, 1, kAlphabet[random() % kAlphabet.size()]);
      }
    }
    try {
      const Metadata metadata = parse_metadata(as_bytes(text), "test");
      const std::string written = to_json(metadata);
      EXPECT_EQ(to_json(parse_metadata(as_bytes(written), "test")), written);
      ++read;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::corrupt_data) << error.what() << "\n" << text;
    }
  }
  EXPECT_GT(read, 0);
}

}  // namespace
}  // namespace cnf::metadata
