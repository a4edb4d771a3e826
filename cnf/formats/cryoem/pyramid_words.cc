// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "cnf/formats/cryoem/pyramid_kernels_internal.h"

namespace cnf::cryoem {

#ifdef __x86_64__

namespace {

[[gnu::target("avx2")]] std::size_t sum_avx2(const Rows<std::int16_t>& rows, std::size_t pairs,
                                             std::uint16_t middle, std::int32_t* out) noexcept {
  constexpr std::size_t kSums = 8;
  const __m256i flip = _mm256_set1_epi16(static_cast<std::int16_t>(middle));
  const __m256i ones = _mm256_set1_epi16(1);
  // What flipping took from the words of each sum.
  const __m256i taken =
      _mm256_set1_epi32(static_cast<std::int32_t>(rows.size()) * 2 * std::int32_t{middle});
  const std::size_t vectors = pairs / kSums;
  for (std::size_t i = 0; i < vectors; ++i) {
    __m256i sums = taken;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const __m256i words =
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows[r] + 2 * kSums * i));
      sums = _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_xor_si256(words, flip), ones));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + kSums * i), sums);
  }
  return vectors * kSums;
}

}  // namespace

std::size_t sum_word_pairs(const Rows<std::int16_t>& rows, std::size_t pairs, std::uint16_t middle,
                           std::int32_t* out) noexcept {
  return __builtin_cpu_supports("avx2") ? sum_avx2(rows, pairs, middle, out) : 0;
}

#else

std::size_t sum_word_pairs(const Rows<std::int16_t>& /*rows*/, std::size_t /*pairs*/,
                           std::uint16_t /*middle*/, std::int32_t* /*out*/) noexcept {
  return 0;
}

#endif

}  // namespace cnf::cryoem
