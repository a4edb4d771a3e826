// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "cnf/formats/cryoem/pyramid_internal.h"

// The loops of pyramid.cc, over rows of elements.
namespace cnf::cryoem {

__extension__ using Int128 = __int128;

/// The rows of a box that make one row of the next level: up to two by two of them.
template <typename T>
class Rows {
 public:
  void add(const T* row) noexcept { rows_[size_++] = row; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const T* operator[](std::size_t i) const noexcept { return rows_[i]; }

 private:
  std::array<const T*, 4> rows_{};
  std::size_t size_ = 0;
};

/// Calls `visit(rows, out)` for each row of the next level. \param width  of a row that comes out.
template <typename In, typename Out, typename Visit>
void for_each_row(const Extent& extent, const Extent& step, const In* in, Out* out,
                  std::size_t width, const Visit& visit) {
  for (std::size_t outer = 0; outer < extent[0]; ++outer) {
    for (std::size_t z = 0; z < extent[1]; z += step[1]) {
      for (std::size_t y = 0; y < extent[2]; y += step[2]) {
        Rows<In> rows;
        for (std::size_t zz = z; zz < std::min(z + step[1], extent[1]); ++zz) {
          for (std::size_t yy = y; yy < std::min(y + step[2], extent[2]); ++yy)
            rows.add(in + ((outer * extent[1] + zz) * extent[2] + yy) * extent[3]);
        }
        visit(rows, out);
        out += width;
      }
    }
  }
}

/// One row of sums of `step` columns each. \param widen  an element as what is summed.
template <typename In, typename Out, typename Widen>
void sum_row(const Rows<In>& rows, std::size_t width, std::size_t step, std::size_t first, Out* out,
             const Widen& widen) {
  const std::size_t columns = width / step;  // whole ones
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const In* const row = rows[r];
    const bool starts = r == 0;
    if (step == 2) {
      for (std::size_t i = first; i < columns; ++i) {
        const auto pair = static_cast<Out>(widen(row[2 * i]) + widen(row[2 * i + 1]));
        out[i] = starts ? pair : static_cast<Out>(out[i] + pair);
      }
    } else {
      for (std::size_t i = first; i < columns; ++i) {
        const Out one = widen(row[i]);
        out[i] = starts ? one : static_cast<Out>(out[i] + one);
      }
    }
    if (columns * step < width) {  // the odd one at the end
      const Out one = widen(row[width - 1]);
      out[columns] = starts ? one : static_cast<Out>(out[columns] + one);
    }
  }
}

/// The most frequent of up to eight values, the least on a tie.
template <typename T>
T mode_of(std::span<T> values) {
  if (std::all_of(values.begin(), values.end(), [&](T value) { return value == values[0]; }))
    return values[0];
  std::sort(values.begin(), values.end());
  T best = values[0];
  std::size_t most = 0;
  for (std::size_t i = 0; i < values.size();) {
    std::size_t end = i;
    while (end < values.size() && values[end] == values[i]) ++end;
    if (end - i > most) {
      most = end - i;
      best = values[i];
    }
    i = end;
  }
  return best;
}

template <typename T>
void mode_row(const Rows<T>& rows, std::size_t width, std::size_t step, T* out) {
  for (std::size_t x = 0; x < width; x += step) {
    std::array<T, 8> values{};
    std::size_t size = 0;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      for (std::size_t xx = x; xx < std::min(x + step, width); ++xx) values[size++] = rows[r][xx];
    }
    *out++ = mode_of(std::span(values).first(size));
  }
}

/// The nearest integer to sum / count, ties to even. \param count  at least 1.
template <typename Sum>
Sum rounded(Sum sum, Sum count) noexcept {
  Sum quotient = sum / count;
  Sum rest = sum % count;
  if (rest < 0) {  // so that 0 <= rest < count
    rest += count;
    --quotient;
  }
  const Sum twice = rest * 2;
  return quotient + ((twice > count || (twice == count && quotient % 2 != 0)) ? 1 : 0);
}

/// A row of integer means that have one count.
template <typename Sum, typename T>
void mean_row(const Sum* sums, std::size_t width, std::uint64_t count, T* out) {
  if (count == 1) {
    for (std::size_t x = 0; x < width; ++x) out[x] = static_cast<T>(sums[x]);
  } else if (std::has_single_bit(count)) {
    // Half less one, and one more where the floor is odd, carry exactly what must go up.
    const int bits = std::countr_zero(count);
    const Sum half = static_cast<Sum>(count / 2) - 1;
    for (std::size_t x = 0; x < width; ++x)
      out[x] = static_cast<T>((sums[x] + half + ((sums[x] >> bits) & 1)) >> bits);
  } else {
    for (std::size_t x = 0; x < width; ++x)
      out[x] = static_cast<T>(rounded(sums[x], static_cast<Sum>(count)));
  }
}

/// How a mean becomes a value: the language rounds half to even.
template <typename T>
T narrowed(double value) noexcept {
  if constexpr (requires { T::of(value); }) {
    return T::of(value);
  } else {
    return static_cast<T>(value);
  }
}

/// A row of floating means that have one count.
template <typename T>
void mean_row(const double* sums, std::size_t width, std::uint64_t count, T* out) {
  const auto divisor = static_cast<double>(count);
  for (std::size_t x = 0; x < width; ++x) out[x] = narrowed<T>(sums[x] / divisor);
}

/// Sums of pairs of words by vector instructions, where the machine has them. \param middle  0x8000
/// for unsigned words, else 0. \return how many sums it made; the rest is for sum_row.
std::size_t sum_word_pairs(const Rows<std::int16_t>& rows, std::size_t pairs, std::uint16_t middle,
                           std::int32_t* out) noexcept;

}  // namespace cnf::cryoem
