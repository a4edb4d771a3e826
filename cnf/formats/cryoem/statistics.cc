// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/formats/cryoem/elements_internal.h"
#include "cnf/formats/cryoem/moments_internal.h"

namespace cnf::cryoem {
namespace {

// Values that are turned into doubles at a time: they stay in the nearest cache for both passes.
constexpr std::size_t kBlock = 1024;
using Block = std::array<double, kBlock>;

/// Of integers whose sums of squares fit 64 bits: nothing is rounded before the end.
Statistics of_moments(const Moments& moments, double shift) {
  // m2 = Σv² - (Σv)² / n, exactly, over the common denominator.
  __extension__ using Wide = __int128;
  const Wide scaled = static_cast<Wide>(moments.squares) * static_cast<Wide>(moments.count) -
                      static_cast<Wide>(moments.sum) * static_cast<Wide>(moments.sum);
  const auto count = static_cast<double>(moments.count);
  return {.count = moments.count,
          .nan = 0,
          .min = moments.min + shift,
          .max = moments.max + shift,
          .mean = static_cast<double>(moments.sum) / count + shift,
          .m2 = static_cast<double>(scaled) / count};
}

// Four sums side by side, on every machine alike.
using Lanes __attribute__((vector_size(32))) = double;
using LaneMask __attribute__((vector_size(32))) = std::int64_t;
constexpr std::size_t kLanes = 4;

double sum_of(const Lanes& lanes) { return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]); }

/// Two passes over a block that is filled up with NaN to whole lanes.
Statistics of_doubles(const Block& block, std::size_t size) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Lanes nothing{};
  Lanes least = nothing + kInfinity;
  Lanes most = nothing - kInfinity;
  Lanes sums{};
  LaneMask numbers{};
  for (std::size_t i = 0; i < size; i += kLanes) {
    Lanes values;  // NOLINT(cppcoreguidelines-init-variables)
    std::memcpy(&values, &block[i], sizeof(values));
    numbers += values == values;  // -1 where it holds
    least = values < least ? values : least;
    most = values > most ? values : most;
    sums += values == values ? values : nothing;
  }
  Statistics result;
  result.count = static_cast<std::uint64_t>(-(numbers[0] + numbers[1] + numbers[2] + numbers[3]));
  result.nan = size - result.count;
  if (result.count == 0) return result;
  result.min = std::min({least[0], least[1], least[2], least[3]});
  result.max = std::max({most[0], most[1], most[2], most[3]});
  result.mean = sum_of(sums) / static_cast<double>(result.count);
  Lanes squares{};
  for (std::size_t i = 0; i < size; i += kLanes) {
    Lanes values;  // NOLINT(cppcoreguidelines-init-variables)
    std::memcpy(&values, &block[i], sizeof(values));
    const Lanes distances = values == values ? values - result.mean : nothing;
    squares += distances * distances;
  }
  result.m2 = sum_of(squares);
  return result;
}

template <typename At>
Statistics of_blocks(std::size_t size, const At& at) {
  Statistics result;
  Block block;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
  for (std::size_t first = 0; first < size; first += kBlock) {
    const std::size_t some = std::min(kBlock, size - first);
    for (std::size_t i = 0; i < some; ++i) block[i] = at(first + i);
    for (std::size_t i = some; i % kLanes != 0; ++i)
      block[i] = std::numeric_limits<double>::quiet_NaN();
    result.merge(of_doubles(block, some));
  }
  return result;
}

template <typename T>
Statistics of_complex(ByteSpan values) {
  return of_blocks(values.size() / sizeof(std::complex<T>), [&](std::size_t i) {
    return std::hypot(static_cast<double>(element<T>(values.data(), 2 * i)),
                      static_cast<double>(element<T>(values.data(), 2 * i + 1)));
  });
}

}  // namespace

double Statistics::deviation() const noexcept {
  return count == 0 ? 0 : std::sqrt(m2 / static_cast<double>(count));
}

void Statistics::merge(const Statistics& other) noexcept {
  nan += other.nan;
  if (other.count == 0) return;
  if (count == 0) {
    const auto nans = nan;
    *this = other;
    nan = nans;
    return;
  }
  // Chan, Golub, LeVeque: the means weighed, and what their distance adds to the squares.
  const auto mine = static_cast<double>(count);
  const auto theirs = static_cast<double>(other.count);
  const double distance = other.mean - mean;
  mean += distance * theirs / (mine + theirs);
  m2 += other.m2 + distance * distance * mine * theirs / (mine + theirs);
  count += other.count;
  min = std::min(min, other.min);
  max = std::max(max, other.max);
}

Statistics statistics_of(DataType type, ByteSpan values) {
  if (values.empty()) return {};
  if (type == DataType::complex64) return of_complex<float>(values);
  if (type == DataType::complex128) return of_complex<double>(values);
  return visit_type(type, [&](auto tag) -> Statistics {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T> && sizeof(T) <= 2) {
      Statistics result;
      // A square has 32 bits at most: so many of them, and no more, are sure to fit.
      constexpr std::size_t kMost = std::size_t{1} << 31;
      for (std::size_t first = 0; first < values.size(); first += kMost) {
        const ByteSpan some = values.subspan(first, std::min(kMost, values.size() - first));
        // Unsigned words are counted from their middle, so that signed instructions do.
        const double shift = std::is_same_v<T, std::uint16_t> ? 32'768 : 0;
        result.merge(of_moments(moments_of<T>(some), shift));
      }
      return result;
    } else {
      const std::byte* bytes = values.data();
      return of_blocks(values.size() / sizeof(T), [bytes](std::size_t i) {
        return static_cast<double>(element<T>(bytes, i));
      });
    }
  });
}

}  // namespace cnf::cryoem
