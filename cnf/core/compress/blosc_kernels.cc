// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cnf/core/compress/blosc_kernels_internal.h"

namespace cnf::compress {
namespace {

// GCC's and clang's vectors: SSE2 or NEON without a word of either.
using Bytes [[gnu::vector_size(16)]] = std::uint8_t;
using Words [[gnu::vector_size(16)]] = std::uint64_t;
constexpr std::size_t kWidth = sizeof(Bytes);

template <std::size_t N>
struct Vectors {
  Bytes at[N];
};

Bytes load(const std::byte* from) {
  Bytes bytes;
  std::memcpy(&bytes, from, kWidth);
  return bytes;
}

void store(Bytes bytes, std::byte* to) { std::memcpy(to, &bytes, kWidth); }

// The bytes as two halves, dealt out alternately: the byte at x goes to 2x modulo all but one.
// After n rounds what stood at (i, j) of a matrix with 2^n rows stands at (j, i).
template <std::size_t Rounds, std::size_t N>
void interleave(Vectors<N>& v) {
#pragma GCC unroll 64
  for (std::size_t round = 0; round < Rounds; ++round) {
    const Vectors<N> old = v;
#pragma GCC unroll 64
    for (std::size_t i = 0; i < N / 2; ++i) {
      v.at[2 * i] = __builtin_shufflevector(old.at[i], old.at[i + N / 2], 0, 16, 1, 17, 2, 18, 3,
                                            19, 4, 20, 5, 21, 6, 22, 7, 23);
      v.at[2 * i + 1] = __builtin_shufflevector(old.at[i], old.at[i + N / 2], 8, 24, 9, 25, 10, 26,
                                                11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
  }
}

// Exchanges the bits that stand `Shift` above the mask in vector i with those in it in vector
// i + Shift, for every i that has such a partner. Shifts cross bytes, but the mask takes what came
// from the next one.
template <std::size_t Shift, std::size_t Step>
void exchange(std::uint64_t mask, Bytes* v) {
#pragma GCC unroll 8
  for (std::size_t i = 0; i < 8; ++i) {
    if ((i & Shift) != 0) continue;
    const auto low = reinterpret_cast<Words>(v[i * Step]);
    const auto high = reinterpret_cast<Words>(v[(i + Shift) * Step]);
    const Words moved = ((low >> Shift) ^ high) & mask;
    v[i * Step] = reinterpret_cast<Bytes>(low ^ (moved << Shift));
    v[(i + Shift) * Step] = reinterpret_cast<Bytes>(high ^ moved);
  }
}

// Of each byte's place: bit j of vector i becomes bit i of vector j. Vectors lie `Step` apart.
template <std::size_t Step>
void transpose_bits(Bytes* v) {
  exchange<4, Step>(0x0F0F0F0F0F0F0F0FU, v);
  exchange<2, Step>(0x3333333333333333U, v);
  exchange<1, Step>(0x5555555555555555U, v);
}

constexpr std::size_t log2(std::size_t n) { return n == 1 ? 0 : 1 + log2(n / 2); }

template <std::size_t Typesize>
std::size_t shuffle(const std::byte* raw, std::size_t elements, std::byte* shuffled) {
  std::size_t i = 0;
  for (; i + kWidth <= elements; i += kWidth) {
    Vectors<Typesize> v{};
#pragma GCC unroll 64
    for (std::size_t k = 0; k < Typesize; ++k) v.at[k] = load(raw + i * Typesize + k * kWidth);
    interleave<log2(kWidth)>(v);
#pragma GCC unroll 64
    for (std::size_t k = 0; k < Typesize; ++k) store(v.at[k], shuffled + k * elements + i);
  }
  return i;
}

template <std::size_t Typesize>
std::size_t unshuffle(const std::byte* const* planes, std::size_t elements, std::byte* raw) {
  std::size_t i = 0;
  for (; i + kWidth <= elements; i += kWidth) {
    Vectors<Typesize> v{};
#pragma GCC unroll 64
    for (std::size_t k = 0; k < Typesize; ++k) v.at[k] = load(planes[k] + i);
    interleave<log2(Typesize)>(v);
#pragma GCC unroll 64
    for (std::size_t k = 0; k < Typesize; ++k) store(v.at[k], raw + i * Typesize + k * kWidth);
  }
  return i;
}

template <std::size_t Typesize>
void bitshuffle(const std::byte* raw, std::byte* tile) {
  for (std::size_t i = 0; i < kBloscTile; i += kWidth) {
    Vectors<8 * Typesize> v{};
#pragma GCC unroll 64
    for (std::size_t q = 0; q < 8 * Typesize; ++q) {
      v.at[q] = load(raw + i * 8 * Typesize + q * kWidth);
    }
    interleave<log2(kWidth)>(v);
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
void unbitshuffle(const std::byte* tile, std::byte* raw) {
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
#pragma GCC unroll 64
    for (std::size_t q = 0; q < 8 * Typesize; ++q) {
      store(v.at[q], raw + i * 8 * Typesize + q * kWidth);
    }
  }
}

}  // namespace

const BloscKernels* blosc_kernels_16(std::size_t typesize) noexcept {
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
