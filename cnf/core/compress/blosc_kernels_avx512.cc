// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/compress/blosc_kernels_internal.h"

#if defined(__x86_64__)

#include <array>
#include <cstddef>
#include <cstdint>

#include <immintrin.h>

namespace cnf::compress {
namespace {

// A line of the cache of every row of bits at once: rows that lie 4 KiB or a multiple of it apart
// are then read once each, and need no tile. An instruction turns 8x8 bits; all else is putting
// bytes where they belong.
constexpr std::size_t kWidth = 64;
constexpr std::size_t kLane = 16;

constexpr std::size_t log2(std::size_t n) { return n == 1 ? 0 : 1 + log2(n / 2); }

template <std::size_t N>
struct Vectors {
  __m512i at[N];
};

// As in blosc_kernels.cc, in each lane of 16 bytes by itself.
template <std::size_t Rounds, std::size_t N>
[[gnu::target("avx512f,avx512bw,avx512vbmi,gfni"), gnu::always_inline]] inline void interleave(
    Vectors<N>& v) {
#pragma GCC unroll 8
  for (std::size_t round = 0; round < Rounds; ++round) {
    const Vectors<N> old = v;
#pragma GCC unroll 64
    for (std::size_t i = 0; i < N / 2; ++i) {
      v.at[2 * i] = _mm512_unpacklo_epi8(old.at[i], old.at[i + N / 2]);
      v.at[2 * i + 1] = _mm512_unpackhi_epi8(old.at[i], old.at[i + N / 2]);
    }
  }
}

// The same with whole lanes, until those of one vector stand at one place of all vectors.
template <std::size_t N>
[[gnu::target("avx512f,avx512bw,avx512vbmi,gfni"), gnu::always_inline]] inline void
interleave_lanes(__m512i* v) {
  const __m512i low = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
  const __m512i high = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
  for (std::size_t round = 0; round < log2(N); ++round) {
    Vectors<N> old{};
    for (std::size_t i = 0; i < N; ++i) old.at[i] = v[i];
    for (std::size_t i = 0; i < N / 2; ++i) {
      v[2 * i] = _mm512_permutex2var_epi64(old.at[i], low, old.at[i + N / 2]);
      v[2 * i + 1] = _mm512_permutex2var_epi64(old.at[i], high, old.at[i + N / 2]);
    }
  }
}

// Which byte of a row goes where, so that the lanes of a vector are neighbours in the end.
template <std::size_t Typesize>
constexpr std::array<std::uint8_t, kWidth> row_order() {
  std::array<std::uint8_t, kWidth> order{};
  for (std::size_t lane = 0; lane < kWidth / kLane; ++lane) {
    for (std::size_t i = 0; i < kLane; ++i) {
      // What comes of a byte fills half a lane where elements are single bytes, else one or more.
      order[lane * kLane + i] =
          static_cast<std::uint8_t>(Typesize == 1 ? i / 2 * 8 + lane * 2 + i % 2 : i * 4 + lane);
    }
  }
  return order;
}

template <std::size_t Typesize>
[[gnu::target("avx512f,avx512bw,avx512vbmi,gfni")]] std::size_t unbitshuffle(
    const std::byte* const* planes, std::size_t row, std::size_t bytes, std::byte* raw) {
  alignas(kWidth) static constexpr std::array<std::uint8_t, kWidth> kOrder = row_order<Typesize>();
  const __m512i order = _mm512_load_si512(kOrder.data());
  const __m512i unit = _mm512_set1_epi64(static_cast<std::int64_t>(0x8040201008040201U));
  std::size_t done = 0;
  for (; done + kWidth <= bytes; done += kWidth) {
    Vectors<8 * Typesize> v{};
#pragma GCC unroll 8
    for (std::size_t k = 0; k < Typesize; ++k) {
      Vectors<8> bits{};
#pragma GCC unroll 8
      for (std::size_t i = 0; i < 8; ++i) {  // the instruction takes the last row first
        bits.at[i] =
            _mm512_permutexvar_epi8(order, _mm512_loadu_si512(planes[k] + (7 - i) * row + done));
      }
      interleave<3>(bits);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < 8; ++i) {
        v.at[i * Typesize + k] = _mm512_gf2p8affine_epi64_epi8(unit, bits.at[i], 0);
      }
    }
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i) {
      Vectors<Typesize> w{};
#pragma GCC unroll 8
      for (std::size_t k = 0; k < Typesize; ++k) w.at[k] = v.at[i * Typesize + k];
      interleave<log2(Typesize)>(w);
      if constexpr (Typesize > 2) {
        interleave_lanes<Typesize / 2>(w.at);
        interleave_lanes<Typesize / 2>(w.at + Typesize / 2);
      }
#pragma GCC unroll 8
      for (std::size_t k = 0; k < Typesize; ++k) {
        _mm512_storeu_si512(raw + done * 8 * Typesize + (i * Typesize + k) * kWidth, w.at[k]);
      }
    }
  }
  return done;
}

}  // namespace

const BloscKernels* blosc_kernels_avx512(std::size_t typesize) noexcept {
  // Only what reading waits for is done otherwise than by AVX2.
  const auto with = [](std::size_t size, decltype(BloscKernels::unbitshuffle_rows) rows) {
    BloscKernels kernels = *blosc_kernels_avx2(size);
    kernels.unbitshuffle_rows = rows;
    return kernels;
  };
  static const BloscKernels one = with(1, unbitshuffle<1>);
  static const BloscKernels two = with(2, unbitshuffle<2>);
  static const BloscKernels four = with(4, unbitshuffle<4>);
  static const BloscKernels eight = with(8, unbitshuffle<8>);
  switch (typesize) {
    case 1:
      return &one;
    case 2:
      return &two;
    case 4:
      return &four;
    case 8:
      return &eight;
    default:
      return nullptr;
  }
}

}  // namespace cnf::compress

#endif
