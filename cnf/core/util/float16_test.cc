// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/float16.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

namespace cnf {
namespace {

// The definition of binary16, by arithmetic instead of bits.
double by_definition(std::uint16_t half) {
  const int exponent = (half >> 10) & 0x1f;
  const double mantissa = half & 0x3ff;
  const double sign = (half & 0x8000) != 0 ? -1 : 1;
  if (exponent == 31) return sign * std::numeric_limits<double>::infinity();
  if (exponent == 0) return sign * std::ldexp(mantissa, -24);
  return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

bool is_nan(std::uint16_t half) { return (half & 0x7fff) > 0x7c00; }

TEST(Float16, EveryValueIsItsDefinitionAndComesBack) {
  for (std::uint32_t i = 0; i <= 0xffff; ++i) {
    const auto half = static_cast<std::uint16_t>(i);
    if (is_nan(half)) {
      EXPECT_TRUE(std::isnan(float16_value(half))) << i;
      EXPECT_TRUE(is_nan(float16_bits(float16_value(half)))) << i;
    } else {
      EXPECT_EQ(float16_value(half), by_definition(half)) << i;
      EXPECT_EQ(float16_bits(float16_value(half)), half) << i;
    }
  }
}

TEST(Float16, RoundsToTheNearestAndTiesToEven) {
  for (std::uint16_t half = 0; half < 0x7bff; ++half) {  // between neighbours, up to 65,504
    const auto next = static_cast<std::uint16_t>(half + 1);
    const auto middle = static_cast<float>((by_definition(half) + by_definition(next)) / 2);
    EXPECT_EQ(float16_bits(middle), half % 2 == 0 ? half : next) << half;
    EXPECT_EQ(float16_bits(std::nextafterf(middle, 0)), half) << half;
    EXPECT_EQ(float16_bits(std::nextafterf(middle, 1e9F)), next) << half;
  }
  EXPECT_EQ(float16_bits(65519.996F), 0x7bff);
  EXPECT_EQ(float16_bits(65520.0F), 0x7c00);
  EXPECT_EQ(float16_bits(-1e30F), 0xfc00);
}

}  // namespace
}  // namespace cnf
