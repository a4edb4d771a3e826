// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "cnf/core/util/element_type.h"

namespace cnf::cryoem {

template <typename T>
inline constexpr bool kIsFloating = std::is_floating_point_v<T> || std::is_same_v<T, Half>;

/// The element at an index of bytes that need not be aligned.
template <typename T>
[[nodiscard]] inline T element(const std::byte* bytes, std::size_t index) noexcept {
  T value{};
  std::memcpy(&value, bytes + index * sizeof(T), sizeof(T));
  return value;
}

}  // namespace cnf::cryoem
