// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/formats/cryoem/elements_internal.h"
#include "cnf/formats/cryoem/pyramid_internal.h"

namespace cnf::cryoem {
namespace {

template <typename T>
struct Volume {
  Extent extent{};
  std::vector<T> values = {};
  [[nodiscard]] ByteSpan bytes() const { return std::as_bytes(std::span(values)); }
  [[nodiscard]] T at(const Extent& i) const {
    return values[((i[0] * extent[1] + i[1]) * extent[2] + i[2]) * extent[3] + i[3]];
  }
};

template <typename T>
Volume<T> random_volume(const Extent& extent, std::uint64_t seed, bool with_nan = false) {
  std::mt19937_64 random(seed);
  Volume<T> volume{.extent = extent};
  volume.values.resize(elements_of(extent));
  for (T& value : volume.values) {
    if constexpr (std::is_same_v<T, Half>) {
      value = Half::of(std::normal_distribution<double>(0, 10)(random));
    } else if constexpr (std::is_floating_point_v<T>) {
      value = std::normal_distribution<T>(0, 10)(random);
      if (with_nan && random() % 3 == 0) value = std::numeric_limits<T>::quiet_NaN();
    } else {
      value = static_cast<T>(random());
    }
  }
  return volume;
}

/// A level by its definition: the mean over what each voxel covers of level 0, in long double,
/// which holds the sums of these tests exactly.
template <typename T>
std::vector<T> mean_level(const Volume<T>& volume, const Extent& factor) {
  std::vector<T> level;
  Extent at{};
  const auto cells = [&](std::size_t axis) {
    return (volume.extent[axis] + factor[axis] - 1) / factor[axis];
  };
  for (at[0] = 0; at[0] < cells(0); ++at[0]) {
    for (at[1] = 0; at[1] < cells(1); ++at[1]) {
      for (at[2] = 0; at[2] < cells(2); ++at[2]) {
        for (at[3] = 0; at[3] < cells(3); ++at[3]) {
          long double sum = 0;
          long double count = 0;
          Extent in{};
          const auto end = [&](std::size_t axis) {
            return std::min(volume.extent[axis], (at[axis] + 1) * factor[axis]);
          };
          for (in[0] = at[0] * factor[0]; in[0] < end(0); ++in[0]) {
            for (in[1] = at[1] * factor[1]; in[1] < end(1); ++in[1]) {
              for (in[2] = at[2] * factor[2]; in[2] < end(2); ++in[2]) {
                for (in[3] = at[3] * factor[3]; in[3] < end(3); ++in[3]) {
                  const auto value = static_cast<double>(volume.at(in));
                  if (std::isnan(value)) continue;
                  if constexpr (std::is_integral_v<T>) {
                    sum += static_cast<long double>(volume.at(in));
                  } else {
                    sum += value;
                  }
                  ++count;
                }
              }
            }
          }
          if constexpr (std::is_integral_v<T>) {
            level.push_back(static_cast<T>(std::rint(sum / count)));
          } else if constexpr (std::is_same_v<T, Half>) {
            level.push_back(Half::of(static_cast<double>(sum / count)));
          } else {
            level.push_back(count == 0 ? std::numeric_limits<T>::quiet_NaN()
                                       : static_cast<T>(sum / count));
          }
        }
      }
    }
  }
  return level;
}

template <typename T>
std::vector<T> values_at(DataType type, std::size_t level, const Sums& sums,
                         const Coverage& coverage) {
  std::vector<T> values(elements_of(sums.extent));
  values_of(type, Downscaling::mean, level, sums, coverage,
            std::as_writable_bytes(std::span(values)));
  return values;
}

template <typename T>
void expect_same(const std::vector<T>& found, const std::vector<T>& want) {
  ASSERT_EQ(found.size(), want.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    if constexpr (std::is_integral_v<T>) {
      ASSERT_EQ(found[i], want[i]) << i;
    } else {
      const auto a = static_cast<double>(found[i]);
      const auto b = static_cast<double>(want[i]);
      ASSERT_EQ(std::isnan(a), std::isnan(b)) << i;
      // Sums in double may differ in the last bit from sums in long double.
      if (!std::isnan(a)) {
        ASSERT_NEAR(a, b, 1e-6 * (1 + std::abs(b))) << i;
      }
    }
  }
}

/// Three levels of a volume that is one chunk, against the definition.
template <typename T>
void check_levels(DataType type, const Extent& extent, const Extent& step, std::uint64_t seed,
                  bool with_nan = false) {
  const auto volume = random_volume<T>(extent, seed, with_nan);
  Coverage coverage{.factor = {1, 1, 1, 1}};
  std::copy(extent.begin(), extent.end(), coverage.array.begin());
  Extent factor{1, 1, 1, 1};
  Sums sums = sum_values(type, Downscaling::mean, extent, step, volume.bytes(), with_nan);
  for (std::size_t level = 1; level <= 3; ++level) {
    if (level > 1) sums = sum_sums(type, Downscaling::mean, level - 1, sums, step);
    for (std::size_t axis = 0; axis < 4; ++axis) {
      factor[axis] *= step[axis];
      coverage.factor[axis] = factor[axis];
    }
    expect_same(values_at<T>(type, level, sums, coverage), mean_level(volume, factor));
    if (testing::Test::HasFatalFailure()) return;
  }
}

RC_GTEST_PROP(Pyramid, IsTheMeanOfWhatEachVoxelCoversForEveryTypeAndShape, ()) {
  const auto side = rc::gen::inRange<std::size_t>(1, 40);
  const Extent extent{*rc::gen::inRange<std::size_t>(1, 3), *side, *side, *side};
  const auto step = rc::gen::inRange<std::size_t>(1, 3);
  const Extent steps{1, *step, *step, *step};
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  check_levels<std::int8_t>(DataType::int8, extent, steps, seed);
  check_levels<std::uint8_t>(DataType::uint8, extent, steps, seed);
  check_levels<std::int16_t>(DataType::int16, extent, steps, seed);
  check_levels<std::uint16_t>(DataType::uint16, extent, steps, seed);
  check_levels<std::int32_t>(DataType::int32, extent, steps, seed);
  check_levels<Half>(DataType::float16, extent, steps, seed);
  check_levels<float>(DataType::float32, extent, steps, seed);
  check_levels<float>(DataType::float32, extent, steps, seed, true);
  check_levels<double>(DataType::float64, extent, steps, seed, true);
}

TEST(Pyramid, RoundsHalfToEvenAndIsExactAtTheEndsOfTheTypes) {
  struct Case {
    std::vector<std::int16_t> values;
    std::int16_t mean;
  };
  for (const Case& row :
       {Case{{0, 1}, 0}, Case{{1, 2}, 2}, Case{{-1, 0}, 0}, Case{{-2, -1}, -2}, Case{{2, 3}, 2},
        Case{{-32'768, -32'768}, -32'768}, Case{{32'767, 32'767}, 32'767}, Case{{5}, 5}}) {
    const Extent extent{1, 1, 1, row.values.size()};
    const Sums sums = sum_values(DataType::int16, Downscaling::mean, extent, {1, 1, 1, 2},
                                 std::as_bytes(std::span(row.values)), false);
    EXPECT_THAT(values_at<std::int16_t>(DataType::int16, 1, sums,
                                        {.factor = {1, 1, 1, 2}, .array = {1, 1, 1, extent[3]}}),
                testing::ElementsAre(row.mean));
  }
  // 2^64 - 1 eight times: beyond 64 bits.
  const std::vector<std::uint64_t> most(8, std::numeric_limits<std::uint64_t>::max());
  const Sums sums = sum_values(DataType::uint64, Downscaling::mean, {1, 2, 2, 2}, {1, 2, 2, 2},
                               std::as_bytes(std::span(most)), false);
  EXPECT_THAT(values_at<std::uint64_t>(DataType::uint64, 1, sums,
                                       {.factor = {1, 2, 2, 2}, .array = {1, 2, 2, 2}}),
              testing::ElementsAre(most[0]));
}

// Five levels of one value: sums of 8^5 words of 16 bits leave 31 bits.
TEST(Pyramid, SumsDoNotOverflowHighUp) {
  const Extent extent{1, 64, 64, 64};
  const std::vector<std::uint16_t> values(elements_of(extent), 65'535);
  Sums sums = sum_values(DataType::uint16, Downscaling::mean, extent, {1, 2, 2, 2},
                         std::as_bytes(std::span(values)), false);
  for (std::size_t level = 1; level < 6; ++level)
    sums = sum_sums(DataType::uint16, Downscaling::mean, level, sums, {1, 2, 2, 2});
  EXPECT_THAT(values_at<std::uint16_t>(DataType::uint16, 6, sums,
                                       {.factor = {1, 64, 64, 64}, .array = {1, 64, 64, 64}}),
              testing::ElementsAre(65'535));
}

// A level's chunk is put together from parts, of which one has NaN.
TEST(Pyramid, PartsWithAndWithoutNanMakeOneChunk) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> left{1, 2, 3, 4};
  const std::vector<float> right{kNan, 7, kNan};
  for (const bool nan_first : {false, true}) {
    Sums whole{.extent = {1, 1, 1, 4}, .values = Buffer(4 * sizeof(double))};
    const Coverage coverage{.factor = {1, 1, 1, 2}, .array = {1, 1, 1, 7}};
    const auto place = [&](const std::vector<float>& values, std::size_t at, bool with_nan) {
      place_sums(DataType::float32, Downscaling::mean, 1,
                 sum_values(DataType::float32, Downscaling::mean, {1, 1, 1, values.size()},
                            {1, 1, 1, 2}, std::as_bytes(std::span(values)), with_nan),
                 {0, 0, 0, at}, whole, coverage);
    };
    if (nan_first) place(right, 2, true);
    place(left, 0, false);
    if (!nan_first) place(right, 2, true);
    const auto values = values_at<float>(DataType::float32, 1, whole, coverage);
    EXPECT_EQ(values[0], 1.5F);
    EXPECT_EQ(values[1], 3.5F);
    EXPECT_EQ(values[2], 7);
    EXPECT_TRUE(std::isnan(values[3]));
  }
}

RC_GTEST_PROP(Pyramid, OfLabelsIsTheMostFrequentAndTheLeastOnATie, ()) {
  const auto side = rc::gen::inRange<std::size_t>(1, 9);
  const Extent extent{1, *side, *side, *side};
  auto volume = random_volume<std::uint16_t>(extent, *rc::gen::arbitrary<std::uint64_t>());
  for (auto& value : volume.values) value = static_cast<std::uint16_t>(value % 3);
  const Sums sums =
      sum_values(DataType::uint16, Downscaling::mode, extent, {1, 2, 2, 2}, volume.bytes(), false);
  std::vector<std::uint16_t> found(elements_of(sums.extent));
  values_of(DataType::uint16, Downscaling::mode, 1, sums, {},
            std::as_writable_bytes(std::span(found)));
  std::size_t i = 0;
  for (std::size_t z = 0; z < extent[1]; z += 2) {
    for (std::size_t y = 0; y < extent[2]; y += 2) {
      for (std::size_t x = 0; x < extent[3]; x += 2, ++i) {
        std::map<std::uint16_t, int> counts;
        for (std::size_t zz = z; zz < std::min(z + 2, extent[1]); ++zz)
          for (std::size_t yy = y; yy < std::min(y + 2, extent[2]); ++yy)
            for (std::size_t xx = x; xx < std::min(x + 2, extent[3]); ++xx)
              ++counts[volume.at({0, zz, yy, xx})];
        const auto best =
            std::max_element(counts.begin(), counts.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
        RC_ASSERT(found[i] == best->first);
      }
    }
  }
}

}  // namespace
}  // namespace cnf::cryoem
