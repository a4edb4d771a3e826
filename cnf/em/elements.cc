// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cnf/core/util/data_type.h"
#include "cnf/em/elements_internal.h"

namespace cnf::em {
namespace {

template <std::size_t kSize>
struct Word;
template <>
struct Word<1> {
  using Type = std::uint8_t;
  static Type swapped(Type word) noexcept { return word; }
};
template <>
struct Word<2> {
  using Type = std::uint16_t;
  static Type swapped(Type word) noexcept { return __builtin_bswap16(word); }
};
template <>
struct Word<4> {
  using Type = std::uint32_t;
  static Type swapped(Type word) noexcept { return __builtin_bswap32(word); }
};
template <>
struct Word<8> {
  using Type = std::uint64_t;
  static Type swapped(Type word) noexcept { return __builtin_bswap64(word); }
};

// Elements are of kWords words each.
template <std::size_t kWord, std::size_t kWords, bool kSwap>
void copy_words(const Strided& run) noexcept {
  using Type = typename Word<kWord>::Type;
  for (std::size_t i = 0; i < run.count; ++i) {
    for (std::size_t w = 0; w < kWords; ++w) {
      Type word = 0;
      std::memcpy(&word, run.from + i * run.from_step + w * kWord, kWord);
      if (kSwap) word = Word<kWord>::swapped(word);
      std::memcpy(run.to + i * run.to_step + w * kWord, &word, kWord);
    }
  }
}

template <std::size_t kWord, std::size_t kWords>
void copy(const Strided& run, bool swap) noexcept {
  constexpr std::size_t kSize = kWord * kWords;
  const bool dense = run.from_step == kSize && run.to_step == kSize;
  if (dense && !swap) {
    std::memcpy(run.to, run.from, run.count * kSize);
  } else if (dense) {
    // Steps that the compiler knows: it can turn words in vectors.
    copy_words<kWord, kWords, true>({run.from, kSize, run.to, kSize, run.count});
  } else if (swap) {
    copy_words<kWord, kWords, true>(run);
  } else {
    copy_words<kWord, kWords, false>(run);
  }
}

}  // namespace

void copy_elements(DataType type, const Strided& run, bool swap) noexcept {
  if (is_complex(type)) {
    return word_of(type) == 4 ? copy<4, 2>(run, swap) : copy<8, 2>(run, swap);
  }
  switch (size_of(type)) {
    case 1:
      return copy<1, 1>(run, false);
    case 2:
      return copy<2, 1>(run, swap);
    case 4:
      return copy<4, 1>(run, swap);
    default:
      return copy<8, 1>(run, swap);
  }
}

}  // namespace cnf::em
