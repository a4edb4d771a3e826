// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "cnf/core/compress/range_coder.h"
#include "cnf/formats/vcfs3/format_mixer_internal.h"

namespace cnf::vcfs3 {
namespace {

// Logarithmic odds, in steps of 1/256, and probabilities of 12 bits.
constexpr int kMaxOdds = 2047;
constexpr int kOne = 4096;

/// The logistic function, between 33 of its values.
constexpr int squash(int odds) noexcept {
  constexpr std::array<int, 33> kValues = {1,    2,    3,    6,    10,   16,   27,   45,   73,
                                           120,  194,  310,  488,  747,  1101, 1546, 2047, 2549,
                                           2994, 3348, 3607, 3785, 3901, 3975, 4022, 4050, 4068,
                                           4079, 4085, 4089, 4092, 4093, 4094};
  const auto at = static_cast<std::size_t>((odds + 2048) >> 7);
  const int part = (odds + 2048) & 127;
  return (kValues[at] * (128 - part) + kValues[at + 1] * part + 64) >> 7;
}

/// Its inverse.
constexpr std::array<std::int16_t, kOne> kOdds = [] {
  std::array<std::int16_t, kOne> result{};
  std::size_t next = 0;
  for (int odds = -kMaxOdds; odds <= kMaxOdds; ++odds) {
    const auto value = static_cast<std::size_t>(squash(odds));
    for (; next <= value; ++next) result[next] = static_cast<std::int16_t>(odds);
  }
  for (; next < result.size(); ++next) result[next] = kMaxOdds;
  return result;
}();

constexpr unsigned kGroup = 4;                     // decisions of a tree
constexpr std::uint32_t kLongest = 15;             // lengths from here on take a second tree
constexpr unsigned kLimit = 250;                   // of AdaptiveBit::learn
constexpr unsigned kMinTrees = 8, kMaxTrees = 18;  // powers of 2; 64 bytes each
constexpr int kWeight = 1 << 16;
constexpr int kRate = 40;  // how much of an error weights learn

}  // namespace

template <typename Coder>
SymbolMixer<Coder>::SymbolMixer(Coder& coder, std::size_t symbols)
    : coder_(coder),
      shift_(32 -
             std::clamp(static_cast<unsigned>(std::bit_width(symbols)) + 2, kMinTrees, kMaxTrees)),
      trees_(std::size_t{1} << (32 - shift_)),
      weights_(kStages * kTreeNodes) {
  for (auto& set : weights_) set.fill(kWeight / 4);
}

template <typename Coder>
bool SymbolMixer<Coder>::code_bit(std::size_t set, std::size_t node, bool bit) {
  std::array<int, kInputs> odds{};
  std::array<std::int32_t, kInputs>& weights = weights_[set];
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < kInputs; ++k) {
    odds[k] = kOdds[at_[k]->nodes[node].probability() >> 4U];
    sum += std::int64_t{odds[k]} * weights[k];
  }
  const int mixed =
      squash(static_cast<int>(std::clamp<std::int64_t>(sum >> 16, -kMaxOdds, kMaxOdds)));
  bit = coder_.code_with(static_cast<std::uint32_t>(mixed) * 16 + 8, bit);
  const int error = ((bit ? kOne - 1 : 0) - mixed) * kRate;
  for (std::size_t k = 0; k < kInputs; ++k) {
    weights[k] += (odds[k] * error + 0x8000) >> 16;
    at_[k]->nodes[node].learn(bit, kLimit);
  }
  return bit;
}

template <typename Coder>
std::uint32_t SymbolMixer<Coder>::code_tree(const Contexts& contexts, std::uint32_t stage,
                                            std::uint32_t path, unsigned bits,
                                            std::uint32_t value) {
  for (std::size_t k = 0; k < kInputs; ++k) {
    const std::uint32_t hash = (contexts[k] + path * 0x9e3779b1U) * 0x85ebca6bU;
    at_[k] = &trees_[(hash ^ hash >> 15U) * 0xc2b2ae35U >> shift_];
  }
  std::uint32_t node = 1;
  for (unsigned b = bits; b-- > 0;) {
    const bool bit = (value >> b & 1U) != 0;
    node = node * 2 + (code_bit(stage * kTreeNodes + node, node, bit) ? 1 : 0);
  }
  return node - (1U << bits);
}

template <typename Coder>
std::uint32_t SymbolMixer<Coder>::code(const Contexts& contexts, std::uint32_t symbol) {
  const auto actual = static_cast<std::uint32_t>(std::bit_width(symbol));
  std::uint32_t length = code_tree(contexts, 0, 0, kGroup, std::min(actual, kLongest));
  if (length == kLongest) {
    length += code_tree(contexts, 1, 1, kGroup, std::min(actual - kLongest, kLongest));
    if (length == 2 * kLongest) length += code_tree(contexts, 2, 2, 2, actual - 2 * kLongest);
  }
  if (length < 2) return length;
  if (length > 32) return ~std::uint32_t{0};  // more than any symbol that is checked later
  std::uint32_t value = 1;
  for (std::uint32_t left = length - 1; left > 0;) {
    const unsigned bits = std::min(left, kGroup);
    left -= bits;
    const std::uint32_t stage = 3 + (value == 1 ? 0 : 8) + std::min(length - 2, 7U);
    value = value << bits | code_tree(contexts, stage, value * 64 + length, bits,
                                      symbol >> left & ((1U << bits) - 1));
  }
  return value;
}

template class SymbolMixer<compress::RangeEncoder>;
template class SymbolMixer<compress::RangeDecoder>;

}  // namespace cnf::vcfs3
