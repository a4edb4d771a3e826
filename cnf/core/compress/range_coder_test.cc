// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/compress/range_coder.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cnf/core/util/buffer.h"

namespace cnf::compress {
namespace {

constexpr unsigned kLimit = 500;

struct Step {
  std::uint8_t context = 0;  // 0: an even bit
  bool bit = false;
};

Buffer encode(const std::vector<Step>& steps) {
  Buffer bytes = Buffer::copy_of(as_bytes("before"));  // a carry must not reach it
  RangeEncoder encoder(bytes);
  std::vector<AdaptiveBit> contexts(256);
  for (const Step& step : steps) {
    const bool same = step.context == 0 ? encoder.code_even(step.bit)
                                        : encoder.code(contexts[step.context], step.bit, kLimit);
    EXPECT_EQ(same, step.bit);
  }
  encoder.finish();
  EXPECT_EQ(as_text(bytes.span().first(6)), "before");
  return Buffer::copy_of(bytes.span().subspan(6));
}

void expect_same(const std::vector<Step>& steps, ByteSpan bytes) {
  RangeDecoder decoder(bytes);
  std::vector<AdaptiveBit> contexts(256);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const bool bit = steps[i].context == 0
                         ? decoder.code_even(false)
                         : decoder.code(contexts[steps[i].context], false, kLimit);
    ASSERT_EQ(bit, steps[i].bit) << "step " << i;
  }
  EXPECT_TRUE(decoder.at_end());
  EXPECT_FALSE(decoder.overrun());
}

RC_GTEST_PROP(RangeCoder, GivesTheBitsBack,
              (const std::vector<std::pair<std::uint8_t, bool>>& in)) {
  std::vector<Step> steps;
  steps.reserve(in.size());
  for (const auto& [context, bit] : in) steps.push_back({context, bit});
  expect_same(steps, encode(steps));
}

// Long runs of one bit bring the range to its edges, where carries ripple.
TEST(RangeCoder, GivesLongSkewedSequencesBack) {
  for (const std::uint32_t seed : {1U, 2U, 3U, 4U}) {
    std::mt19937 random(seed);
    std::vector<Step> steps(200'000);
    for (Step& step : steps) {
      step.context = static_cast<std::uint8_t>(random() % 5);
      step.bit = random() % (std::size_t{seed} * 400) < 2;
      if (seed == 3) step.bit = !step.bit;
    }
    SCOPED_TRACE(seed);
    expect_same(steps, encode(steps));
  }
}

TEST(RangeCoder, TakesAboutTheEntropy) {
  std::mt19937 random(7);
  constexpr std::size_t kBits = 100'000;
  for (const double share : {0.5, 0.1, 0.01}) {
    std::bernoulli_distribution one(share);
    std::vector<Step> steps(kBits);
    for (Step& step : steps) step = {1, one(random)};
    const double entropy = -share * std::log2(share) - (1 - share) * std::log2(1 - share);
    EXPECT_LT(static_cast<double>(encode(steps).size()) * 8 / kBits, entropy * 1.03) << share;
  }
}

TEST(RangeCoder, GivesBitsOfToldProbabilitiesBack) {
  std::mt19937 random(11);
  std::vector<std::pair<std::uint32_t, bool>> steps(50'000);
  for (auto& [probability, bit] : steps) {
    constexpr std::uint32_t kOne = 1U << 16U;
    const auto any = static_cast<std::uint32_t>(1 + random() % (kOne - 1));
    probability = random() % 3 == 0 ? kOne - 1 : random() % 2 == 0 ? 1 : any;
    bit = random() % kOne < probability || random() % 1000 == 0;
  }
  Buffer bytes;
  RangeEncoder encoder(bytes);
  for (const auto& [probability, bit] : steps) EXPECT_EQ(encoder.code_with(probability, bit), bit);
  encoder.finish();
  RangeDecoder decoder(bytes);
  for (const auto& [probability, bit] : steps) {
    ASSERT_EQ(decoder.code_with(probability, false), bit);
  }
  EXPECT_TRUE(decoder.at_end());
  EXPECT_FALSE(decoder.overrun());
}

TEST(RangeCoder, NothingTakesNoBytes) {
  EXPECT_EQ(encode({}).size(), 0);
  EXPECT_LE(encode(std::vector<Step>(20'000, {1, false})).size(), 3);
}

TEST(RangeCoder, SaysThatBytesAreMissing) {
  std::mt19937 random(9);
  std::vector<Step> steps(1'000);
  for (Step& step : steps) step = {0, random() % 2 == 1};
  const Buffer bytes = encode(steps);
  RangeDecoder decoder(bytes.span().first(bytes.size() / 2));
  for (std::size_t i = 0; i < steps.size(); ++i) (void)decoder.code_even(false);
  EXPECT_TRUE(decoder.overrun());
  RangeDecoder half_read(bytes);
  EXPECT_FALSE(half_read.at_end());
}

}  // namespace
}  // namespace cnf::compress
