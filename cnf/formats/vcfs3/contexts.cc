// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/contexts.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <vector>

#include "cnf/formats/vcfs3/integer_model.h"

namespace cnf::vcfs3 {
namespace {

// Of a double's 64 bits those that tell its size: sign, exponent, two bits of the mantissa.
constexpr unsigned kSizeShift = 50;
constexpr std::size_t kTexts = 16;  // contexts for texts that are no numbers
constexpr std::size_t kNumbers = kMaxContexts - 1 - kTexts;

/// Whether a text begins with a number, and of which size that is, as an ordered integer.
bool size_of(std::string_view text, std::int64_t& size) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return false;
  if (std::isnan(value)) return false;
  const auto magnitude =
      static_cast<std::int64_t>(std::bit_cast<std::uint64_t>(std::fabs(value)) >> kSizeShift);
  size = std::signbit(value) ? -magnitude : magnitude;
  return true;
}

}  // namespace

std::vector<std::uint8_t> contexts_of(std::span<const std::string_view> texts) {
  std::vector<std::uint8_t> contexts(texts.size());
  std::vector<std::int64_t> sizes(texts.size());
  std::map<std::int64_t, std::size_t> ranks;
  std::unordered_map<std::string_view, std::size_t> others;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (size_of(texts[i], sizes[i])) {
      ranks.emplace(sizes[i], 0);
      continue;
    }
    const std::size_t number = others.try_emplace(texts[i], others.size()).first->second;
    contexts[i] = static_cast<std::uint8_t>(1 + std::min(number, kTexts - 1));
  }
  std::size_t rank = 0;
  for (auto& [size, place] : ranks) place = rank++;
  const std::size_t sharing = (ranks.size() + kNumbers - 1) / kNumbers;  // sizes per context
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (contexts[i] == 0) {
      contexts[i] = static_cast<std::uint8_t>(1 + kTexts + ranks.find(sizes[i])->second / sharing);
    }
  }
  return contexts;
}

double bits_given(std::span<const std::uint8_t> values, std::span<const std::uint8_t> contexts) {
  std::vector<std::uint32_t> counts(kMaxContexts * kMaxContexts);
  std::array<std::uint32_t, kMaxContexts> totals{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    ++counts[contexts[i] * kMaxContexts + values[i]];
    ++totals[contexts[i]];
  }
  double bits = 0;
  for (std::size_t context = 0; context < kMaxContexts; ++context) {
    if (totals[context] == 0) continue;
    const double all = std::log2(totals[context]);
    for (std::size_t value = 0; value < kMaxContexts; ++value) {
      const std::uint32_t count = counts[context * kMaxContexts + value];
      // What is to be learned of each probability costs about half the bits of its total.
      if (count > 0)
        bits += count * (all - std::log2(count)) + 0.5 * std::log2(totals[context] + 1.);
    }
  }
  return bits;
}

}  // namespace cnf::vcfs3
