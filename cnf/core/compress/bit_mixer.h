// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "cnf/core/compress/range_coder.h"

namespace cnf::compress {

/// The logistic function and its inverse in integers, so that every machine mixes the same.
/// A probability is of 2^16, its log-odds (natural) of 2^8.
class Logistic {
 public:
  static constexpr std::int32_t kLimit = 2047;  ///< Log-odds lie in [-kLimit, kLimit].

  /// Never nearer to 0 or 1 than an AdaptiveBit is.
  [[nodiscard]] static constexpr std::uint32_t probability(std::int64_t log_odds) noexcept {
    return kProbabilities[static_cast<std::size_t>(
        std::clamp<std::int64_t>(log_odds + kLimit + 1, 1, std::int64_t{2} * kLimit + 1))];
  }
  [[nodiscard]] static constexpr std::int32_t log_odds(std::uint32_t probability) noexcept {
    return kLogOdds[probability >> 4U];
  }

 private:
  static constexpr std::size_t kEntries = 4096;

  // 2^16 / (1 + exp(-x / 2)) for x = -16 to 16; between them straight lines.
  static constexpr std::array<std::uint32_t, 33> kKnots = {
      22,    36,    60,    98,    162,   267,   439,   720,   1179,  1921,  3108,
      4971,  7812,  11955, 17625, 24743, 32768, 40793, 47911, 53581, 57724, 60565,
      62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514};

  static constexpr auto kProbabilities = [] {
    std::array<std::uint16_t, kEntries> values{};
    for (std::size_t i = 0; i < kEntries; ++i) {
      const std::size_t knot = i / 128;
      const std::size_t share = i % 128;
      values[i] = static_cast<std::uint16_t>(
          (kKnots[knot] * (128 - share) + kKnots[knot + 1] * share) / 128);
    }
    return values;
  }();

  // The least log-odds whose probability is in the entry or behind it.
  static constexpr auto kLogOdds = [] {
    std::array<std::int16_t, kEntries> values{};
    std::size_t odds = 1;
    for (std::size_t i = 0; i < kEntries; ++i) {
      while (odds + 1 < kEntries && kProbabilities[odds] >> 4U < i) ++odds;
      values[i] = static_cast<std::int16_t>(static_cast<std::int32_t>(odds) - (kLimit + 1));
    }
    return values;
  }();
};

/// One estimate out of `N`, each of another context of the same bit: a sum of their log-odds, whose
/// weights learn which of them to trust (logistic mixing, Mahoney 2005, "Adaptive weighing of
/// context models for lossless data compression").
template <std::size_t N>
class BitMixer {
 public:
  using Contexts = std::array<AdaptiveBit*, N>;

  struct Estimate {
    std::uint32_t probability = 0;  ///< Of 2^16.
    std::array<std::int32_t, N> log_odds = {};
  };

  [[nodiscard]] Estimate estimate(const Contexts& contexts) const noexcept {
    Estimate made;
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < N; ++i) {
      made.log_odds[i] = Logistic::log_odds(contexts[i]->probability());
      sum += std::int64_t{weights_[i]} * made.log_odds[i];
    }
    made.probability = Logistic::probability(sum >> 16);
    return made;
  }

  /// Teaches the weights and the contexts what the bit was.
  void learn(const Estimate& made, const Contexts& contexts, bool bit, unsigned limit) noexcept {
    const std::int32_t error = (bit ? 65'535 : 0) - static_cast<std::int32_t>(made.probability);
    for (std::size_t i = 0; i < N; ++i) {
      weights_[i] += static_cast<std::int32_t>(std::int64_t{error} * made.log_odds[i] >> kSlowness);
      contexts[i]->learn(bit, limit);
    }
  }

 private:
  static constexpr int kSlowness = 14;  // tried on genotypes: 13 and 15 are no better

  static constexpr auto kEqual = [] {
    std::array<std::int32_t, N> weights{};
    weights.fill(static_cast<std::int32_t>(65'536 * 6 / 5 / N));  // estimates hold back a little
    return weights;
  }();
  std::array<std::int32_t, N> weights_ = kEqual;  // of 2^16
};

/// Codes `bit` with a RangeEncoder or a RangeDecoder, as their code() does, by several contexts.
template <std::size_t N, typename Coder>
bool code_mixed(Coder& coder, BitMixer<N>& mixer, const typename BitMixer<N>::Contexts& contexts,
                bool bit, unsigned limit) {
  const auto estimate = mixer.estimate(contexts);
  const bool coded = coder.code_with(estimate.probability, bit);
  mixer.learn(estimate, contexts, coded, limit);
  return coded;
}

}  // namespace cnf::compress
