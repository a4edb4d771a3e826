// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/plan.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/query/batches_internal.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/filter.h"
#include "cnf/core/query/known_units_internal.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::query {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

Unit unit(std::vector<PlannedRange> ranges, std::uint64_t decoded = 0) {
  return {.ranges = std::move(ranges), .decoded_bytes = decoded};
}

struct EstimateCase {
  const char* name;
  std::vector<Unit> units;
  std::uint64_t requests;
  std::uint64_t bytes;
};

TEST(Estimate, CountsRequestsAfterCoalescing) {
  const CostModel model{.gap = 10, .max_request = 1000};
  const EstimateCase rows[] = {
      {"nothing", {}, 0, 0},
      {"a_unit_without_ranges", {unit({})}, 0, 0},
      {"an_empty_range", {unit({{"a", 5, 0}})}, 0, 0},
      {"one_range", {unit({{"a", 5, 100}})}, 1, 100},
      {"neighbours", {unit({{"a", 0, 100}}), unit({{"a", 100, 100}})}, 1, 200},
      {"a_gap_that_is_read", {unit({{"a", 0, 100}, {"a", 110, 100}})}, 1, 210},
      {"a_gap_that_is_not", {unit({{"a", 0, 100}, {"a", 111, 100}})}, 2, 200},
      {"two_objects", {unit({{"a", 0, 100}, {"b", 100, 100}})}, 2, 200},
      {"out_of_order", {unit({{"a", 100, 100}}), unit({{"a", 0, 100}})}, 1, 200},
      {"the_same_twice", {unit({{"a", 0, 100}}), unit({{"a", 0, 100}})}, 1, 100},
      {"merging_stops_at_the_longest", {unit({{"a", 0, 600}, {"a", 605, 600}})}, 2, 1200},
      {"a_long_one_is_split", {unit({{"a", 0, 2500}})}, 3, 2500},
  };
  for (const auto& row : rows) {
    const Cost cost = estimate({.units = row.units}, model);
    EXPECT_EQ(cost.requests, row.requests) << row.name;
    EXPECT_EQ(cost.bytes, row.bytes) << row.name;
  }
}

TEST(Estimate, OnlyWhatIsFetchedAtOnceCoalesces) {
  // 100 bytes fetched and 400 decoded each: a batch of a quarter of 8000 bytes holds four.
  std::vector<Unit> units;
  for (std::uint64_t i = 0; i < 12; ++i) units.push_back(unit({{"a", 100 * i, 100}}, 400));
  EXPECT_EQ(estimate({.units = units}, {.memory = 8000}).requests, 3U);
  EXPECT_EQ(estimate({.units = units}, {.memory = 0}).requests, 12U);
  EXPECT_EQ(estimate({.units = units}, {}).requests, 1U);
}

TEST(Estimate, TimeAndPriceFollowTheModel) {
  std::vector<Unit> units;
  for (int i = 0; i < 8; ++i) units.push_back(unit({{std::to_string(i), 0, 1000}}));
  const Cost cost = estimate({.units = units}, {.first_byte_seconds = 0.5,
                                                .bytes_per_second = 1000,
                                                .concurrency = 4,
                                                .usd_per_get = 2,
                                                .usd_per_byte = 0.25});
  EXPECT_DOUBLE_EQ(cost.seconds, 2 * 0.5 + 8000.0 / 4000);  // two rounds of four connections
  EXPECT_DOUBLE_EQ(cost.price_usd, 8 * 2 + 8000 * 0.25);
  EXPECT_DOUBLE_EQ(estimate({}, CostModel::object_store()).seconds, 0);
  EXPECT_DOUBLE_EQ(estimate({.units = units}, CostModel::local()).price_usd, 0);
}

TEST(Estimate, RangesWithoutAnEndAreRefused) {
  const std::vector<Unit> rows[] = {
      {unit({{"a", kMax, 1}})},
      {unit({{"a", 1, kMax}})},
      {unit({{"a", 0, kMax}, {"a", 0, 1}})},
      {unit({{"a", 0, 2}}, kMax - 1)},
  };
  for (const auto& units : rows) {
    try {
      std::ignore = estimate({.units = units}, {});
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("plan a@"));
    }
  }
}

TEST(Estimate, IsWhatARunCosts) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 60; ++round) {
    const test::KnownUnits data = test::random_units(random);
    const auto store = std::make_shared<test::WatchedStorage>(
        data.store, nullptr,
        storage::ReadProfile{.gap = random() % 200,
                             .max_request = 1 + random() % 2000,
                             .small_gap = random() % 200});
    const std::uint64_t memory = random() % 2 == 0 ? kDefaultMemory : random() % 50'000;
    CostModel model = CostModel::of(*store);
    model.memory = memory;
    const Cost cost = estimate(data.plan(), model);
    const Context context;
    const Executor executor(store, {.threads = 2, .memory = memory});
    Results results = executor.run(data.plan(), test::decode, context);
    EXPECT_EQ(test::drain(results), data.all_rows());
    const Usage usage = context.accounting().snapshot();
    EXPECT_EQ(usage.count(RequestKind::get), cost.requests);
    EXPECT_EQ(usage.bytes_fetched, cost.bytes);
  }
}

TEST(Estimate, IsAnUpperBoundUnderALimit) {
  const test::KnownUnits data = test::one_object_each(100, 10);
  Plan plan = data.plan();
  plan.limit = 15;
  const Cost cost = estimate(plan, CostModel::of(*data.store));
  EXPECT_EQ(cost.requests, 100U);
  const Context context;
  {
    Results results = Executor(data.store).run(plan, test::decode, context);
    EXPECT_EQ(test::drain(results).size(), 15U);
  }
  EXPECT_LE(context.accounting().snapshot().count(RequestKind::get), cost.requests);
}

TEST(CostModel, FollowsTheStore) {
  const auto store = std::make_shared<test::WatchedStorage>(
      storage::make_memory(), nullptr, storage::ReadProfile{.gap = 7, .max_request = 77});
  const CostModel model = CostModel::of(*store);
  EXPECT_EQ(model.gap, 7U);
  EXPECT_EQ(model.max_request, 77U);
  EXPECT_EQ(model.usd_per_get, 0);
}

std::vector<std::size_t> sizes(const Plan& plan, std::uint64_t memory) {
  std::vector<std::size_t> out;
  Batches batches(plan, memory);
  while (const std::optional<Batch> batch = batches.next())
    out.push_back(batch->end - batch->begin);
  return out;
}

TEST(Batches, HoldAQuarterOfTheMemoryButOneUnitAtLeast) {
  Plan plan;
  for (const std::uint64_t bytes : {10U, 10U, 5U, 100U, 1U, 24U, 1U}) {
    plan.units.push_back(unit({{"a", 0, bytes}}));
  }
  EXPECT_EQ(sizes(plan, 100), (std::vector<std::size_t>{3, 1, 2, 1}));
  EXPECT_EQ(sizes(plan, 0), std::vector<std::size_t>(7, 1));
  EXPECT_EQ(sizes(plan, kMax), (std::vector<std::size_t>{7}));
  EXPECT_EQ(sizes({}, 100), std::vector<std::size_t>());
}

TEST(Batches, GrowFromOneUnitUnderALimit) {
  Plan plan{.units = std::vector<Unit>(20), .limit = 1};
  EXPECT_EQ(sizes(plan, kMax), (std::vector<std::size_t>{1, 2, 4, 8, 5}));
  plan.limit = 0;
  EXPECT_EQ(sizes(plan, kMax), std::vector<std::size_t>());
}

TEST(Describe, SaysWhatWillBeReadAndWhatItCosts) {
  Plan plan{.units = {unit({{"a", 0, 1024}, {"b", 0, 1024}}), unit({{"a", 2048, 1024}})}};
  EXPECT_EQ(describe(plan, {.requests = 2, .bytes = 4096, .seconds = 0.03, .price_usd = 8e-7}),
            "units    2 units\n"
            "ranges   3 ranges of 2 objects, 3.0 KiB\n"
            "columns  all\n"
            "fetches  2 requests, 4.0 KiB\n"
            "time     about 0.03 s\n"
            "price    8e-07 USD\n");
  plan.filter.add(at_least("mapq", 20));
  plan.columns = {"pos", "mapq"};
  plan.limit = 1;
  plan.units.resize(1);
  EXPECT_EQ(describe(plan, {.requests = 1, .bytes = 1, .seconds = 0, .price_usd = 0}),
            "units    1 unit\n"
            "ranges   2 ranges of 2 objects, 2.0 KiB\n"
            "columns  pos, mapq\n"
            "filter   mapq >= 20\n"
            "limit    1 row: the cost is an upper bound\n"
            "fetches  1 request, 1 B\n"
            "time     about 0 s\n"
            "price    0 USD\n");
}

}  // namespace
}  // namespace cnf::query
