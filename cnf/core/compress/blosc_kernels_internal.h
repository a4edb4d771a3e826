// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace cnf::compress {

/// Bytes of a row of bits that are bit-shuffled at once. The rows of a block often lie 4 KiB or a
/// multiple of it apart, and then share few places of the cache: so they are read and written by
/// this many bytes, and taken apart in a tile.
constexpr std::size_t kBloscTile = 256;

/// One way of shuffling elements of one size. All ways give the same bytes.
struct BloscKernels {
  /// Byte k of element i goes to shuffled[k * elements + i]. These do as many elements from the
  /// front as their vectors take, and return how many. nullptr for elements of one byte.
  std::size_t (*shuffle)(const std::byte* raw, std::size_t elements, std::byte* shuffled) = nullptr;
  std::size_t (*unshuffle)(const std::byte* const* planes, std::size_t elements,
                           std::byte* raw) = nullptr;
  /// Of 8 * kBloscTile elements, row r of bits to tile[r * kBloscTile], and back.
  void (*bitshuffle)(const std::byte* raw, std::byte* tile) = nullptr;
  void (*unbitshuffle)(const std::byte* tile, std::byte* raw) = nullptr;
  /// Without a tile: of rows of so many bytes that begin `row` bytes apart in each plane, does as
  /// many bytes from the front as its vectors take, and returns how many. nullptr: there is none.
  std::size_t (*unbitshuffle_rows)(const std::byte* const* planes, std::size_t row,
                                   std::size_t bytes, std::byte* raw) = nullptr;
};

/// The fastest that this machine has; nullptr if it has none for elements of `typesize` bytes.
[[nodiscard]] const BloscKernels* blosc_kernels(std::size_t typesize) noexcept;
/// By vectors of 16 bytes, which every machine has that we build for (SSE2, NEON). nullptr if
/// `typesize` is not 1, 2, 4 or 8.
[[nodiscard]] const BloscKernels* blosc_kernels_16(std::size_t typesize) noexcept;
/// By AVX2; to be called on x86 machines that have it.
[[nodiscard]] const BloscKernels* blosc_kernels_avx2(std::size_t typesize) noexcept;
/// By AVX-512 with VBMI and GFNI (Ice Lake, Zen 4 and later); as above.
[[nodiscard]] const BloscKernels* blosc_kernels_avx512(std::size_t typesize) noexcept;

}  // namespace cnf::compress
