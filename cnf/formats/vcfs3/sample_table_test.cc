// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/sample_table.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::vcfs3 {
namespace {

using Values = std::vector<std::optional<std::string>>;

TEST(SampleTable, ReadsAPanel) {
  const SampleTable table = SampleTable::parse(
      "sample\tpop\tsuper_pop\tgender\t\t\r\nHG2\tGBR\tEUR\tmale\r\nHG9\tX\tX\tX\n\nHG1\tFIN\t."
      "\t\n",
      {"HG1", "HG2", "HG3"}, "panel");
  ASSERT_EQ(table.attributes.size(), 3U);
  EXPECT_EQ(table.attributes[0].name, "pop");
  EXPECT_EQ(table.attributes[0].values, (Values{"FIN", "GBR", std::nullopt}));
  EXPECT_EQ(table.attributes[1].values, (Values{std::nullopt, "EUR", std::nullopt}));
  EXPECT_EQ(table.attributes[2].name, "gender");
  EXPECT_EQ(table.attributes[2].values, (Values{std::nullopt, "male", std::nullopt}));
}

TEST(SampleTable, ReadsAPedFile) {
  const SampleTable table = SampleTable::parse("F1 a 0  0 1 -9\nF1 b a c 2 1\nF2 d 0 0 other 2\n",
                                               {"b", "a", "d"}, "ped");
  ASSERT_EQ(table.attributes.size(), 5U);
  EXPECT_EQ(table.attributes[0].name, "family");
  EXPECT_EQ(table.attributes[0].values, (Values{"F1", "F1", "F2"}));
  EXPECT_EQ(table.attributes[1].name, "father");
  EXPECT_EQ(table.attributes[1].values, (Values{"a", std::nullopt, std::nullopt}));
  EXPECT_EQ(table.attributes[3].name, "sex");
  EXPECT_EQ(table.attributes[3].values, (Values{"female", "male", std::nullopt}));
  EXPECT_EQ(table.attributes[4].values, (Values{"1", "-9", "2"}));
}

TEST(SampleTable, ReadsAPedWithNamesOfColumns) {
  const SampleTable table =
      SampleTable::parse("#Family ID\tIndividual ID\tGender\nF\tNA1\t2\n", {"NA1"}, "ped");
  ASSERT_EQ(table.attributes.size(), 2U);
  EXPECT_EQ(table.attributes[0].name, "Family ID");
  EXPECT_EQ(table.attributes[1].values, Values{"2"});
}

TEST(SampleTable, RefusesWhatItCannotRead) {
  for (const std::string_view text :
       {"", "\n\n", "x\ty\n1\t2\n", "sample\tsex\nB\tm\n", "sample\tsex\nA\tm\nA\tf\n",
        "pop\tsample\nGBR\n", "F A 0 0 1 1\nF A\n", "sample\tsex\tsex\nA\tm\tm\n"}) {
    try {
      static_cast<void>(SampleTable::parse(text, {"A"}, "table"));
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument);
      EXPECT_EQ(error.subject(), "table");
    }
  }
}

TEST(SampleTable, ComesBackFromItsObject) {
  SampleTable table{.names = {"a", "b \"quoted\"", "", "\xc3\xa4"}};
  EXPECT_EQ(SampleTable::decode(table.encode(), "samples"), table);
  table.attributes = {{"zone", {"x", std::nullopt, "", "y"}},
                      {"age", {std::nullopt, "3", "4", "5"}}};
  EXPECT_EQ(SampleTable::decode(table.encode(), "samples"), table);
}

Buffer compressed(std::string_view text) {
  Buffer out;
  const auto encoder = compress::make_codec({.algorithm = "zstd", .level = 3})->make_encoder();
  encoder->write(as_bytes(text), out);
  encoder->finish(out);
  return out;
}

TEST(SampleTable, RefusesAnObjectThatIsNone) {
  const auto code_of = [](ByteSpan object) {
    try {
      static_cast<void>(SampleTable::decode(object, "samples"));
    } catch (const Error& error) {
      return error.code();
    }
    return Errc::internal;
  };
  for (const std::string_view text :
       {"", "{", "[]", "{}", R"({"samples":{}})", R"({"samples":[1]})",
        R"({"samples":["a"],"attributes":[]})", R"({"samples":["a"],"attributes":{"x":["1","2"]}})",
        R"({"samples":["a"],"attributes":{"x":[1]}})",
        R"({"samples":["a"],"attributes":{"x":1}})"}) {
    EXPECT_EQ(code_of(compressed(text)), Errc::corrupt_data) << text;
    EXPECT_EQ(code_of(as_bytes(text)), Errc::corrupt_data) << text;
  }
  EXPECT_EQ(code_of(compressed(std::string(100'000, '['))), Errc::corrupt_data);
  std::string bomb;
  bomb.resize(100'000'000, ' ');
  EXPECT_EQ(code_of(compressed(bomb)), Errc::corrupt_data);
  const Buffer whole = SampleTable{.names = {"a"}}.encode();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(code_of(whole.span().first(size)), Errc::corrupt_data) << size;
}

}  // namespace
}  // namespace cnf::vcfs3
