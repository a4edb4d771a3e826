// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/float16.h"

namespace cnf {

/// A number of IEEE 754's binary16.
struct Half {
  std::uint16_t bits = 0;

  explicit operator double() const noexcept { return static_cast<double>(float16_value(bits)); }

  /// Rounds half to even, once: what float32 cannot hold leaves its trace in the last bit, so that
  /// the second rounding sees no tie where there is none.
  [[nodiscard]] static Half of(double value) noexcept {
    auto narrow = static_cast<float>(value);
    if (std::isfinite(narrow) && static_cast<double>(narrow) != value) {
      auto odd = std::bit_cast<std::uint32_t>(narrow);
      if (std::abs(static_cast<double>(narrow)) > std::abs(value)) --odd;
      narrow = std::bit_cast<float>(odd | 1U);
    }
    return {float16_bits(narrow)};
  }
};

/// What an element of a type is in C++, a bool as its byte; `visit` takes a std::type_identity.
/// Not for complex types.
template <typename Visit>
decltype(auto) visit_type(DataType type, Visit&& visit) {
  switch (type) {
    case DataType::bool8:
    case DataType::uint8:
      return visit(std::type_identity<std::uint8_t>{});
    case DataType::int8:
      return visit(std::type_identity<std::int8_t>{});
    case DataType::int16:
      return visit(std::type_identity<std::int16_t>{});
    case DataType::int32:
      return visit(std::type_identity<std::int32_t>{});
    case DataType::int64:
      return visit(std::type_identity<std::int64_t>{});
    case DataType::uint16:
      return visit(std::type_identity<std::uint16_t>{});
    case DataType::uint32:
      return visit(std::type_identity<std::uint32_t>{});
    case DataType::uint64:
      return visit(std::type_identity<std::uint64_t>{});
    case DataType::float16:
      return visit(std::type_identity<Half>{});
    case DataType::float32:
      return visit(std::type_identity<float>{});
    case DataType::float64:
      return visit(std::type_identity<double>{});
    case DataType::complex64:
    case DataType::complex128:
      break;
  }
  throw Error(Errc::internal, "compute", "elements", "complex values have no order");
}

}  // namespace cnf
