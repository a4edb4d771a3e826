// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "cnf/core/util/buffer.h"
#include "cnf/formats/cryoem/elements_internal.h"
#include "cnf/formats/cryoem/moments_internal.h"

namespace cnf::cryoem {
namespace {

/// The sums of what came so far; least and most as they are compared.
struct Running {
  std::int32_t least = std::numeric_limits<std::int32_t>::max();
  std::int32_t most = std::numeric_limits<std::int32_t>::min();
  std::int64_t sum = 0;
  std::uint64_t squares = 0;
};

template <typename T>
std::int32_t shifted(T value) noexcept {
  if constexpr (std::is_same_v<T, std::uint16_t>) return std::int32_t{value} - 32'768;
  return std::int32_t{value};
}

template <typename T>
void add(const std::byte* bytes, std::size_t first, std::size_t last, Running& running) noexcept {
  for (std::size_t i = first; i < last; ++i) {
    const std::int32_t value = shifted(element<T>(bytes, i));
    running.least = std::min(running.least, value);
    running.most = std::max(running.most, value);
    running.sum += value;
    running.squares += static_cast<std::uint32_t>(value * value);
  }
}

#ifdef __x86_64__

/// Sixteen words at a time. \param middle  0x8000 in each word of unsigned ones, else 0.
/// \return how many words it took.
[[gnu::target("avx2")]] std::size_t add_avx2(const std::byte* bytes, std::size_t count,
                                             std::uint16_t middle, Running& running) noexcept {
  constexpr std::size_t kWords = 16;
  constexpr std::size_t kVectors = std::size_t{1} << 14;  // whose sums fit 32 bits
  const __m256i flip = _mm256_set1_epi16(static_cast<std::int16_t>(middle));
  const __m256i ones = _mm256_set1_epi16(1);
  const __m256i low_half = _mm256_set1_epi64x(0xffffffff);
  __m256i least = _mm256_set1_epi16(std::numeric_limits<std::int16_t>::max());
  __m256i most = _mm256_set1_epi16(std::numeric_limits<std::int16_t>::min());
  __m256i squares = _mm256_setzero_si256();
  const std::size_t vectors = count / kWords;
  for (std::size_t done = 0; done < vectors;) {
    const std::size_t end = std::min(vectors, done + kVectors);
    __m256i sums = _mm256_setzero_si256();
    for (; done < end; ++done) {
      const __m256i words = _mm256_xor_si256(
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + done * sizeof(__m256i))),
          flip);
      least = _mm256_min_epi16(least, words);
      most = _mm256_max_epi16(most, words);
      sums = _mm256_add_epi32(sums, _mm256_madd_epi16(words, ones));
      // Two squares of 2^30 at most: 32 bits without a sign.
      const __m256i pairs = _mm256_madd_epi16(words, words);
      squares = _mm256_add_epi64(squares, _mm256_and_si256(pairs, low_half));
      squares = _mm256_add_epi64(squares, _mm256_srli_epi64(pairs, 32));
    }
    std::array<std::int32_t, 8> lanes{};
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(lanes.data()), sums);
    for (const std::int32_t lane : lanes) running.sum += lane;
  }
  std::array<std::uint64_t, 4> square_lanes{};
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(square_lanes.data()), squares);
  for (const std::uint64_t lane : square_lanes) running.squares += lane;
  std::array<std::array<std::int16_t, kWords>, 2> bounds{};
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(bounds[0].data()), least);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(bounds[1].data()), most);
  if (vectors != 0) {
    running.least = *std::min_element(bounds[0].begin(), bounds[0].end());
    running.most = *std::max_element(bounds[1].begin(), bounds[1].end());
  }
  return vectors * kWords;
}

#endif

}  // namespace

template <typename T>
Moments moments_of(ByteSpan values) noexcept {
  const std::size_t count = values.size() / sizeof(T);
  if (count == 0) return {};
  Running running;
  std::size_t done = 0;
#ifdef __x86_64__
  if constexpr (sizeof(T) == 2) {
    if (__builtin_cpu_supports("avx2")) {
      done = add_avx2(values.data(), count, std::is_signed_v<T> ? 0 : 0x8000, running);
    }
  }
#endif
  add<T>(values.data(), done, count, running);
  return {.count = count,
          .min = static_cast<double>(running.least),
          .max = static_cast<double>(running.most),
          .sum = running.sum,
          .squares = running.squares};
}

template Moments moments_of<std::int8_t>(ByteSpan) noexcept;
template Moments moments_of<std::uint8_t>(ByteSpan) noexcept;
template Moments moments_of<std::int16_t>(ByteSpan) noexcept;
template Moments moments_of<std::uint16_t>(ByteSpan) noexcept;

}  // namespace cnf::cryoem
