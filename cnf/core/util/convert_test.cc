// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/convert.h"

#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"

namespace cnf {
namespace {

template <typename To, typename From>
std::vector<To> converted(DataType from_type, const std::vector<From>& from, DataType to_type) {
  std::vector<To> to(from.size());
  convert_elements(from_type, std::as_bytes(std::span(from)), to_type,
                   std::as_writable_bytes(std::span(to)), "x.mrc");
  return to;
}

TEST(ConvertElements, RoundsHalfToEven) {
  EXPECT_EQ((converted<std::int16_t>(DataType::float32,
                                     std::vector<float>{0.5F, 1.5F, -0.5F, -1.5F, 2.49F, -32768.4F},
                                     DataType::int16)),
            (std::vector<std::int16_t>{0, 2, 0, -2, 2, -32768}));
}

TEST(ConvertElements, KeepsIntegersThatDoublesDoNot) {
  const std::int64_t odd = (std::int64_t{1} << 60) + 1;
  EXPECT_EQ(
      (converted<std::uint64_t>(DataType::int64, std::vector<std::int64_t>{odd}, DataType::uint64)),
      (std::vector<std::uint64_t>{static_cast<std::uint64_t>(odd)}));
}

// 1 + 2^-11 is half way between two halves; a little more must go up, which a float cannot tell.
TEST(ConvertElements, RoundsDoublesToHalvesOnce) {
  const double above = 1 + 0x1p-11 + 0x1p-40;
  EXPECT_EQ(
      (converted<std::uint16_t>(DataType::float64, std::vector<double>{above, 1 + 0x1p-11, -above},
                                DataType::float16)),
      (std::vector<std::uint16_t>{0x3c01, 0x3c00, 0xbc01}));
}

TEST(ConvertElements, InfinityAndNanStayWhereTheyCan) {
  const float infinity = std::numeric_limits<float>::infinity();
  const auto values = converted<double>(
      DataType::float32, std::vector<float>{-infinity, std::nanf("")}, DataType::float64);
  EXPECT_EQ(values[0], -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(values[1]));
  EXPECT_EQ((converted<std::uint16_t>(DataType::float32, std::vector<float>{infinity},
                                      DataType::float16)),
            (std::vector<std::uint16_t>{0x7c00}));
}

TEST(ConvertElements, RealNumbersBecomeComplexOnes) {
  EXPECT_EQ((converted<std::complex<float>>(DataType::int16, std::vector<std::int16_t>{-3, 7},
                                            DataType::complex64)),
            (std::vector<std::complex<float>>{{-3, 0}, {7, 0}}));
  EXPECT_EQ(
      (converted<std::complex<double>>(
          DataType::complex64, std::vector<std::complex<float>>{{1.5F, -2}}, DataType::complex128)),
      (std::vector<std::complex<double>>{{1.5, -2}}));
}

struct Refused {
  double value;
  DataType to;
  std::string_view says;
};

TEST(ConvertElements, ClipsNothing) {
  const Refused cases[] = {
      {32767.5, DataType::int16, "value 1 is 32767.5, which int16 cannot hold"},
      {-1, DataType::uint8, "value 1 is -1, which uint8 cannot hold"},
      {65520, DataType::float16, "value 1 is 65520, which float16 cannot hold"},
      {1e39, DataType::float32, "value 1 is 1e+39, which float32 cannot hold"},
      {0x1p63, DataType::int64, "cannot hold"},
      {std::nan(""), DataType::int32, "value 1 is nan, which int32 cannot hold"},
      {2, DataType::bool8, "value 1 is 2, which bool cannot hold"},
  };
  for (const Refused& row : cases) {
    std::vector<std::byte> to(2 * size_of(row.to));
    const std::vector<double> from{0, row.value};
    try {
      convert_elements(DataType::float64, std::as_bytes(std::span(from)), row.to, to, "x.mrc");
      ADD_FAILURE() << row.says;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument);
      EXPECT_NE(std::string_view(error.what()).find(row.says), std::string_view::npos)
          << error.what();
    }
  }
  EXPECT_THROW((converted<float>(DataType::complex64, std::vector<std::complex<float>>{{1, 1}},
                                 DataType::float32)),
               Error);
}

}  // namespace
}  // namespace cnf
