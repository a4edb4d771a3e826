// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>
#include <optional>

#include <gtest/gtest.h>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/storage/read_profile_internal.h"

namespace cnf::storage {
namespace {

using Objective = Options::Objective;
using Network = Options::Network;
using std::chrono::milliseconds;

std::uint64_t gap(Objective objective, Network network = Network::region,
                  std::optional<milliseconds> first_byte = {}) {
  return remote_read_profile(objective, price_table(Provider::s3, network), first_byte).gap;
}

TEST(ReadProfile, WithoutAnObjectiveItIs64KiB) {
  for (const Network network : {Network::region, Network::continent, Network::internet}) {
    EXPECT_EQ(gap(Objective::automatic, network, milliseconds(100)), 65'536U);
  }
}

TEST(ReadProfile, ForLatencyItIsWhatComesInTheTimeToAFirstByte) {
  EXPECT_EQ(gap(Objective::latency), 1'572'864U) << "30 ms at 50 MiB/s";
  EXPECT_EQ(gap(Objective::latency, Network::internet, milliseconds(100)), 5'242'880U);
  EXPECT_EQ(gap(Objective::latency, Network::region, milliseconds(0)), 65'536U);
  EXPECT_EQ(gap(Objective::latency, Network::region, milliseconds(60'000)), 8U << 20U);
}

// 0.4e-6 USD a GET; 0.09 and 0.02 USD for 2^30 bytes.
TEST(ReadProfile, ForCostItIsWhatARequestBuys) {
  EXPECT_EQ(gap(Objective::cost, Network::internet), 4'772U);
  EXPECT_EQ(gap(Objective::cost, Network::continent), 21'474U);
  EXPECT_EQ(gap(Objective::cost, Network::region), 1U << 20U);
}

}  // namespace
}  // namespace cnf::storage
