// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/cryoem/extract.h"
#include "cnf/formats/cryoem/extract_box_internal.h"
#include "cnf/formats/cryoem/extract_plan_internal.h"

namespace cnf::cryoem {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::Pointwise;
using Intensities = ExtractOptions::Intensities;
using Contrast = ExtractOptions::Contrast;

template <typename To, typename From>
std::vector<To> made(const BoxRecipe& recipe, const Inside& inside, const std::vector<From>& raw) {
  std::vector<To> out(recipe.out_bytes() / sizeof(To));
  make_box(recipe, inside, std::as_bytes(std::span(raw)), std::as_writable_bytes(std::span(out)));
  return out;
}

constexpr Inside kWhole{{0, 0, 0}, {1, 2, 3}};

BoxRecipe small(DataType from, DataType to) {
  return {.from = from, .to = to, .raw = {1, 2, 3}, .out = {1, 2, 3}};
}

TEST(MakeBox, CopiesWhatIsInside) {
  BoxRecipe recipe = small(DataType::int16, DataType::int16);
  const std::vector<std::int16_t> raw{1, -2, 3, 4, 5, -32768};
  EXPECT_EQ((made<std::int16_t>(recipe, kWhole, raw)), raw);

  recipe.fill = 7;
  const Inside part{{0, 0, 1}, {1, 2, 3}};
  EXPECT_THAT((made<std::int16_t>(recipe, part, raw)), ElementsAre(7, -2, 3, 7, 5, -32768));
  recipe.padding = Padding::mean;  // of -2, 3, 4, 5 it is 2.5, and half goes to even
  EXPECT_THAT((made<std::int16_t>(recipe, part, std::vector<std::int16_t>{99, -2, 3, 99, 4, 5})),
              ElementsAre(2, -2, 3, 2, 4, 5));
}

TEST(MakeBox, KeepsFloatsThatAreNoNumbers) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  BoxRecipe recipe = small(DataType::float32, DataType::float32);
  recipe.padding = Padding::mean;
  const std::vector<float> out =
      made<float>(recipe, {{0, 0, 0}, {1, 2, 2}}, std::vector<float>{1, kNan, 0, 3, 8, 0});
  EXPECT_TRUE(std::isnan(out[1]));
  EXPECT_EQ(out[2], 4.0F);
  EXPECT_EQ(out[4], 8.0F);
}

TEST(MakeBox, Normalises) {
  BoxRecipe recipe = small(DataType::uint8, DataType::float32);
  recipe.intensities = Intensities::normalised;
  const std::vector<std::uint8_t> raw{1, 2, 3, 4, 5, 6};
  // Mean 3.5, population deviation sqrt(35 / 12).
  const float step = 1.0F / std::sqrt(35.0F / 12);
  EXPECT_THAT((made<float>(recipe, kWhole, raw)),
              Pointwise(FloatEq(), {-2.5F * step, -1.5F * step, -0.5F * step, 0.5F * step,
                                    1.5F * step, 2.5F * step}));
  // Outside counts for nothing; its mean is 0 then.
  recipe.padding = Padding::mean;
  const Inside part{{0, 0, 0}, {1, 2, 2}};
  EXPECT_THAT((made<float>(recipe, part, std::vector<std::uint8_t>{1, 3, 99, 1, 3, 99})),
              ElementsAre(-1, 1, 0, -1, 1, 0));
  recipe.contrast = Contrast::inverted;
  recipe.padding = Padding::fill;
  recipe.fill = 5;
  EXPECT_THAT((made<float>(recipe, part, std::vector<std::uint8_t>{1, 3, 99, 1, 3, 99})),
              ElementsAre(1, -1, 5, 1, -1, 5));
  // All the same has no deviation.
  EXPECT_THAT((made<float>(recipe, kWhole, std::vector<std::uint8_t>(6, 9))),
              ElementsAre(0, 0, 0, 0, 0, 0));
}

TEST(MakeBox, BinsExactly) {
  BoxRecipe recipe{.from = DataType::int16,
                   .to = DataType::float32,
                   .raw = {2, 2, 4},
                   .out = {1, 1, 2},
                   .fill = -1};
  std::vector<std::int16_t> raw(16);
  for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<std::int16_t>(i);
  // 0, 1, 4, 5, 8, 9, 12, 13 and 2, 3, 6, 7, 10, 11, 14, 15.
  EXPECT_THAT((made<float>(recipe, {{0, 0, 0}, {2, 2, 4}}, raw)), ElementsAre(6.5F, 8.5F));
  // A voxel is the mean of those of it that are inside; one without any is outside.
  EXPECT_THAT((made<float>(recipe, {{0, 0, 1}, {2, 1, 2}}, raw)), ElementsAre(5, -1));
  EXPECT_THAT((made<float>(recipe, {{1, 1, 1}, {2, 2, 3}}, raw)), ElementsAre(13, 14));
}

TEST(MakeBox, RefusesAFillThatTheTypeDoesNotHave) {
  struct FillCase {
    std::string_view name;
    DataType type;
    double fill;
    bool fits;
  };
  constexpr FillCase kCases[] = {
      {"least", DataType::int16, -32768, true},
      {"below", DataType::int16, -32769, false},
      {"most", DataType::uint8, 255, true},
      {"above", DataType::uint8, 256, false},
      {"fraction", DataType::int16, 0.5, false},
      {"float", DataType::float32, 0.5, true},
      {"nan", DataType::uint16, std::numeric_limits<double>::quiet_NaN(), false},
      {"behind_int64", DataType::int64, 9223372036854775808.0, false},
  };
  for (const auto& row : kCases) {
    BoxRecipe recipe = small(row.type, row.type);
    recipe.fill = row.fill;
    if (row.fits) {
      EXPECT_NO_THROW(check_fill(recipe)) << row.name;
    } else {
      EXPECT_THROW(check_fill(recipe), Error) << row.name;
      recipe.padding = Padding::mean;
      EXPECT_NO_THROW(check_fill(recipe)) << row.name;
    }
  }
}

}  // namespace
}  // namespace cnf::cryoem
