// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/statistics.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/formats/cryoem/elements_internal.h"

namespace cnf::cryoem {
namespace {

template <typename T>
ByteSpan bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

/// The definitions, in long double.
Statistics slowly(const std::vector<double>& values) {
  Statistics result;
  long double sum = 0;
  for (const double value : values) {
    if (std::isnan(value)) {
      ++result.nan;
      continue;
    }
    if (result.count == 0) result.min = result.max = value;
    ++result.count;
    result.min = std::min(result.min, value);
    result.max = std::max(result.max, value);
    sum += value;
  }
  if (result.count == 0) return result;
  const long double mean = sum / static_cast<long double>(result.count);
  long double squares = 0;
  for (const double value : values)
    if (!std::isnan(value)) squares += (value - mean) * (value - mean);
  result.mean = static_cast<double>(mean);
  result.m2 = static_cast<double>(squares);
  return result;
}

void expect_near(const Statistics& found, const Statistics& want, double tolerance = 1e-12) {
  EXPECT_EQ(found.count, want.count);
  EXPECT_EQ(found.nan, want.nan);
  EXPECT_EQ(found.min, want.min);
  EXPECT_EQ(found.max, want.max);
  EXPECT_NEAR(found.mean, want.mean, tolerance * (std::abs(want.min) + std::abs(want.max) + 1));
  EXPECT_NEAR(found.m2, want.m2, tolerance * (want.m2 + 1));
}

template <typename T>
void check_against_definition(DataType type, const std::vector<T>& values) {
  std::vector<double> wide(values.size());
  std::transform(values.begin(), values.end(), wide.begin(),
                 [](T value) { return static_cast<double>(value); });
  expect_near(statistics_of(type, bytes_of(values)), slowly(wide));
}

template <typename T>
std::vector<T> random_values(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<T> values(count);
  for (T& value : values) {
    if constexpr (std::is_same_v<T, Half>) {
      value = Half::of(std::normal_distribution<double>(3, 100)(random));
    } else if constexpr (std::is_floating_point_v<T>) {
      value = std::normal_distribution<T>(1000, 3)(random);
    } else {
      value = static_cast<T>(random());
    }
  }
  return values;
}

RC_GTEST_PROP(Statistics, AreTheDefinitionsForEveryTypeAndLength, ()) {
  const auto count = *rc::gen::inRange<std::size_t>(1, 5'000);
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  check_against_definition(DataType::int8, random_values<std::int8_t>(count, seed));
  check_against_definition(DataType::uint8, random_values<std::uint8_t>(count, seed));
  check_against_definition(DataType::int16, random_values<std::int16_t>(count, seed));
  check_against_definition(DataType::uint16, random_values<std::uint16_t>(count, seed));
  check_against_definition(DataType::int32, random_values<std::int32_t>(count, seed));
  check_against_definition(DataType::uint64, random_values<std::uint64_t>(count, seed));
  check_against_definition(DataType::float16, random_values<Half>(count, seed));
  check_against_definition(DataType::float32, random_values<float>(count, seed));
  check_against_definition(DataType::float64, random_values<double>(count, seed));
}

TEST(Statistics, AreExactAtTheEndsOfTheTypes) {
  // 2^21 words of -32,768 and 32,767: sums of squares beyond 2^50.
  std::vector<std::int16_t> values(std::size_t{1} << 21);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 2 == 0 ? -32'768 : 32'767;
  const Statistics found = statistics_of(DataType::int16, bytes_of(values));
  EXPECT_EQ(found.min, -32'768);
  EXPECT_EQ(found.max, 32'767);
  EXPECT_EQ(found.mean, -0.5);
  EXPECT_EQ(found.deviation(), 32'767.5);

  const std::vector<std::uint16_t> high(100'000, 65'535);
  EXPECT_EQ(statistics_of(DataType::uint16, bytes_of(high)),
            (Statistics{.count = 100'000, .min = 65'535, .max = 65'535, .mean = 65'535}));
}

TEST(Statistics, KeepTheVarianceOfValuesFarFromZero) {
  std::vector<float> values(100'000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = i % 2 == 0 ? 1e6F : 1e6F + 1;
  EXPECT_NEAR(statistics_of(DataType::float32, bytes_of(values)).deviation(), 0.5, 1e-9);
}

TEST(Statistics, CountWhatIsNoNumberAndElseLeaveItOut) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> values(3'001, kNan);
  EXPECT_EQ(statistics_of(DataType::float32, bytes_of(values)), (Statistics{.nan = 3'001}));
  values[5] = -2;
  values[3'000] = 4;
  const Statistics found = statistics_of(DataType::float32, bytes_of(values));
  EXPECT_EQ(found,
            (Statistics{.count = 2, .nan = 2'999, .min = -2, .max = 4, .mean = 1, .m2 = 18}));
  EXPECT_EQ(statistics_of(DataType::float32, {}), Statistics{});
}

TEST(Statistics, TakeComplexValuesByTheirMagnitude) {
  const std::vector<std::complex<float>> values{{3, 4}, {0, -1}};
  EXPECT_EQ(statistics_of(DataType::complex64, bytes_of(values)),
            (Statistics{.count = 2, .min = 1, .max = 5, .mean = 3, .m2 = 8}));
}

RC_GTEST_PROP(Statistics, OfPartsMergeToThoseOfTheWhole, ()) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  const std::vector<float> values = random_values<float>(2'000, seed);
  const auto cut = *rc::gen::inRange<std::size_t>(0, 2'001);
  Statistics parts = statistics_of(DataType::float32, bytes_of(values).first(4 * cut));
  parts.merge(statistics_of(DataType::float32, bytes_of(values).subspan(4 * cut)));
  expect_near(parts, statistics_of(DataType::float32, bytes_of(values)), 1e-10);
}

// Oracle: numpy.percentile(values, …, method="inverted_cdf") for integers.
TEST(Histogram, TellsQuantilesOfWords) {
  std::vector<std::int16_t> values(1'000);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<std::int16_t>(static_cast<int>(i) - 500);
  Histogram histogram(DataType::int16);
  histogram.add(bytes_of(values));
  EXPECT_EQ(histogram.total(), 1'000U);
  EXPECT_EQ(histogram.quantile(0.005), -495);
  EXPECT_EQ(histogram.quantile(0.5), 0);
  EXPECT_EQ(histogram.quantile(1), 499);
  EXPECT_EQ(histogram.quantile(0), -500);
  EXPECT_THAT(histogram.even(-500, 500, 4), testing::ElementsAre(250, 250, 250, 250));
}

TEST(Histogram, OrdersFloatingNumbersOfBothSigns) {
  Histogram histogram(DataType::float32);
  const std::vector<float> values{-1000, -1,     0,    0,
                                  0,     0.001F, 1000, std::numeric_limits<float>::quiet_NaN()};
  histogram.add(bytes_of(values));
  EXPECT_EQ(histogram.total(), 7U);
  EXPECT_NEAR(histogram.quantile(0), -1000, 8);
  EXPECT_EQ(histogram.quantile(0.5), 0);
  EXPECT_NEAR(histogram.quantile(0.99), 1000, 8);
  EXPECT_EQ(histogram.mode(), 0);
}

TEST(Histogram, MergesAndHasNothingToTellOfNothing) {
  Histogram a(DataType::uint8);
  EXPECT_EQ(a.quantile(0.5), 0);
  EXPECT_EQ(a.mode(), 0);
  Histogram b(DataType::uint8);
  b.add(bytes_of(std::vector<std::uint8_t>{7, 7, 9}));
  a.merge(b);
  a.merge(b);
  EXPECT_EQ(a.total(), 6U);
  EXPECT_EQ(a.mode(), 7);
  EXPECT_EQ(a.quantile(0.9), 9);
}

// 1 + 2^-11 lies between two halves: what is just above goes up, though float32 cannot see it.
TEST(Half, RoundsOnce) {
  EXPECT_EQ(Half::of(0x1.002p0).bits, 0x3c00);
  EXPECT_EQ(Half::of(0x1.002000000001p0).bits, 0x3c01);
  EXPECT_EQ(Half::of(-0x1.002000000001p0).bits, 0xbc01);
  EXPECT_EQ(Half::of(0x1.005fffffffffp0).bits, 0x3c01);
  EXPECT_EQ(Half::of(0x1.006p0).bits, 0x3c02);
}

}  // namespace
}  // namespace cnf::cryoem
