// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/slice.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/formats/cryoem/elements_internal.h"
#include "cnf/formats/cryoem/statistics.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cryoem {
namespace {

template <typename T, typename Take>
void each_magnitude(ByteSpan values, const Take& take) {
  for (std::size_t i = 0; i < values.size() / sizeof(std::complex<T>); ++i)
    take(static_cast<double>(std::abs(element<std::complex<T>>(values.data(), i))));
}

/// Calls `take` with each value, of a complex one with its magnitude.
template <typename Take>
void each_value(DataType type, ByteSpan values, const Take& take) {
  if (type == DataType::complex64) return each_magnitude<float>(values, take);
  if (type == DataType::complex128) return each_magnitude<double>(values, take);
  visit_type(type, [&]<typename T>(std::type_identity<T> /*type*/) {
    for (std::size_t i = 0; i < values.size() / sizeof(T); ++i)
      take(static_cast<double>(element<T>(values.data(), i)));
  });
}

}  // namespace

std::optional<Axis> axis_of(std::string_view name) noexcept {
  if (name == "z") return Axis::z;
  if (name == "y") return Axis::y;
  if (name == "x") return Axis::x;
  return std::nullopt;
}

Slice slice_of(const Volume& volume, Axis axis, std::uint64_t at, std::size_t level) {
  const Query whole = volume.whole(level);
  Slice slice{.query = whole};
  switch (axis) {
    case Axis::z:
      slice.query.z = at;
      slice.query.depth = 1;
      slice.width = whole.width;
      slice.height = whole.height;
      break;
    case Axis::y:
      slice.query.y = at;
      slice.query.height = 1;
      slice.width = whole.width;
      slice.height = whole.depth;
      break;
    case Axis::x:
      slice.query.x = at;
      slice.query.width = 1;
      slice.width = whole.height;
      slice.height = whole.depth;
      break;
  }
  (void)volume.box_of(slice.query, level);  // refuses a plane that is not there
  return slice;
}

Contrast contrast_of(DataType type, ByteSpan values, double low, double high) {
  Histogram histogram(type);
  histogram.add(values);
  return {.low = histogram.quantile(low), .high = histogram.quantile(high)};
}

std::optional<Contrast> contrast_of(const Volume& volume) {
  const auto& window = volume.image().window;
  if (!window || !(window->start < window->end)) return std::nullopt;
  return Contrast{.low = window->start, .high = window->end};
}

Buffer to_grey(DataType type, ByteSpan values, const Contrast& contrast, int bits) {
  const std::size_t count = values.size() / size_of(type);
  const double most = bits == 16 ? 65535 : 255;
  // Where all is one value there is no contrast: below it black, at it and above white.
  const double width = contrast.high - contrast.low;
  const double scale = width > 0 ? most / width : 0;
  Buffer grey(count * (bits == 16 ? 2 : 1));
  std::byte* to = grey.data();
  each_value(type, values, [&](double value) {
    double level = 0;
    if (scale > 0) level = std::clamp((value - contrast.low) * scale, 0.0, most);
    if (scale == 0 && value >= contrast.high) level = most;
    // A NaN passes clamp as it is.
    const auto pixel = std::isnan(level) ? 0U : static_cast<unsigned>(std::lround(level));
    *to++ = static_cast<std::byte>(pixel & 0xffU);
    if (bits == 16) *to++ = static_cast<std::byte>(pixel >> 8);
  });
  return grey;
}

}  // namespace cnf::cryoem
