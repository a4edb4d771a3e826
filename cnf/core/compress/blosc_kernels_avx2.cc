// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/compress/blosc_kernels_internal.h"

#if defined(__x86_64__)

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <immintrin.h>

namespace cnf::compress {
namespace {

// blosc_kernels.cc twice at once: the lower half of each vector does what a vector does there, the
// upper half the same for the places that follow.
constexpr std::size_t kWidth = 32;
constexpr std::size_t kHalf = 16;

constexpr std::size_t log2(std::size_t n) { return n == 1 ? 0 : 1 + log2(n / 2); }

template <std::size_t N>
struct Vectors {
  __m256i at[N];
};

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i load(const std::byte* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

[[gnu::target("avx2"), gnu::always_inline]] inline void store(__m256i bytes, std::byte* to) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), bytes);
}

// `N` halves in a row for the lower places, then as many for the upper ones.
template <std::size_t N>
[[gnu::target("avx2"), gnu::always_inline]] inline void load_halves(const std::byte* raw,
                                                                    Vectors<N>& v) {
#pragma GCC unroll 64
  for (std::size_t q = 0; q < N; q += 2) {
    const __m256i lower = load(raw + q * kHalf);
    const __m256i upper = load(raw + (N + q) * kHalf);
    v.at[q] = _mm256_permute2x128_si256(lower, upper, 0x20);
    v.at[q + 1] = _mm256_permute2x128_si256(lower, upper, 0x31);
  }
}

template <std::size_t N>
[[gnu::target("avx2"), gnu::always_inline]] inline void store_halves(const Vectors<N>& v,
                                                                     std::byte* raw) {
#pragma GCC unroll 64
  for (std::size_t q = 0; q < N; q += 2) {
    store(_mm256_permute2x128_si256(v.at[q], v.at[q + 1], 0x20), raw + q * kHalf);
    store(_mm256_permute2x128_si256(v.at[q], v.at[q + 1], 0x31), raw + (N + q) * kHalf);
  }
}

template <std::size_t Rounds, std::size_t N>
[[gnu::target("avx2"), gnu::always_inline]] inline void interleave(Vectors<N>& v) {
#pragma GCC unroll 8
  for (std::size_t round = 0; round < Rounds; ++round) {
    const Vectors<N> old = v;
#pragma GCC unroll 64
    for (std::size_t i = 0; i < N / 2; ++i) {
      v.at[2 * i] = _mm256_unpacklo_epi8(old.at[i], old.at[i + N / 2]);
      v.at[2 * i + 1] = _mm256_unpackhi_epi8(old.at[i], old.at[i + N / 2]);
    }
  }
}

// Exchanges what stands `Shift` above the mask in vector i with what stands in it in i + Shift.
template <std::size_t Shift, std::size_t Step>
[[gnu::target("avx2"), gnu::always_inline]] inline void exchange(std::int8_t mask, __m256i* v) {
  constexpr int kShift = Shift;
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 8; ++i) {
    if ((i & Shift) != 0) continue;
    __m256i& low = v[i * Step];
    __m256i& high = v[(i + Shift) * Step];
    const __m256i moved = _mm256_and_si256(_mm256_xor_si256(_mm256_srli_epi64(low, kShift), high),
                                           _mm256_set1_epi8(mask));
    low = _mm256_xor_si256(low, _mm256_slli_epi64(moved, kShift));
    high = _mm256_xor_si256(high, moved);
  }
}

template <std::size_t Step>
[[gnu::target("avx2"), gnu::always_inline]] inline void transpose_bits(__m256i* v) {
  exchange<4, Step>(0x0f, v);
  exchange<2, Step>(0x33, v);
  exchange<1, Step>(0x55, v);
}

template <std::size_t Typesize>
[[gnu::target("avx2")]] std::size_t shuffle(const std::byte* raw, std::size_t elements,
                                            std::byte* shuffled) {
  std::size_t i = 0;
  for (; i + kWidth <= elements; i += kWidth) {
    Vectors<Typesize> v{};
    load_halves(raw + i * Typesize, v);
    interleave<log2(kHalf)>(v);
    for (std::size_t k = 0; k < Typesize; ++k) store(v.at[k], shuffled + k * elements + i);
  }
  return i;
}

template <std::size_t Typesize>
[[gnu::target("avx2")]] std::size_t unshuffle(const std::byte* const* planes, std::size_t elements,
                                              std::byte* raw) {
  std::size_t i = 0;
  for (; i + kWidth <= elements; i += kWidth) {
    Vectors<Typesize> v{};
    for (std::size_t k = 0; k < Typesize; ++k) v.at[k] = load(planes[k] + i);
    interleave<log2(Typesize)>(v);
    store_halves(v, raw + i * Typesize);
  }
  return i;
}

template <std::size_t Typesize>
[[gnu::target("avx2")]] void bitshuffle(const std::byte* raw, std::byte* tile) {
  for (std::size_t i = 0; i < kBloscTile; i += kWidth) {
    Vectors<8 * Typesize> v{};
    load_halves(raw + i * 8 * Typesize, v);
    interleave<log2(kHalf)>(v);
#pragma GCC unroll 8
    for (std::size_t k = 0; k < Typesize; ++k) {
      transpose_bits<Typesize>(&v.at[k]);
#pragma GCC unroll 8
      for (std::size_t bit = 0; bit < 8; ++bit) {
        store(v.at[bit * Typesize + k], tile + (k * 8 + bit) * kBloscTile + i);
      }
    }
  }
}

template <std::size_t Typesize>
[[gnu::target("avx2")]] void unbitshuffle(const std::byte* tile, std::byte* raw) {
  for (std::size_t i = 0; i < kBloscTile; i += kWidth) {
    Vectors<8 * Typesize> v{};
#pragma GCC unroll 8
    for (std::size_t k = 0; k < Typesize; ++k) {
#pragma GCC unroll 8
      for (std::size_t bit = 0; bit < 8; ++bit) {
        v.at[bit * Typesize + k] = load(tile + (k * 8 + bit) * kBloscTile + i);
      }
      transpose_bits<Typesize>(&v.at[k]);
    }
    interleave<log2(8 * Typesize)>(v);
    store_halves(v, raw + i * 8 * Typesize);
  }
}

}  // namespace

const BloscKernels* blosc_kernels_avx2(std::size_t typesize) noexcept {
  static constexpr BloscKernels kOne{nullptr, nullptr, bitshuffle<1>, unbitshuffle<1>};
  static constexpr BloscKernels kTwo{shuffle<2>, unshuffle<2>, bitshuffle<2>, unbitshuffle<2>};
  static constexpr BloscKernels kFour{shuffle<4>, unshuffle<4>, bitshuffle<4>, unbitshuffle<4>};
  static constexpr BloscKernels kEight{shuffle<8>, unshuffle<8>, bitshuffle<8>, unbitshuffle<8>};
  switch (typesize) {
    case 1:
      return &kOne;
    case 2:
      return &kTwo;
    case 4:
      return &kFour;
    case 8:
      return &kEight;
    default:
      return nullptr;
  }
}

}  // namespace cnf::compress

#endif
