// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/formats/cryoem/elements_internal.h"
#include "cnf/formats/cryoem/keep_bits_internal.h"

namespace cnf::cryoem {
namespace {

/// \param T  unsigned, of a number's size. \param mantissa  bits of its mantissa.
template <typename T>
void keep(MutableByteSpan values, int mantissa, int bits) {
  if (bits >= mantissa) return;
  const int dropped = mantissa - bits;
  const auto rest = static_cast<T>((T{1} << dropped) - 1);
  const auto sign = static_cast<T>(T{1} << (8 * sizeof(T) - 1));
  const auto infinite = static_cast<T>((sign - 1) & ~((T{1} << mantissa) - 1));
  for (std::size_t i = 0; i < values.size() / sizeof(T); ++i) {
    const T value = element<T>(values.data(), i);
    const auto magnitude = static_cast<T>(value & ~sign);
    // Half less one, and one more where the last bit that stays is odd.
    const auto up =
        static_cast<T>((magnitude + (rest >> 1U) + ((magnitude >> dropped) & 1U)) & ~rest);
    const auto cut = static_cast<T>(magnitude & ~rest);
    T kept = up >= infinite ? cut : up;
    if (magnitude >= infinite) kept = magnitude;
    kept = static_cast<T>(kept | (value & sign));
    std::memcpy(values.data() + i * sizeof(T), &kept, sizeof(T));
  }
}

}  // namespace

void keep_mantissa_bits(DataType type, int bits, MutableByteSpan values) {
  switch (word_of(type)) {
    case 2:
      return keep<std::uint16_t>(values, 10, bits);
    case 4:
      return keep<std::uint32_t>(values, 23, bits);
    default:
      return keep<std::uint64_t>(values, 52, bits);
  }
}

}  // namespace cnf::cryoem
