// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/contexts.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/formats/vcfs3/integer_model.h"
#include "cnf/formats/vcfs3/test_columns_internal.h"

namespace cnf::vcfs3 {
namespace {

std::vector<std::uint8_t> contexts(const std::vector<std::string>& texts) {
  return contexts_of(testing::views_of(texts));
}

TEST(Contexts, AreEqualForNumbersOfOneSizeAndForEqualTexts) {
  const auto of = contexts({"8", "9", "8.5", "10", "-8", "0.001", ".", "x", ".", "8e0", "nan"});
  EXPECT_EQ(of[0], of[1]);
  EXPECT_EQ(of[0], of[2]);
  EXPECT_EQ(of[0], of[9]);
  EXPECT_EQ(of[6], of[8]);
  const std::set<std::uint8_t> distinct = {of[0], of[3], of[4], of[5], of[6], of[7], of[10]};
  EXPECT_EQ(distinct.size(), 7U);
  EXPECT_FALSE(distinct.contains(0)) << "is left for records without a value";
  EXPECT_TRUE(of[4] < of[5] && of[5] < of[0] && of[0] < of[3]) << "in the order of the numbers";
}

TEST(Contexts, AreFewWhateverTheTextsAre) {
  std::mt19937_64 random(5);
  std::vector<std::string> texts = {"1e999", "-inf", "inf", "1e-320", "", "1,2", "0x1F"};
  for (int i = 0; i < 3000; ++i) {
    texts.push_back(std::to_string(random() >> random() % 64));
    texts.push_back("x" + texts.back());
  }
  for (const std::uint8_t context : contexts(texts)) {
    EXPECT_GE(context, 1);
    EXPECT_LT(context, kMaxContexts);
  }
  EXPECT_TRUE(contexts({}).empty());
}

TEST(Contexts, TellHowWellOneColumnForetellsAnother) {
  std::mt19937_64 random(6);
  std::vector<std::uint8_t> values;
  std::vector<std::uint8_t> noise;
  for (int i = 0; i < 2000; ++i) {
    values.push_back(static_cast<std::uint8_t>(random() % 8));
    noise.push_back(static_cast<std::uint8_t>(random() % 8));
  }
  const std::vector<std::uint8_t> nothing(values.size());
  EXPECT_LT(bits_given(values, values), 100);
  EXPECT_NEAR(bits_given(values, nothing), 3 * 2000, 100);
  EXPECT_GT(bits_given(values, noise), bits_given(values, nothing)) << "there is more to learn";
}

}  // namespace
}  // namespace cnf::vcfs3
