// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>

#include "cnf/core/compress/blosc_internal.h"
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

}  // namespace

void blosc_shuffle(std::size_t typesize, ByteSpan raw, std::byte* shuffled) {
  const std::size_t elements = raw.size() / typesize;
  for (std::size_t k = 0; k < typesize; ++k) {
    for (std::size_t i = 0; i < elements; ++i) *shuffled++ = raw[i * typesize + k];
  }
}

void blosc_unshuffle(std::span<const std::byte* const> planes, MutableByteSpan raw) {
  const std::size_t typesize = planes.size();
  const std::size_t elements = raw.size() / typesize;
  for (std::size_t k = 0; k < typesize; ++k) {
    for (std::size_t i = 0; i < elements; ++i) raw[i * typesize + k] = planes[k][i];
  }
}

void blosc_bitshuffle(std::size_t typesize, ByteSpan raw, std::byte* shuffled) {
  const std::size_t row = raw.size() / typesize / 8;
  for (std::size_t k = 0; k < typesize; ++k) {
    for (std::size_t i = 0; i < row; ++i) {
      const std::uint64_t eight = gather(&raw[i * 8 * typesize + k], typesize);
      scatter(transposed_bits(eight), shuffled + k * 8 * row + i, row);
    }
  }
}

void blosc_unbitshuffle(std::span<const std::byte* const> planes, MutableByteSpan raw) {
  const std::size_t typesize = planes.size();
  const std::size_t row = raw.size() / typesize / 8;
  for (std::size_t k = 0; k < typesize; ++k) {
    for (std::size_t i = 0; i < row; ++i) {
      scatter(transposed_bits(gather(planes[k] + i, row)), &raw[i * 8 * typesize + k], typesize);
    }
  }
}

}  // namespace cnf::compress
