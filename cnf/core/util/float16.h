// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

namespace cnf {

// IEEE 754 binary16 as its bits, for which C++20 has no type. The scalar forms; compilers turn
// loops over them into vectors.

/// Exact; a NaN keeps its sign and payload.
[[nodiscard]] constexpr float float16_value(std::uint16_t half) noexcept {
  const std::uint32_t sign = (half & 0x8000U) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1fU;
  const std::uint32_t mantissa = half & 0x3ffU;
  if (exponent == 0) {  // zero or subnormal: so many times 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
  }
  const std::uint32_t widened = exponent == 31 ? 0xffU : exponent + 112;  // biases 15 and 127
  return std::bit_cast<float>(sign | (widened << 23) | (mantissa << 13));
}

/// The nearest binary16, ties to even; infinity from 65,520 on; a NaN stays one.
[[nodiscard]] constexpr std::uint16_t float16_bits(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  std::uint32_t half = 0;
  if (magnitude > 0x7f800000U) {
    half = 0x7e00U | ((magnitude >> 13) & 0x3ffU);  // quiet
  } else if (magnitude >= 0x477ff000U) {            // 65,520
    half = 0x7c00U;
  } else if (magnitude >= 0x38800000U) {  // 2^-14: normal
    const std::uint32_t odd = (magnitude >> 13) & 1U;
    half = (magnitude - (112U << 23) + 0xfffU + odd) >> 13;
  } else {
    // 2^-24 is the least step: adding 0.5, whose last bit weighs 2^-24, rounds as it must.
    const float sum = std::bit_cast<float>(magnitude) + 0.5F;
    half = std::bit_cast<std::uint32_t>(sum) - 0x3f000000U;
  }
  return static_cast<std::uint16_t>(sign | half);
}

}  // namespace cnf
