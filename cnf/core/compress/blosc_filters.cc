// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "cnf/core/compress/blosc_internal.h"
#include "cnf/core/compress/blosc_kernels_internal.h"
#include "cnf/core/util/buffer.h"

namespace cnf::compress {
namespace {

// The eight bytes as an 8x8 matrix of bits, transposed (Warren, Hacker's Delight, 7-3).
std::uint64_t transposed_bits(std::uint64_t x) {
  std::uint64_t t = (x ^ (x >> 7U)) & 0x00AA00AA00AA00AAU;
  x ^= t ^ (t << 7U);
  t = (x ^ (x >> 14U)) & 0x0000CCCC0000CCCCU;
  x ^= t ^ (t << 14U);
  t = (x ^ (x >> 28U)) & 0x00000000F0F0F0F0U;
  return x ^ t ^ (t << 28U);
}

std::uint64_t gather(const std::byte* from, std::size_t stride) {
  std::uint64_t bytes = 0;
  for (unsigned i = 0; i < 8; ++i)
    bytes |= std::to_integer<std::uint64_t>(from[i * stride]) << 8U * i;
  return bytes;
}

void scatter(std::uint64_t bytes, std::byte* to, std::size_t stride) {
  for (unsigned i = 0; i < 8; ++i) to[i * stride] = static_cast<std::byte>(bytes >> 8U * i & 0xffU);
}

// Where 8 rows for each byte of an element are taken apart.
std::byte* tile_of_thread() {
  constexpr std::size_t kMaxTypesize = 8;  // that there are kernels for
  alignas(64) thread_local std::array<std::byte, 8 * kMaxTypesize * kBloscTile> tile{};
  return tile.data();
}

}  // namespace

void blosc_shuffle(const BloscKernels* kernels, std::size_t typesize, ByteSpan raw,
                   std::byte* shuffled) {
  const std::size_t elements = raw.size() / typesize;
  const bool fast = kernels != nullptr && kernels->shuffle != nullptr;
  const std::size_t done = fast ? kernels->shuffle(raw.data(), elements, shuffled) : 0;
  for (std::size_t k = 0; k < typesize; ++k) {
    for (std::size_t i = done; i < elements; ++i) {
      shuffled[k * elements + i] = raw[i * typesize + k];
    }
  }
}

void blosc_unshuffle(const BloscKernels* kernels, std::span<const std::byte* const> planes,
                     MutableByteSpan raw) {
  const std::size_t typesize = planes.size();
  const std::size_t elements = raw.size() / typesize;
  const bool fast = kernels != nullptr && kernels->unshuffle != nullptr;
  const std::size_t done = fast ? kernels->unshuffle(planes.data(), elements, raw.data()) : 0;
  for (std::size_t k = 0; k < typesize; ++k) {
    for (std::size_t i = done; i < elements; ++i) raw[i * typesize + k] = planes[k][i];
  }
}

void blosc_bitshuffle(const BloscKernels* kernels, std::size_t typesize, ByteSpan raw,
                      std::byte* shuffled) {
  const std::size_t rows = 8 * typesize;
  const std::size_t row = raw.size() / rows;  // bytes
  std::size_t done = 0;
  if (kernels != nullptr) {
    std::byte* const tile = tile_of_thread();
    for (; done + kBloscTile <= row; done += kBloscTile) {
      kernels->bitshuffle(&raw[done * rows], tile);
      for (std::size_t r = 0; r < rows; ++r) {
        std::memcpy(shuffled + r * row + done, tile + r * kBloscTile, kBloscTile);
      }
    }
  }
  for (std::size_t k = 0; k < typesize; ++k) {
    for (std::size_t i = done; i < row; ++i) {
      const std::uint64_t eight = gather(&raw[i * rows + k], typesize);
      scatter(transposed_bits(eight), shuffled + k * 8 * row + i, row);
    }
  }
}

void blosc_unbitshuffle(const BloscKernels* kernels, std::span<const std::byte* const> planes,
                        std::size_t row, MutableByteSpan raw) {
  const std::size_t typesize = planes.size();
  const std::size_t rows = 8 * typesize;
  const std::size_t bytes = raw.size() / rows;  // of each row
  std::size_t done = 0;
  if (kernels != nullptr && kernels->unbitshuffle_rows != nullptr) {
    done = kernels->unbitshuffle_rows(planes.data(), row, bytes, raw.data());
  } else if (kernels != nullptr) {
    std::byte* const tile = tile_of_thread();
    for (; done + kBloscTile <= bytes; done += kBloscTile) {
      for (std::size_t r = 0; r < rows; ++r) {
        std::memcpy(tile + r * kBloscTile, planes[r / 8] + r % 8 * row + done, kBloscTile);
      }
      kernels->unbitshuffle(tile, &raw[done * rows]);
    }
  }
  for (std::size_t k = 0; k < typesize; ++k) {
    for (std::size_t i = done; i < bytes; ++i) {
      scatter(transposed_bits(gather(planes[k] + i, row)), &raw[i * rows + k], typesize);
    }
  }
}

const BloscKernels* blosc_kernels(std::size_t typesize) noexcept {
#if defined(__x86_64__)
  static const bool has_avx512 = __builtin_cpu_supports("avx512bw") != 0 &&
                                 __builtin_cpu_supports("avx512vbmi") != 0 &&
                                 __builtin_cpu_supports("gfni") != 0;
  if (has_avx512) return blosc_kernels_avx512(typesize);
  static const bool has_avx2 = __builtin_cpu_supports("avx2") != 0;
  if (has_avx2) return blosc_kernels_avx2(typesize);
#endif
  return blosc_kernels_16(typesize);
}

}  // namespace cnf::compress
