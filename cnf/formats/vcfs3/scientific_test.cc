// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/scientific.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cnf/formats/vcfs3/token_column_internal.h"

namespace cnf::vcfs3 {
namespace {

template <typename Put>
std::string text_of(const Put& put) {
  TextBuilder text(1);
  put(text);
  text.end_token();
  return std::string(std::move(text).take().texts[0]);
}
std::string plain(std::string_view text) {
  return text_of([&](TextBuilder& out) { put_plain(text, out); });
}
std::string scientific(std::string_view text, unsigned digits) {
  return text_of([&](TextBuilder& out) { put_scientific(text, digits, out); });
}

TEST(Scientific, IsPlainWithoutItsExponent) {
  for (const auto& [text, want] : {std::pair("2.91000e-01", "0.291"),
                                   {"-7.05200e+00", "-7.052"},
                                   {"6.36150e+01", "63.615"},
                                   {"1.00000e+03", "1000"},
                                   {"0.00000e+00", "0"},
                                   {"1.23456e-05", "0.0000123456"},
                                   {"9.99999e+05", "999999"},
                                   {"1.20000e+20", "120000000000000000000"}}) {
    EXPECT_EQ(scientific_digits(text), 5U) << text;
    EXPECT_EQ(plain(text), want);
    EXPECT_EQ(scientific(want, 5), text);
  }
}

TEST(Scientific, OtherTextsStayAsTheyAre) {
  for (const std::string_view text :
       {"", ".", "-", "e", "1e-05", "1.e+00", "1.5e5", "1.5e-5", "1.5E-05", "12.5e+00",
        "1.5e+00005", "+1.5e+00", "1.5e+-1", "nan", "x.5e+00", "1.123456789012345678e+00"}) {
    EXPECT_FALSE(scientific_digits(text)) << text;
    EXPECT_EQ(plain(text), text);
  }
  EXPECT_EQ(plain("1.5e-300"), "1.5e-300");
  for (const std::string_view text :
       {"", ".", "-", "1.", ".5", "1.2.3", "1.2345678", "0x1", "1.5e-300", "--1"}) {
    EXPECT_EQ(scientific(text, 5), text);
  }
}

// Oracle: printf of the C library.
TEST(Scientific, RandomNumbersComeBack) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 20'000; ++i) {
    const int digits = 1 + static_cast<int>(random() % kMaxScientificDigits);
    double value = static_cast<double>(static_cast<std::int64_t>(random())) / 1e18;
    for (std::uint64_t k = random() % 24; k > 0; --k) value = i % 2 == 0 ? value / 10 : value * 10;
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*e", digits, value);
    ASSERT_EQ(scientific_digits(text.data()), static_cast<unsigned>(digits));
    EXPECT_EQ(scientific(plain(text.data()), static_cast<unsigned>(digits)), text.data());
  }
}

}  // namespace
}  // namespace cnf::vcfs3
