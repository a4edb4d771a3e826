// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstddef>

#include <gtest/gtest.h>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_hedging_internal.h"

namespace cnf::storage {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const HedgePolicy::TimePoint kNow{std::chrono::hours(1)};

HedgePolicy after_requests(int count) {
  HedgePolicy policy({});
  for (int i = 0; i < count; ++i) policy.sent();
  return policy;
}

TEST(HedgePolicy, OneRequestInTwentyEarnsOne) {
  EXPECT_FALSE(after_requests(19).take(kNow, 1, 16));
  HedgePolicy policy = after_requests(20);
  EXPECT_TRUE(policy.take(kNow, 1, 16));
  EXPECT_FALSE(policy.take(kNow, 1, 16));
}

TEST(HedgePolicy, ALongCalmSavesNoMoreThanFour) {
  HedgePolicy policy = after_requests(10'000);
  int taken = 0;
  while (policy.take(kNow, 1, 16)) ++taken;
  EXPECT_EQ(taken, 4);
}

TEST(HedgePolicy, AStormIsNotFed) {
  HedgePolicy policy = after_requests(100);
  EXPECT_FALSE(policy.take(kNow, 5, 16)) << "over a quarter is late";
  EXPECT_FALSE(policy.take(kNow, 3, 4));
  policy.failed(kNow);
  EXPECT_FALSE(policy.take(kNow + seconds(4), 1, 16)) << "the store has just failed";
  EXPECT_TRUE(policy.take(kNow + seconds(5), 4, 16));
  EXPECT_TRUE(policy.take(kNow + seconds(5), 1, 1)) << "the only one there is";
}

TEST(HedgePolicy, WaitsForTheNinetyFifthPercentileAndNeverLessThanTheFloor) {
  HedgePolicy policy({});
  EXPECT_EQ(policy.delay(), milliseconds(200));
  for (int i = 1; i <= 31; ++i) policy.first_byte_after(seconds(1));
  EXPECT_EQ(policy.delay(), milliseconds(200)) << "too few to tell";
  EXPECT_FALSE(policy.median());
  policy.first_byte_after(seconds(1));
  EXPECT_EQ(policy.delay(), seconds(1));
  EXPECT_EQ(policy.median(), seconds(1));
  for (int i = 1; i <= 128; ++i) policy.first_byte_after(milliseconds(10 * i));
  EXPECT_EQ(policy.delay(), milliseconds(1210));  // rank 120 of 0 to 127
  EXPECT_EQ(policy.median(), milliseconds(640));
  for (int i = 1; i <= 128; ++i) policy.first_byte_after(milliseconds(30));
  EXPECT_EQ(policy.delay(), milliseconds(200));
}

}  // namespace
}  // namespace cnf::storage
