// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <type_traits>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/formats/cryoem/elements_internal.h"
#include "cnf/formats/cryoem/statistics.h"

namespace cnf::cryoem {
namespace {

constexpr std::size_t kClasses = 65'536;
constexpr std::uint32_t kSign = 0x8000;

/// Bits of a floating number's front as they sort: negative ones turned over.
std::uint32_t sorted(std::uint32_t bits) noexcept {
  return (bits & kSign) != 0 ? ~bits & 0xffffU : bits | kSign;
}
std::uint32_t unsorted(std::uint32_t order) noexcept {
  return (order & kSign) != 0 ? order & ~kSign : ~order & 0xffffU;
}

/// The class of a value; NaN has none that is asked for.
template <typename T>
std::uint32_t class_of(T value) noexcept {
  if constexpr (std::is_integral_v<T> && sizeof(T) <= 2) {
    return static_cast<std::uint32_t>(static_cast<std::int32_t>(value) -
                                      std::numeric_limits<T>::min());
  } else if constexpr (std::is_same_v<T, Half>) {
    return sorted(value.bits);
  } else {
    return sorted(std::bit_cast<std::uint32_t>(static_cast<float>(value)) >> 16U);
  }
}

/// The least value of a class, counted from 0; of floating ones, those further from 0 have more.
double value_of(DataType type, std::size_t number) {
  if (is_complex(type)) type = DataType::float64;
  const auto order = static_cast<std::uint32_t>(number);
  return visit_type(type, [order](auto tag) -> double {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T> && sizeof(T) <= 2) {
      return static_cast<double>(order) + std::numeric_limits<T>::min();
    } else if constexpr (std::is_same_v<T, Half>) {
      return static_cast<double>(Half{static_cast<std::uint16_t>(unsorted(order))});
    } else {
      return static_cast<double>(std::bit_cast<float>(unsorted(order) << 16U));
    }
  });
}

template <typename T>
void count_complex(ByteSpan values, std::vector<std::uint64_t>& counts) {
  for (std::size_t i = 0; i < values.size() / (2 * sizeof(T)); ++i) {
    const T size =
        std::hypot(element<T>(values.data(), 2 * i), element<T>(values.data(), 2 * i + 1));
    if (!std::isnan(size)) ++counts[class_of(size)];
  }
}

}  // namespace

Histogram::Histogram(DataType type) : type_(type), counts_(kClasses) {}

void Histogram::add(ByteSpan values) {
  if (type_ == DataType::complex64) return count_complex<float>(values, counts_);
  if (type_ == DataType::complex128) return count_complex<double>(values, counts_);
  visit_type(type_, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::uint64_t* const counts = counts_.data();
    const std::byte* const bytes = values.data();
    const std::size_t size = values.size() / sizeof(T);
    for (std::size_t i = 0; i < size; ++i) {
      const T value = element<T>(bytes, i);
      if constexpr (kIsFloating<T>) {
        if (std::isnan(static_cast<double>(value))) continue;
      }
      ++counts[class_of(value)];
    }
  });
}

void Histogram::merge(const Histogram& other) {
  std::transform(counts_.begin(), counts_.end(), other.counts_.begin(), counts_.begin(),
                 std::plus<>());
}

std::uint64_t Histogram::total() const noexcept {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

double Histogram::quantile(double share) const {
  const auto wanted = share * static_cast<double>(total());
  std::uint64_t below = 0;
  double last = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    last = value_of(type_, i);
    below += counts_[i];
    if (static_cast<double>(below) > wanted) break;
  }
  return last;
}

double Histogram::mode() const {
  const auto most = std::max_element(counts_.begin(), counts_.end());
  return *most == 0 ? 0 : value_of(type_, static_cast<std::size_t>(most - counts_.begin()));
}

std::vector<std::uint64_t> Histogram::even(double low, double high, std::size_t bins) const {
  std::vector<std::uint64_t> result(bins);
  if (bins == 0 || !(low < high)) return result;
  const double scale = static_cast<double>(bins) / (high - low);
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    const double at = (value_of(type_, i) - low) * scale;
    if (!(at >= 0) || at > static_cast<double>(bins)) continue;
    result[std::min(bins - 1, static_cast<std::size_t>(at))] += counts_[i];
  }
  return result;
}

}  // namespace cnf::cryoem
