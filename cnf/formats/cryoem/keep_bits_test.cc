// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/data_type.h"
#include "cnf/formats/cryoem/keep_bits_internal.h"

namespace cnf::cryoem {
namespace {

float kept(float value, int bits) {
  keep_mantissa_bits(DataType::float32, bits, std::as_writable_bytes(std::span(&value, 1)));
  return value;
}

TEST(KeepBits, RoundsHalfToEven) {
  EXPECT_EQ(kept(1.25F, 1), 1.0F);  // a tie, 1.0 is even
  EXPECT_EQ(kept(1.75F, 1), 2.0F);  // a tie, up into the exponent
  EXPECT_EQ(kept(-1.26F, 1), -1.5F);
  EXPECT_EQ(kept(1.1F, 23), 1.1F);
  EXPECT_EQ(kept(0.0F, 3), 0.0F);
  EXPECT_TRUE(std::signbit(kept(-0.0F, 3)));
}

TEST(KeepBits, LeavesWhatIsNoFiniteNumberAndMakesNone) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(kept(-kInfinity, 4), -kInfinity);
  EXPECT_TRUE(std::isnan(kept(std::numeric_limits<float>::quiet_NaN(), 1)));
  // A NaN whose only bit would be rounded away.
  EXPECT_TRUE(std::isnan(kept(std::bit_cast<float>(0x7f800001U), 1)));
  const float most = kept(std::numeric_limits<float>::max(), 4);
  EXPECT_TRUE(std::isfinite(most));
  EXPECT_GT(most, 3e38F);
}

TEST(KeepBits, ErrsByHalfAUnitOfTheLastBitAtMost) {
  for (const int bits : {1, 7, 10, 22}) {
    for (float value = 1e-20F; value < 1e20F; value *= 1.37F)
      EXPECT_LE(std::abs(kept(value, bits) - value), std::ldexp(value, -bits - 1));
  }
  std::vector<double> wide{1.0 / 3};
  keep_mantissa_bits(DataType::float64, 10, std::as_writable_bytes(std::span(wide)));
  EXPECT_EQ(wide[0], std::round(1024.0 * 4 / 3) / 4096);
}

}  // namespace
}  // namespace cnf::cryoem
