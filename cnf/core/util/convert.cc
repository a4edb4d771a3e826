// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/convert.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/element_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/float16.h"

namespace cnf {
namespace {

struct Bool {
  std::uint8_t bits;
};

// What is reckoned with: a half as the float that it is, a bool as a number.
template <typename T>
auto value_of(T stored) noexcept {
  if constexpr (std::is_same_v<T, Half>) {
    return float16_value(stored.bits);
  } else if constexpr (std::is_same_v<T, Bool>) {
    return stored.bits;
  } else {
    return stored;
  }
}

// False if `value` does not fit.
template <typename From, typename To>
bool convert(From value, To& out) noexcept {
  if constexpr (std::is_same_v<To, Bool>) {
    out.bits = value == From{1} ? 1 : 0;
    return value == From{0} || value == From{1};
  } else if constexpr (std::is_same_v<To, Half>) {
    constexpr std::uint16_t kInfinity = 0x7c00;
    if constexpr (std::is_same_v<From, double>) {
      out = Half::of(value);
    } else {
      out.bits = float16_bits(static_cast<float>(value));
    }
    return (out.bits & 0x7fffU) != kInfinity || std::isinf(static_cast<double>(value));
  } else if constexpr (std::is_floating_point_v<To>) {
    out = static_cast<To>(value);
    return !std::isinf(out) || std::isinf(static_cast<double>(value));
  } else if constexpr (std::is_floating_point_v<From>) {
    const double rounded = std::nearbyint(static_cast<double>(value));
    const auto lowest = static_cast<double>(std::numeric_limits<To>::min());
    const double beyond = std::ldexp(1.0, std::numeric_limits<To>::digits);
    if (!(rounded >= lowest && rounded < beyond)) return false;
    out = static_cast<To>(rounded);
    return true;
  } else {
    out = static_cast<To>(value);  // NOLINT(bugprone-signed-char-misuse): numbers
    return std::in_range<To>(value);
  }
}

// How many elements were converted: fewer than there are if the next one does not fit.
template <typename From, typename To>
std::size_t convert_run(ByteSpan from, std::byte* to) noexcept {
  const std::size_t count = from.size() / sizeof(From);
  for (std::size_t i = 0; i < count; ++i) {
    From stored{};
    To out{};
    std::memcpy(&stored, from.data() + i * sizeof(From), sizeof(From));
    if (!convert(value_of(stored), out)) return i;
    std::memcpy(to + i * sizeof(To), &out, sizeof(To));
  }
  return count;
}

// Calls `visit` with a std::type_identity of what a word of the type is: of a complex one its
// parts, and a bool is no number.
template <typename Visit>
auto visit_word(DataType type, const Visit& visit) {
  switch (type) {
    case DataType::bool8:
      return visit(std::type_identity<Bool>{});
    case DataType::complex64:
      return visit(std::type_identity<float>{});
    case DataType::complex128:
      return visit(std::type_identity<double>{});
    default:
      return visit_type(type, visit);
  }
}

std::string text_of(DataType type, const std::byte* at) {
  return visit_word(type, [at]<typename T>(std::type_identity<T> /*type*/) {
    T stored{};
    std::memcpy(&stored, at, sizeof(T));
    return fmt::format("{}", value_of(stored));
  });
}

// A real number becomes a complex one whose imaginary part is zero.
void convert_to_complex(DataType from_type, ByteSpan from, DataType to_type, MutableByteSpan to,
                        std::string_view subject) {
  const std::size_t count = from.size() / size_of(from_type);
  const std::size_t part = word_of(to_type);
  const DataType real = part == sizeof(float) ? DataType::float32 : DataType::float64;
  Buffer parts(count * part);
  convert_elements(from_type, from, real, parts.span(), subject);
  std::memset(to.data(), 0, to.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(to.data() + 2 * i * part, parts.data() + i * part, part);
  }
}

}  // namespace

bool is_convertible(DataType from, DataType to) noexcept {
  return !is_complex(from) || is_complex(to);
}

void convert_elements(DataType from_type, ByteSpan from, DataType to_type, MutableByteSpan to,
                      std::string_view subject) {
  const std::string types = fmt::format("{} to {}", to_string(from_type), to_string(to_type));
  if (!is_convertible(from_type, to_type)) {
    throw Error(Errc::invalid_argument, "convert", subject,
                types + " would lose the imaginary part");
  }
  const std::size_t count = from.size() / size_of(from_type);
  if (from.size() % size_of(from_type) != 0 || to.size() != count * size_of(to_type)) {
    throw Error(Errc::invalid_argument, "convert", subject, "the buffers do not suit " + types);
  }
  if (from.empty()) return;
  if (from_type == to_type) {
    std::memcpy(to.data(), from.data(), from.size());
    return;
  }
  if (is_complex(to_type) && !is_complex(from_type)) {
    return convert_to_complex(from_type, from, to_type, to, subject);
  }
  const std::size_t words = from.size() / word_of(from_type);
  const std::size_t done =
      visit_word(from_type, [&]<typename From>(std::type_identity<From> /*f*/) {
        return visit_word(to_type, [&]<typename To>(std::type_identity<To> /*t*/) {
          return convert_run<From, To>(from, to.data());
        });
      });
  if (done == words) return;
  throw Error(
      Errc::invalid_argument, "convert", subject,
      fmt::format("value {} is {}, which {} cannot hold", done,
                  text_of(from_type, from.data() + done * word_of(from_type)), to_string(to_type)),
      "choose a wider type");
}

}  // namespace cnf
