// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/compress/bit_mixer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/compress/range_coder.h"
#include "cnf/core/util/buffer.h"

namespace cnf::compress {
namespace {

constexpr unsigned kLimit = 255;

TEST(Logistic, IsTheLogisticFunction) {
  for (std::int32_t odds = -Logistic::kLimit; odds <= Logistic::kLimit; ++odds) {
    const double exact = 65536 / (1 + std::exp(-odds / 256.0));
    EXPECT_NEAR(Logistic::probability(odds), exact, 0.04 * std::min(exact, 65536 - exact) + 1);
  }
  EXPECT_EQ(Logistic::probability(1'000'000'000), Logistic::probability(Logistic::kLimit));
  EXPECT_EQ(Logistic::probability(-1'000'000'000), Logistic::probability(-Logistic::kLimit - 1));
  EXPECT_GT(Logistic::probability(-Logistic::kLimit), 0);
  EXPECT_LT(Logistic::probability(Logistic::kLimit), 65'536);
}

TEST(Logistic, HasItsInverse) {
  for (std::uint32_t probability = 0; probability < 65'536; probability += 16) {
    const std::int32_t odds = Logistic::log_odds(probability);
    EXPECT_NEAR(Logistic::probability(odds), probability, 1'000) << probability;
    if (probability >= 16) {
      EXPECT_GE(odds, Logistic::log_odds(probability - 16));
    }
  }
}

struct Sample {
  std::size_t first = 0, second = 0;  // contexts
  bool bit = false;
};

/// One context tells the bit nine times of ten, the other says nothing.
std::vector<Sample> samples(std::uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Sample> made(20'000);
  for (Sample& sample : made) {
    sample.first = random() % 2;
    sample.second = random() % 64;
    sample.bit = random() % 10 == 0 ? sample.first == 0 : sample.first == 1;
  }
  return made;
}

template <typename Coder>
std::vector<bool> code(Coder& coder, const std::vector<Sample>& in) {
  std::array<AdaptiveBit, 2> first;
  std::array<AdaptiveBit, 64> second;
  BitMixer<2> mixer;
  std::vector<bool> bits;
  bits.reserve(in.size());
  for (const Sample& sample : in) {
    const bool shown = Coder::kWrites && sample.bit;
    bits.push_back(
        code_mixed(coder, mixer, {&first[sample.first], &second[sample.second]}, shown, kLimit));
  }
  return bits;
}

TEST(BitMixer, LearnsWhichContextToTrust) {
  const std::vector<Sample> in = samples(3);
  Buffer bytes;
  RangeEncoder encoder(bytes);
  const std::vector<bool> written = code(encoder, in);
  encoder.finish();
  const double entropy = -0.9 * std::log2(0.9) - 0.1 * std::log2(0.1);
  const double bits = static_cast<double>(bytes.size()) * 8 / static_cast<double>(in.size());
  EXPECT_LT(bits, entropy * 1.04);

  RangeDecoder decoder(bytes);
  EXPECT_EQ(code(decoder, in), written);
  for (std::size_t i = 0; i < in.size(); ++i) ASSERT_EQ(written[i], in[i].bit) << i;
  EXPECT_TRUE(decoder.at_end());
  EXPECT_FALSE(decoder.overrun());
}

}  // namespace
}  // namespace cnf::compress
