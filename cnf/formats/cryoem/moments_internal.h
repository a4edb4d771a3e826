// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cnf/core/util/buffer.h"

namespace cnf::cryoem {

/// Sums over integers of at most 16 bits; exact, whatever instructions made them.
struct Moments {
  std::uint64_t count = 0;
  double min = 0, max = 0;
  std::int64_t sum = 0;
  std::uint64_t squares = 0;
};

/// Of int8, uint8, int16, and of uint16 less 32,768. \param values  less than 2^32 elements.
template <typename T>
[[nodiscard]] Moments moments_of(ByteSpan values) noexcept;

extern template Moments moments_of<std::int8_t>(ByteSpan) noexcept;
extern template Moments moments_of<std::uint8_t>(ByteSpan) noexcept;
extern template Moments moments_of<std::int16_t>(ByteSpan) noexcept;
extern template Moments moments_of<std::uint16_t>(ByteSpan) noexcept;

}  // namespace cnf::cryoem
