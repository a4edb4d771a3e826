// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/executor.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/query/filter.h"
#include "cnf/core/query/known_units_internal.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/query/table.h"
#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::query {
namespace {

using test::Counter;
using test::gets;
using test::KnownUnits;
using test::Rows;
using test::WatchedStorage;
using ::testing::HasSubstr;

constexpr std::size_t kThreads[] = {1, 2, 8};

TEST(Executor, GivesTheSameRowsWhateverTheThreadsAndTheMemory) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20; ++round) {
    const KnownUnits data = test::random_units(random);
    for (const std::size_t threads : kThreads) {
      for (const std::uint64_t memory : {std::uint64_t{0}, std::uint64_t{5000}, kDefaultMemory}) {
        const Executor executor(data.store, {.threads = threads, .memory = memory});
        Results results = executor.run(data.plan(), test::decode);
        EXPECT_EQ(test::drain(results), data.all_rows()) << threads << " threads, " << memory;
        EXPECT_EQ(results.next(), std::nullopt);  // and so it stays
      }
    }
  }
}

TEST(Executor, FiltersProjectsAndLimitsAsARowByRowScanDoes) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 60; ++round) {
    const KnownUnits data = test::random_units(random);
    const auto least = static_cast<std::int64_t>(random() % 100);
    Plan plan = data.plan();
    plan.filter.add(at_least("x", least));
    plan.columns = {"x"};
    Rows want;
    for (const std::uint32_t x : data.all_rows()) {
      if (std::cmp_greater_equal(x, least)) want.push_back(x);
    }
    if (random() % 2 == 0) {
      plan.limit = random() % 200;
      want.resize(std::min<std::size_t>(want.size(), *plan.limit));
    }
    const Executor executor(data.store, {.threads = 2, .memory = random() % 20'000});
    Results results = executor.run(plan, test::decode);
    Rows got;
    while (const std::optional<Table> table = results.next()) {
      EXPECT_GT(table->rows(), 0U);
      EXPECT_EQ(table->columns().size(), 1U);
      const auto values = table->column("x").as<std::uint32_t>();
      got.insert(got.end(), values.begin(), values.end());
    }
    EXPECT_EQ(got, want);
  }
}

TEST(Executor, AnEmptyPlanAndALimitOfZeroAskNothing) {
  const KnownUnits data = test::one_object_each(3, 10);
  Plan none = data.plan();
  none.limit = 0;
  for (const Plan& plan : {Plan{}, none}) {
    const Context context;
    Results results = Executor(data.store).run(plan, test::decode, context);
    EXPECT_FALSE(results.next());
    EXPECT_EQ(gets(context), 0U);
  }
}

TEST(Executor, UnitsWithoutRangesAreDecodedFromNothing) {
  Plan plan;
  for (std::uint64_t i = 0; i < 5; ++i) plan.units.push_back({.id = i});
  plan.units.push_back({.ranges = {{"data/absent", 0, 0}}, .id = 5});  // empty: it is not read
  const Context context;
  Results results = Executor(storage::make_memory())
                        .run(
                            plan,
                            [](const Unit& unit, std::span<const ByteSpan> ranges) {
                              EXPECT_EQ(ranges.size(), unit.ranges.size());
                              return Table(unit.id);  // a count
                            },
                            context);
  for (const std::size_t want : {1U, 2U, 3U, 4U, 5U}) {  // not the one without rows
    const std::optional<Table> table = results.next();
    ASSERT_TRUE(table);
    EXPECT_EQ(table->rows(), want);
  }
  EXPECT_FALSE(results.next());
  EXPECT_EQ(gets(context), 0U);
}

TEST(Executor, ALimitCutsACountToo) {
  Results results =
      Executor(storage::make_memory())
          .run({.units = std::vector<Unit>(3), .limit = std::uint64_t{7'000'000'000}},
               [](const Unit&, std::span<const ByteSpan>) { return Table(5'000'000'000); });
  EXPECT_EQ(results.next().value().rows(), 5'000'000'000U);
  EXPECT_EQ(results.next().value().rows(), 2'000'000'000U);
  EXPECT_FALSE(results.next());
}

TEST(Executor, FetchesOnWhileEarlierUnitsDecode) {
  const KnownUnits data = test::one_object_each(8, 10);
  Counter batches;
  const auto store = std::make_shared<WatchedStorage>(
      data.store, [&](std::span<const storage::Transfer>, const Context&) { batches.add(); });
  // 160 bytes a unit, so two units a batch.
  Results results = Executor(store, {.threads = 1, .memory = 1280})
                        .run(data.plan(), [&](const Unit& unit, std::span<const ByteSpan> ranges) {
                          if (unit.id == 0) batches.wait_for(3);
                          return test::decode(unit, ranges);
                        });
  EXPECT_EQ(test::drain(results), data.all_rows());
}

TEST(Executor, TwoBatchesAreFetchedAtOnce) {
  const KnownUnits data = test::one_object_each(8, 10);
  Counter inside;
  const auto store = std::make_shared<WatchedStorage>(
      data.store, [&](std::span<const storage::Transfer>, const Context&) {
        inside.add();
        inside.wait_for(2);  // hangs unless another call comes in meanwhile
      });
  Results results = Executor(store, {.memory = 1280}).run(data.plan(), test::decode);
  EXPECT_EQ(test::drain(results), data.all_rows());
}

struct MemoryCase {
  std::uint64_t memory;
  std::int64_t bound;
};

TEST(Executor, WhatIsFetchedOrDecodedAndNotTakenIsBounded) {
  constexpr std::int64_t kUnit = 4000 + 12'000;  // fetched and decoded
  const KnownUnits data = test::one_object_each(64, 1000);
  // Rows are counted as taken a moment after the executor knows, hence one table more.
  const MemoryCase rows[] = {{20 * kUnit, 20 * kUnit + 12'000}, {0, kUnit + 12'000}};
  for (const auto& row : rows) {
    std::atomic<std::int64_t> live{0};
    std::atomic<std::int64_t> most{0};
    const auto grow = [&](std::int64_t bytes) {
      const std::int64_t now = live += bytes;
      std::int64_t seen = most;
      while (seen < now && !most.compare_exchange_weak(seen, now)) {
      }
    };
    const auto store = std::make_shared<WatchedStorage>(
        data.store, [&](std::span<const storage::Transfer> transfers, const Context&) {
          for (const auto& transfer : transfers) grow(static_cast<std::int64_t>(transfer.length));
        });
    Results results =
        Executor(store, {.threads = 4, .memory = row.memory})
            .run(data.plan(), [&](const Unit& unit, std::span<const ByteSpan> ranges) {
              Table table = test::decode(unit, ranges);
              grow(12'000);
              live -= 4000;
              return table;
            });
    std::uint64_t count = 0;
    while (true) {
      // Give it time to let in too much.
      std::int64_t before = -1;
      while (before != live) {
        before = live;
        for (int i = 0; i < 100; ++i) std::this_thread::yield();
      }
      const std::optional<Table> table = results.next();
      if (!table) break;
      live -= static_cast<std::int64_t>(table->memory());
      ++count;
    }
    EXPECT_EQ(count, 64U);
    EXPECT_EQ(live, 0);
    EXPECT_LE(most, row.bound) << row.memory;
  }
}

TEST(Executor, AFlippedByteIsAnErrorThatNamesItsPlace) {
  const KnownUnits data = test::one_object_each(20, 10);
  Buffer bytes = data.store->read_all("data/7", 1000).bytes;
  bytes.data()[13] ^= std::byte{4};
  data.store->put("data/7", bytes);
  for (const std::size_t threads : kThreads) {
    Results results = Executor(data.store, {.threads = threads}).run(data.plan(), test::decode);
    for (int i = 0; i < 7; ++i) {  // what lies before it in the plan comes, whatever the threads
      const std::optional<Table> table = results.next();
      ASSERT_TRUE(table);
      EXPECT_EQ(table->column("unit").as<std::uint64_t>()[0], static_cast<std::uint64_t>(i));
    }
    for (int i = 0; i < 2; ++i) {  // and nothing ever after it
      try {
        std::ignore = results.next();
        ADD_FAILURE() << "nothing was thrown";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Errc::corrupt_data);
        EXPECT_THAT(error.what(), HasSubstr(data.store->uri("data/7") + "@0"));
      }
    }
  }
}

TEST(Executor, AnErrorBehindTheLimitDoesNotMatter) {
  const KnownUnits data = test::one_object_each(20, 10);
  data.store->remove("data/7");
  Plan plan = data.plan();
  plan.limit = 70;
  for (const std::size_t threads : kThreads) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      Results results = Executor(data.store, {.threads = threads}).run(plan, test::decode);
      EXPECT_EQ(test::drain(results).size(), 70U);
    }
  }
}

TEST(Executor, WhatADecoderThrowsIsRethrownAsItWas) {
  const KnownUnits data = test::one_object_each(50, 10);
  for (const std::size_t threads : kThreads) {
    Results results = Executor(data.store, {.threads = threads, .memory = 3000})
                          .run(data.plan(), [](const Unit& unit, std::span<const ByteSpan> ranges) {
                            if (unit.id >= 20)
                              throw std::out_of_range("unit " + std::to_string(unit.id));
                            return test::decode(unit, ranges);
                          });
    try {
      std::ignore = test::drain(results);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::out_of_range& error) {
      EXPECT_STREQ(error.what(), "unit 20");
    }
    EXPECT_THROW(std::ignore = results.next(), std::out_of_range);
  }
}

TEST(Executor, AColumnThatTheDecoderDoesNotGiveIsAnError) {
  const KnownUnits data = test::one_object_each(3, 10);
  Plan plan = data.plan();
  plan.columns = {"mapq"};
  Results results = Executor(data.store).run(plan, test::decode);
  EXPECT_THROW(std::ignore = results.next(), Error);
}

/// Runs the plan and checks that its rows are the right ones or the first of them and then an
/// error. Returns whether it was an error.
bool fails(const KnownUnits& data, const std::shared_ptr<storage::Storage>& store, Errc code) {
  Results results = Executor(store, {.threads = 2, .memory = 4000}).run(data.plan(), test::decode);
  Rows got;
  try {
    while (const std::optional<Table> table = results.next()) {
      const auto values = table->column("x").as<std::uint32_t>();
      got.insert(got.end(), values.begin(), values.end());
    }
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    Rows want = data.all_rows();
    EXPECT_LT(got.size(), want.size());
    want.resize(got.size());
    EXPECT_EQ(got, want);
    EXPECT_THROW(std::ignore = results.next(), Error);
    return true;
  }
  EXPECT_EQ(got, data.all_rows());
  return false;
}

TEST(Executor, AnyFaultOfTheStoreIsAnErrorAndNeverAPartOfTheAnswer) {
  const KnownUnits data = test::one_object_each(40, 10);
  using Kind = storage::FaultPlan::Kind;
  const struct {
    Kind kind;
    Errc want;
  } rows[] = {{Kind::fail, Errc::permission_denied},
              {Kind::truncate, Errc::corrupt_data},
              {Kind::corrupt, Errc::corrupt_data}};
  for (const auto& row : rows) {
    for (std::uint64_t nth = 1;; ++nth) {
      // Once: storage::fetch() may read again what it suspects, and then a truncated answer heals.
      const auto faulty = storage::make_faulty(
          data.store, {.kind = row.kind, .nth = nth, .code = Errc::permission_denied, .seed = nth});
      const bool failed = fails(data, faulty.storage, row.want);
      const bool met = *faulty.calls >= nth;
      EXPECT_EQ(failed, met) << nth;
      if (!met) break;
    }
  }
}

TEST(Executor, DecodesOnAsManyThreadsAsAskedFor) {
  const KnownUnits data = test::one_object_each(24, 10);
  Counter decoding;
  std::mutex mutex;
  std::set<std::thread::id> seen;
  Results results = Executor(data.store, {.threads = 12})
                        .run(data.plan(), [&](const Unit& unit, std::span<const ByteSpan> ranges) {
                          {
                            const std::lock_guard lock(mutex);
                            seen.insert(std::this_thread::get_id());
                          }
                          decoding.add();
                          decoding.wait_for(12);  // hangs unless twelve decode at once
                          return test::decode(unit, ranges);
                        });
  EXPECT_EQ(test::drain(results), data.all_rows());
  EXPECT_EQ(seen.size(), 12U);
}

TEST(Executor, RefusesRangesWithoutAnEnd) {
  const Plan plan{.units = {{.ranges = {{"a", ~std::uint64_t{0}, 1}}}}};
  EXPECT_THROW(std::ignore = Executor(storage::make_memory()).run(plan, test::decode), Error);
}

}  // namespace
}  // namespace cnf::query
