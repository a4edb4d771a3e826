// SPDX-License-Identifier: Apache-2.0
// Every way of shuffling against the definition, written out bit by bit.
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/compress/blosc_internal.h"
#include "cnf/core/compress/blosc_kernels_internal.h"
#include "cnf/core/util/buffer.h"

namespace cnf::compress {
namespace {

constexpr std::array<std::size_t, 9> kTypesizes{1, 2, 3, 4, 7, 8, 16, 24, 255};
// Fewer than a vector, a tile and what is left over, several tiles.
constexpr std::array<std::size_t, 8> kElements{8, 72, 120, 256, 2048, 2056, 4104, 6280};

Buffer noise(std::size_t size) {
  std::mt19937_64 random(size);
  Buffer bytes(size);
  for (std::byte& byte : bytes.span()) byte = static_cast<std::byte>(random());
  return bytes;
}

std::string text(ByteSpan bytes) { return std::string(as_text(bytes)); }

Buffer shuffled_by_definition(std::size_t typesize, ByteSpan raw) {
  const std::size_t elements = raw.size() / typesize;
  Buffer shuffled(raw.size());
  for (std::size_t i = 0; i < elements; ++i) {
    for (std::size_t k = 0; k < typesize; ++k) {
      shuffled.data()[k * elements + i] = raw[i * typesize + k];
    }
  }
  return shuffled;
}

Buffer bitshuffled_by_definition(std::size_t typesize, ByteSpan raw) {
  const std::size_t elements = raw.size() / typesize;
  std::vector<std::uint8_t> shuffled(raw.size());
  for (std::size_t i = 0; i < elements; ++i) {
    for (std::size_t bit = 0; bit < 8 * typesize; ++bit) {
      const auto byte = std::to_integer<unsigned>(raw[i * typesize + bit / 8]);
      const std::size_t to = bit * elements + i;
      shuffled[to / 8] |= static_cast<std::uint8_t>((byte >> bit % 8 & 1U) << to % 8);
    }
  }
  return Buffer::copy_of(std::as_bytes(std::span(shuffled)));
}

// What this machine can run; nullptr is byte by byte.
std::vector<std::pair<std::string, const BloscKernels*>> all_kernels(std::size_t typesize) {
  std::vector<std::pair<std::string, const BloscKernels*>> all{{"bytes", nullptr}};
  all.emplace_back("16", blosc_kernels_16(typesize));
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") != 0) all.emplace_back("32", blosc_kernels_avx2(typesize));
#endif
  all.emplace_back("fastest", blosc_kernels(typesize));
  return all;
}

std::vector<const std::byte*> planes_of(std::size_t typesize, const Buffer& shuffled) {
  std::vector<const std::byte*> planes;
  for (std::size_t k = 0; k < typesize; ++k) {
    planes.push_back(shuffled.data() + k * (shuffled.size() / typesize));
  }
  return planes;
}

TEST(BloscFilters, BytesAreShuffledAsDefined) {
  for (const std::size_t typesize : kTypesizes) {
    for (const std::size_t elements : kElements) {
      const Buffer raw = noise(typesize * (elements + 1));  // any number of elements will do
      const Buffer want = shuffled_by_definition(typesize, raw);
      for (const auto& [name, kernels] : all_kernels(typesize)) {
        Buffer shuffled(raw.size());
        blosc_shuffle(kernels, typesize, raw, shuffled.data());
        ASSERT_TRUE(text(shuffled) == text(want)) << name << ' ' << typesize << ' ' << elements;
        Buffer back(raw.size());
        blosc_unshuffle(kernels, planes_of(typesize, want), back.span());
        ASSERT_TRUE(text(back) == text(raw)) << name << ' ' << typesize << ' ' << elements;
      }
    }
  }
}

TEST(BloscFilters, BitsAreShuffledAsDefined) {
  for (const std::size_t typesize : kTypesizes) {
    for (const std::size_t elements : kElements) {
      const Buffer raw = noise(typesize * elements);
      const Buffer want = bitshuffled_by_definition(typesize, raw);
      for (const auto& [name, kernels] : all_kernels(typesize)) {
        Buffer shuffled(raw.size());
        blosc_bitshuffle(kernels, typesize, raw, shuffled.data());
        ASSERT_TRUE(text(shuffled) == text(want)) << name << ' ' << typesize << ' ' << elements;
        Buffer back(raw.size());
        blosc_unbitshuffle(kernels, planes_of(typesize, want), elements / 8, back.span());
        ASSERT_TRUE(text(back) == text(raw)) << name << ' ' << typesize << ' ' << elements;
      }
    }
  }
}

TEST(BloscFilters, ThereAreKernelsForTheSizesOfVoxels) {
  for (const std::size_t typesize : {1U, 2U, 4U, 8U}) EXPECT_NE(blosc_kernels(typesize), nullptr);
  EXPECT_EQ(blosc_kernels(3), nullptr);
}

}  // namespace
}  // namespace cnf::compress
