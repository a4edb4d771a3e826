// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/formats/cryoem/elements_internal.h"
#include "cnf/formats/cryoem/pyramid_internal.h"
#include "cnf/formats/cryoem/pyramid_kernels_internal.h"

namespace cnf::cryoem {
namespace {

Extent reduced(const Extent& extent, const Extent& step) noexcept {
  Extent result{};
  for (std::size_t axis = 0; axis < extent.size(); ++axis)
    result[axis] = (extent[axis] + step[axis] - 1) / step[axis];
  return result;
}

template <typename T>
const T* elements(ByteSpan bytes) noexcept {
  return reinterpret_cast<const T*>(bytes.data());
}
template <typename T>
T* elements(MutableByteSpan bytes) noexcept {
  return reinterpret_cast<T*>(bytes.data());
}

// Levels of small integers whose sums fit 31 bits: 8^4 of them have 16 + 12.
constexpr std::size_t kNarrowLevels = 4;

/// Calls `visit` with the type of sums of values T at a level. Sums of 32-bit integers have 64 bits
/// up to level 10, whose voxels would cover 2^30 of level 0.
template <typename T, typename Visit>
decltype(auto) visit_sum(std::size_t level, Visit&& visit) {
  if constexpr (kIsFloating<T>) {
    return visit(std::type_identity<double>{});
  } else if constexpr (sizeof(T) == 8) {
    return visit(std::type_identity<Int128>{});
  } else if constexpr (sizeof(T) == 4) {
    return visit(std::type_identity<std::int64_t>{});
  } else {
    if (level <= kNarrowLevels) return visit(std::type_identity<std::int32_t>{});
    return visit(std::type_identity<std::int64_t>{});
  }
}

/// Of values of which some are NaN: the sums of the others, and how many those are.
template <typename T>
void sum_numbers(const Extent& extent, const Extent& step, const T* in, Sums& sums) {
  const std::size_t width = sums.extent[3];
  for_each_row(extent, step, in, elements<double>(sums.values.span()), width,
               [&](const Rows<T>& rows, double* out) {
                 sum_row(rows, extent[3], step[3], 0, out, [](T value) {
                   const auto wide = static_cast<double>(value);
                   return std::isnan(wide) ? 0.0 : wide;
                 });
               });
  for_each_row(extent, step, in, elements<std::uint32_t>(sums.counts.span()), width,
               [&](const Rows<T>& rows, std::uint32_t* out) {
                 sum_row(rows, extent[3], step[3], 0, out,
                         [](T value) { return std::isnan(static_cast<double>(value)) ? 0U : 1U; });
               });
}

template <typename T, typename Sum>
void sum_plainly(const Extent& extent, const Extent& step, const T* in, Sums& sums) {
  for_each_row(extent, step, in, elements<Sum>(sums.values.span()), sums.extent[3],
               [&](const Rows<T>& rows, Sum* out) {
                 std::size_t done = 0;
                 if constexpr (std::is_integral_v<T> && sizeof(T) == 2 && sizeof(Sum) == 4) {
                   Rows<std::int16_t> words;
                   for (std::size_t r = 0; r < rows.size(); ++r)
                     words.add(reinterpret_cast<const std::int16_t*>(rows[r]));
                   if (step[3] == 2) {
                     done = sum_word_pairs(words, extent[3] / 2, std::is_signed_v<T> ? 0 : 0x8000,
                                           out);
                   }
                 }
                 sum_row(rows, extent[3], step[3], done, out,
                         [](T value) { return static_cast<Sum>(value); });
               });
}

template <typename T>
void take_modes(const Extent& extent, const Extent& step, const T* in, Sums& sums) {
  for_each_row(extent, step, in, elements<T>(sums.values.span()), sums.extent[3],
               [&](const Rows<T>& rows, T* out) { mode_row(rows, extent[3], step[3], out); });
}

/// Calls `visit(row, at)` for each row of a box: its number, and where it begins.
template <typename Visit>
void for_each_row_of(const Extent& extent, const Visit& visit) {
  std::size_t number = 0;
  for (std::size_t outer = 0; outer < extent[0]; ++outer) {
    for (std::size_t z = 0; z < extent[1]; ++z) {
      for (std::size_t y = 0; y < extent[2]; ++y) visit(number++, Extent{outer, z, y, 0});
    }
  }
}

std::uint64_t covered_by_row(const Coverage& coverage, const Extent& at) {
  return coverage.covered(0, at[0]) * coverage.covered(1, at[1]) * coverage.covered(2, at[2]);
}

/// Counts for a box all of whose voxels are numbers.
Buffer full_counts(const Extent& extent, const Coverage& coverage) {
  Buffer counts(elements_of(extent) * sizeof(std::uint32_t));
  auto* out = elements<std::uint32_t>(counts.span());
  for_each_row_of(extent, [&](std::size_t, const Extent& at) {
    const std::uint64_t rows = covered_by_row(coverage, at);
    for (std::size_t x = 0; x < extent[3]; ++x)
      *out++ = static_cast<std::uint32_t>(rows * coverage.covered(3, x));
  });
  return counts;
}

void place_bytes(ByteSpan part, const Extent& extent, const Extent& at, std::size_t size,
                 const Extent& whole_extent, MutableByteSpan whole) {
  for_each_row_of(extent, [&](std::size_t row, const Extent& in) {
    const std::size_t first =
        (((at[0] + in[0]) * whole_extent[1] + at[1] + in[1]) * whole_extent[2] + at[2] + in[2]) *
            whole_extent[3] +
        at[3];
    std::memcpy(whole.data() + first * size, part.data() + row * extent[3] * size,
                extent[3] * size);
  });
}

/// Means of voxels that have their counts.
template <typename T>
void counted_means(const Sums& sums, T* out) {
  const auto* values = elements<double>(sums.values.span());
  const auto* counts = elements<std::uint32_t>(sums.counts.span());
  for (std::size_t i = 0; i < elements_of(sums.extent); ++i) {
    out[i] = narrowed<T>(counts[i] == 0 ? std::numeric_limits<double>::quiet_NaN()
                                        : values[i] / static_cast<double>(counts[i]));
  }
}

template <typename Sum, typename T>
void full_means(const Sums& sums, const Coverage& coverage, T* out) {
  const auto* values = elements<Sum>(sums.values.span());
  const std::size_t width = sums.extent[3];
  if (width == 0) return;
  for_each_row_of(sums.extent, [&](std::size_t row, const Extent& at) {
    const std::uint64_t rows = covered_by_row(coverage, at);
    const Sum* const from = values + row * width;
    T* const to = out + row * width;
    // Only the last column can be cut by the array's end.
    mean_row(from, width - 1, rows * coverage.covered(3, 0), to);
    mean_row(from + width - 1, 1, rows * coverage.covered(3, width - 1), to + width - 1);
  });
}

}  // namespace

std::size_t elements_of(const Extent& extent) noexcept {
  return extent[0] * extent[1] * extent[2] * extent[3];
}

std::uint64_t Coverage::covered(std::size_t axis, std::size_t i) const noexcept {
  const std::uint64_t first = (begin[axis] + i) * factor[axis];
  return std::min(factor[axis], array[axis] - first);
}

std::size_t sum_size(DataType type, Downscaling downscaling, std::size_t level) {
  if (downscaling == Downscaling::mode) return size_of(type);
  return visit_type(type, [level](auto tag) {
    return visit_sum<typename decltype(tag)::type>(
        level, [](auto sum) { return sizeof(typename decltype(sum)::type); });
  });
}

Sums sum_values(DataType type, Downscaling downscaling, const Extent& extent, const Extent& step,
                ByteSpan values, bool with_nan) {
  Sums sums{.extent = reduced(extent, step), .values = {}, .counts = {}};
  sums.values.resize(elements_of(sums.extent) * sum_size(type, downscaling, 1));
  if (with_nan) sums.counts.resize(elements_of(sums.extent) * sizeof(std::uint32_t));
  visit_type(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const in = elements<T>(values);
    if constexpr (std::is_integral_v<T>) {
      if (downscaling == Downscaling::mode) return take_modes(extent, step, in, sums);
    } else if (with_nan) {
      return sum_numbers(extent, step, in, sums);
    }
    visit_sum<T>(1, [&](auto sum_tag) {
      sum_plainly<T, typename decltype(sum_tag)::type>(extent, step, in, sums);
    });
  });
  return sums;
}

Sums sum_sums(DataType type, Downscaling downscaling, std::size_t level, const Sums& sums,
              const Extent& step) {
  Sums next{.extent = reduced(sums.extent, step), .values = {}, .counts = {}};
  next.values.resize(elements_of(next.extent) * sum_size(type, downscaling, level + 1));
  visit_type(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      if (downscaling == Downscaling::mode)
        return take_modes(sums.extent, step, elements<T>(sums.values.span()), next);
    }
    visit_sum<T>(level, [&](auto from) {
      using From = typename decltype(from)::type;
      visit_sum<T>(level + 1, [&](auto to) {
        using To = typename decltype(to)::type;
        if constexpr (sizeof(To) >= sizeof(From))
          sum_plainly<From, To>(sums.extent, step, elements<From>(sums.values.span()), next);
      });
    });
  });
  if (!sums.counts.empty()) {
    next.counts.resize(elements_of(next.extent) * sizeof(std::uint32_t));
    for_each_row(sums.extent, step, elements<std::uint32_t>(sums.counts.span()),
                 elements<std::uint32_t>(next.counts.span()), next.extent[3],
                 [&](const Rows<std::uint32_t>& rows, std::uint32_t* out) {
                   sum_row(rows, sums.extent[3], step[3], 0, out,
                           [](std::uint32_t n) { return n; });
                 });
  }
  return next;
}

void place_sums(DataType type, Downscaling downscaling, std::size_t level, const Sums& part,
                const Extent& at, Sums& whole, const Coverage& coverage) {
  place_bytes(part.values, part.extent, at, sum_size(type, downscaling, level), whole.extent,
              whole.values.span());
  if (part.counts.empty() && whole.counts.empty()) return;
  if (whole.counts.empty()) whole.counts = full_counts(whole.extent, coverage);
  if (part.counts.empty()) return;  // what stands there already is full
  place_bytes(part.counts, part.extent, at, sizeof(std::uint32_t), whole.extent,
              whole.counts.span());
}

void values_of(DataType type, Downscaling downscaling, std::size_t level, const Sums& sums,
               const Coverage& coverage, MutableByteSpan values) {
  visit_type(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (downscaling == Downscaling::mode) {
      std::memcpy(values.data(), sums.values.data(), sums.values.size());
      return;
    }
    if constexpr (kIsFloating<T>) {
      if (!sums.counts.empty()) return counted_means(sums, elements<T>(values));
    }
    visit_sum<T>(level, [&](auto sum_tag) {
      full_means<typename decltype(sum_tag)::type>(sums, coverage, elements<T>(values));
    });
  });
}

}  // namespace cnf::cryoem
