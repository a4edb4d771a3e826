// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/decimal.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace cnf::vcfs3 {
namespace {

std::string rendered(Decimal number) {
  std::array<char, kDecimalBytes> text{};
  return {text.data(), render_decimal(number, text.data())};
}

std::string rendered(std::int64_t numerator, std::int64_t denominator, QuotientStyle style) {
  std::array<char, kQuotientBytes> text{};
  return {text.data(), render_quotient(numerator, denominator, style, text.data())};
}

TEST(Decimal, ReadsWhatItRenders) {
  for (const std::string_view text :
       {"0", "1", "-1", "10", "0.0", "0.00", "10.0", "99.0", "-0.5", "-0.05", "0.30000001192",
        "123456789012345678", "-123456789012345678", "0.00000000000000001", "1.00000000000000000",
        "2147483648", "50626.10", "3.01"}) {
    const auto number = parse_decimal(text);
    ASSERT_TRUE(number) << text;
    EXPECT_EQ(rendered(*number), text);
  }
}

TEST(Decimal, TakesNothingThatItWouldRenderOtherwise) {
  for (const std::string_view text : {"",
                                      ".",
                                      "-",
                                      "+1",
                                      "01",
                                      "00",
                                      "-0",
                                      "-0.0",
                                      "-0.00",
                                      ".5",
                                      "5.",
                                      "1e3",
                                      "2e+1",
                                      "1e-30",
                                      "1e-320",
                                      "nan",
                                      "inf",
                                      "1,2",
                                      "1.2.3",
                                      " 1",
                                      "1 ",
                                      "0x1",
                                      "1234567890123456789",
                                      "0.1234567890123456789",
                                      "--1",
                                      "1-",
                                      "quality"}) {
    EXPECT_FALSE(parse_decimal(text)) << text;
  }
}

TEST(Decimal, RandomNumbersComeBack) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const auto digits = static_cast<std::uint8_t>(random() % 12);
    const std::int64_t mantissa = static_cast<std::int64_t>(random() >> (random() % 54 + 10));
    const Decimal number{random() % 2 == 0 ? mantissa : -mantissa, digits};
    const std::string text = rendered(number);
    const auto again = parse_decimal(text);
    if (again) {
      EXPECT_EQ(*again, number) << text;
    } else {
      EXPECT_GT(text.size(), kMaxDecimalDigits) << text;
    }
  }
}

TEST(Decimal, RendersEveryIntegerWithinItsRoom) {
  for (const std::int64_t mantissa :
       {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    for (std::uint8_t digits = 0; digits <= kMaxDecimalDigits; ++digits) {
      EXPECT_LE(rendered({mantissa, digits}).size(), kDecimalBytes);
    }
  }
  EXPECT_EQ(rendered({std::numeric_limits<std::int64_t>::min(), 0}), "-9223372036854775808");
}

// Oracle: printf of the C library.
TEST(Quotient, IsAsPrintfWritesIt) {
  for (const auto& [numerator, denominator] : {std::pair<int, int>{9, 5008},
                                               {1, 5008},
                                               {0, 10},
                                               {10, 10},
                                               {1, 3},
                                               {5, 1006},
                                               {1, 100000}}) {
    const double value = static_cast<double>(numerator) / denominator;
    std::array<char, 64> text{};
    for (const int precision : {1, 3, 6, 9, 17}) {
      const auto digits = static_cast<std::uint8_t>(precision);
      std::snprintf(text.data(), text.size(), "%.*g", precision, value);
      EXPECT_EQ(rendered(numerator, denominator, {QuotientStyle::Kind::general, digits}),
                text.data());
      std::snprintf(text.data(), text.size(), "%.*e", precision, value);
      EXPECT_EQ(rendered(numerator, denominator, {QuotientStyle::Kind::scientific, digits}),
                text.data());
      std::snprintf(text.data(), text.size(), "%.*f", precision, value);
      EXPECT_EQ(rendered(numerator, denominator, {QuotientStyle::Kind::fixed, digits}),
                text.data());
    }
  }
}

TEST(Quotient, HasOtherStyles) {
  using Kind = QuotientStyle::Kind;
  EXPECT_EQ(rendered(1, 2, {Kind::stripped, 4}), "0.5");
  EXPECT_EQ(rendered(0, 2, {Kind::stripped, 4}), "0");
  EXPECT_EQ(rendered(1, 3, {Kind::stripped, 4}), "0.3333");
  EXPECT_EQ(rendered(1, 2, {Kind::gatk, 0}), "0.500");
  EXPECT_EQ(rendered(2, 2, {Kind::gatk, 0}), "1.00");
  EXPECT_EQ(rendered(0, 2, {Kind::gatk, 0}), "0.00");
  EXPECT_EQ(rendered(5, 1200, {Kind::gatk, 0}), "4.167e-03");
}

TEST(Quotient, OfNoFrequencyIsNothing) {
  EXPECT_EQ(rendered(1, 0, {}), "");
  EXPECT_EQ(rendered(-1, 5, {}), "");
  EXPECT_EQ(rendered(6, 5, {}), "");
  EXPECT_EQ(rendered(1, std::numeric_limits<std::int64_t>::min(), {}), "");
}

}  // namespace
}  // namespace cnf::vcfs3
