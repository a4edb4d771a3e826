// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include <fmt/core.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/cryoem/elements_internal.h"
#include "cnf/formats/cryoem/extract.h"
#include "cnf/formats/cryoem/extract_box_internal.h"
#include "cnf/formats/cryoem/extract_plan_internal.h"

namespace cnf::cryoem {
namespace {

std::uint64_t volume_of(const Extent& extent) { return extent[0] * extent[1] * extent[2]; }

bool is_whole(const Inside& inside, const Extent& extent) {
  return inside.begin == Extent{} && inside.end == extent;
}

/// Calls `row(index, count)` for each run of voxels along x of `part` in a box of `extent`.
template <typename Row>
void for_each_row(const Inside& part, const Extent& extent, const Row& row) {
  const std::uint64_t count = part.end[2] - part.begin[2];
  for (std::uint64_t z = part.begin[0]; z < part.end[0]; ++z) {
    for (std::uint64_t y = part.begin[1]; y < part.end[1]; ++y) {
      row((z * extent[1] + y) * extent[2] + part.begin[2], count);
    }
  }
}

template <typename T>
T rounded(double value) {
  if constexpr (std::is_same_v<T, Half>) {
    return Half::of(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    return static_cast<T>(std::nearbyint(value));
  }
}

/// Sum and number of what are numbers.
struct Sum {
  double sum = 0;
  std::uint64_t count = 0;

  void add(double value) {
    if (std::isnan(value)) return;
    sum += value;
    ++count;
  }
  [[nodiscard]] double mean() const { return count == 0 ? 0 : sum / static_cast<double>(count); }
};

/// Voxels as they are.
template <typename T>
void copy_box(const BoxRecipe& recipe, const Inside& inside, ByteSpan raw, MutableByteSpan out) {
  if (is_whole(inside, recipe.out)) {
    std::memcpy(out.data(), raw.data(), out.size());
    return;
  }
  double outside = recipe.fill;
  if (recipe.padding == Padding::mean) {
    Sum sum;
    for_each_row(inside, recipe.out, [&](std::uint64_t index, std::uint64_t count) {
      for (std::uint64_t i = 0; i < count; ++i) {
        sum.add(static_cast<double>(element<T>(raw.data(), index + i)));
      }
    });
    outside = sum.mean();
  }
  const T value = rounded<T>(outside);
  for (std::size_t i = 0; i < out.size(); i += sizeof(T)) {
    std::memcpy(out.data() + i, &value, sizeof(T));
  }
  for_each_row(inside, recipe.out, [&](std::uint64_t index, std::uint64_t count) {
    std::memcpy(out.data() + index * sizeof(T), raw.data() + index * sizeof(T), count * sizeof(T));
  });
}

/// The voxels that have a part inside, after binning.
Inside binned(const Inside& inside, const Extent& step) {
  Inside part;
  for (std::size_t axis = 0; axis < part.begin.size(); ++axis) {
    part.begin[axis] = inside.begin[axis] / step[axis];
    part.end[axis] = (inside.end[axis] - 1) / step[axis] + 1;
  }
  return part;
}

Extent step_of(const BoxRecipe& recipe) {
  return {recipe.raw[0] / recipe.out[0], recipe.raw[1] / recipe.out[1],
          recipe.raw[2] / recipe.out[2]};
}

/// Every voxel the mean of those inside that it is made of; NaN where none is a number.
template <typename T>
void bin_box(const BoxRecipe& recipe, const Inside& inside, ByteSpan raw,
             std::vector<float>& values) {
  const Extent step = step_of(recipe);
  const Inside part = binned(inside, step);
  std::vector<Sum> sums(recipe.out[2]);
  for (std::uint64_t z = part.begin[0]; z < part.end[0]; ++z) {
    for (std::uint64_t y = part.begin[1]; y < part.end[1]; ++y) {
      std::ranges::fill(sums, Sum{});
      const Inside rows{{std::max(inside.begin[0], z * step[0]),
                         std::max(inside.begin[1], y * step[1]), inside.begin[2]},
                        {std::min(inside.end[0], (z + 1) * step[0]),
                         std::min(inside.end[1], (y + 1) * step[1]), inside.end[2]}};
      for_each_row(rows, recipe.raw, [&](std::uint64_t index, std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
          sums[(inside.begin[2] + i) / step[2]].add(
              static_cast<double>(element<T>(raw.data(), index + i)));
        }
      });
      float* const row = &values[(z * recipe.out[1] + y) * recipe.out[2]];
      for (std::uint64_t x = part.begin[2]; x < part.end[2]; ++x) {
        row[x] = sums[x].count == 0 ? std::numeric_limits<float>::quiet_NaN()
                                    : static_cast<float>(sums[x].mean());
      }
    }
  }
}

/// The voxels inside as float32.
template <typename T>
void widen_box(const Extent& extent, const Inside& inside, ByteSpan raw,
               std::vector<float>& values) {
  for_each_row(inside, extent, [&](std::uint64_t index, std::uint64_t count) {
    for (std::uint64_t i = index; i < index + count; ++i) {
      values[i] = static_cast<float>(static_cast<double>(element<T>(raw.data(), i)));
    }
  });
}

/// Calls `use` for every voxel of the part.
template <typename Use>
void for_each_value(const Inside& part, const Extent& extent, std::vector<float>& values,
                    const Use& use) {
  for_each_row(part, extent, [&](std::uint64_t index, std::uint64_t count) {
    for (std::uint64_t i = index; i < index + count; ++i) use(values[i]);
  });
}

void normalise(const Inside& part, const Extent& extent, std::vector<float>& values) {
  Sum sum;
  for_each_value(part, extent, values, [&](float value) { sum.add(static_cast<double>(value)); });
  const double mean = sum.mean();
  Sum squares;
  for_each_value(part, extent, values, [&](float value) {
    const double difference = static_cast<double>(value) - mean;
    squares.add(difference * difference);
  });
  const double deviation = std::sqrt(squares.mean());
  const double scale = deviation > 0 ? 1 / deviation : 0;
  for_each_value(part, extent, values, [&](float& value) {
    value = static_cast<float>((static_cast<double>(value) - mean) * scale);
  });
}

template <typename T>
void compute_box(const BoxRecipe& recipe, const Inside& inside, ByteSpan raw, MutableByteSpan out) {
  std::vector<float> values(volume_of(recipe.out), static_cast<float>(recipe.fill));
  const Inside part = binned(inside, step_of(recipe));
  if (recipe.raw == recipe.out) {
    widen_box<T>(recipe.raw, inside, raw, values);
  } else {
    bin_box<T>(recipe, inside, raw, values);
  }
  if (recipe.intensities == ExtractOptions::Intensities::normalised) {
    normalise(part, recipe.out, values);
  }
  if (recipe.contrast == ExtractOptions::Contrast::inverted) {
    for_each_value(part, recipe.out, values, [](float& value) { value = -value; });
  }
  if (recipe.padding == Padding::mean && !is_whole(part, recipe.out)) {
    Sum sum;
    for_each_value(part, recipe.out, values,
                   [&](float value) { sum.add(static_cast<double>(value)); });
    std::vector<float> padded(values.size(), static_cast<float>(sum.mean()));
    for_each_row(part, recipe.out, [&](std::uint64_t index, std::uint64_t count) {
      std::memcpy(&padded[index], &values[index], count * sizeof(float));
    });
    values = std::move(padded);
  }
  std::memcpy(out.data(), values.data(), out.size());
}

}  // namespace

bool BoxRecipe::computes() const noexcept {
  return raw != out || intensities != ExtractOptions::Intensities::as_they_are ||
         contrast != ExtractOptions::Contrast::kept || from != to;
}

std::uint64_t BoxRecipe::out_bytes() const noexcept { return volume_of(out) * size_of(to); }

void check_fill(const BoxRecipe& recipe) {
  if (recipe.padding != Padding::fill) return;
  const bool fits = visit_type(recipe.to, [&](auto type) {
    using T = typename decltype(type)::type;
    if constexpr (kIsFloating<T>) {
      return true;
    } else {
      const double least = static_cast<double>(std::numeric_limits<T>::min());
      // Exact for every type: one more than the greatest value is a power of two.
      const double behind = std::ldexp(1.0, std::numeric_limits<T>::digits);
      return recipe.fill >= least && recipe.fill < behind &&
             recipe.fill == std::nearbyint(recipe.fill);
    }
  });
  if (fits) return;
  throw Error(Errc::invalid_argument, "extract", fmt::format("fill value {}", recipe.fill),
              fmt::format("the boxes are of {}", to_string(recipe.to)));
}

void make_box(const BoxRecipe& recipe, const Inside& inside, ByteSpan raw, MutableByteSpan out) {
  visit_type(recipe.from, [&](auto type) {
    using T = typename decltype(type)::type;
    if (recipe.computes()) {
      compute_box<T>(recipe, inside, raw, out);
    } else {
      copy_box<T>(recipe, inside, raw, out);
    }
  });
}

}  // namespace cnf::cryoem
