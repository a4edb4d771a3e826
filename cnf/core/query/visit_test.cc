// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/query/executor.h"
#include "cnf/core/query/known_units_internal.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::query::test {
namespace {

/// Collects what each unit's bytes were.
class Collector {
 public:
  [[nodiscard]] Visitor visitor() {
    return [this](const Unit& unit, std::span<const ByteSpan> ranges) {
      Rows rows;
      for (const ByteSpan range : ranges) {
        for (std::size_t at = 0; at < range.size(); at += 4) {
          std::uint32_t value = 0;
          std::memcpy(&value, &range[at], sizeof(value));
          rows.push_back(value);
        }
      }
      const std::lock_guard lock(mutex_);
      EXPECT_TRUE(seen_.emplace(unit.id, rows).second) << "unit " << unit.id << " came twice";
    };
  }
  [[nodiscard]] const std::map<std::uint64_t, Rows>& seen() const { return seen_; }

 private:
  std::mutex mutex_;
  std::map<std::uint64_t, Rows> seen_;
};

Errc code_of(const Executor& executor, const Plan& plan, const Visitor& visitor,
             const Context& context = {}) {
  try {
    executor.visit(plan, visitor, context);
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::internal;
}

using Fetching = ExecutorOptions::Fetching;

constexpr std::size_t kThreads[] = {1, 4};
constexpr Fetching kFetchings[] = {Fetching::ahead, Fetching::in_place};
/// More than what is visited on the caller's thread whatever the threads.
constexpr std::size_t kManyRows = 100'000;

TEST(Visit, EachUnitOnceWithItsBytes) {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same units in every run
  for (int round = 0; round < 20; ++round) {
    KnownUnits data = random_units(random);
    for (const std::size_t threads : kThreads) {
      for (const std::uint64_t memory : {std::uint64_t{1}, kDefaultMemory}) {
        for (const Fetching fetching : kFetchings) {
          Collector collector;
          Executor(data.store, {.threads = threads, .memory = memory, .fetching = fetching})
              .visit(data.plan(), collector.visitor());
          ASSERT_EQ(collector.seen().size(), data.units.size());
          for (const auto& [id, rows] : collector.seen()) EXPECT_EQ(rows, data.rows[id]);
        }
      }
    }
  }
}

TEST(Visit, ManyBytesOnManyThreads) {
  const KnownUnits data = one_object_each(30, kManyRows);
  for (const Fetching fetching : kFetchings) {
    Collector collector;
    const Executor executor(data.store, {.threads = 4, .memory = 4 << 20, .fetching = fetching});
    executor.visit(data.plan(), collector.visitor());
    ASSERT_EQ(collector.seen().size(), 30U);
    for (const auto& [id, rows] : collector.seen()) EXPECT_EQ(rows, data.rows[id]);
  }
}

TEST(Visit, TheFirstErrorOfThePlanIsThrown) {
  for (const Fetching fetching : kFetchings) {
    for (const std::size_t threads : kThreads) {
      for (const std::size_t rows : {std::size_t{3}, kManyRows}) {
        KnownUnits data = one_object_each(20, rows);
        data.units[7].ranges[0].crc32c = 1;               // second
        data.units[11].ranges[0].key = "data/not there";  // third
        const Visitor visitor = [](const Unit& unit, std::span<const ByteSpan> /*ranges*/) {
          if (unit.id == 5) throw Error(Errc::unsupported, "visit", "unit 5", "the first");
        };
        const Executor executor(data.store,
                                {.threads = threads, .memory = 8 << 20, .fetching = fetching});
        EXPECT_EQ(code_of(executor, data.plan(), visitor), Errc::unsupported);
        data.units.erase(data.units.begin() + 5);
        EXPECT_EQ(code_of(executor, data.plan(), visitor), Errc::corrupt_data);
        data.units.erase(data.units.begin() + 6);
        EXPECT_EQ(code_of(executor, data.plan(), visitor), Errc::not_found);
      }
    }
  }
}

TEST(Visit, StopsWhenItIsTold) {
  const KnownUnits data = one_object_each(20, 3);
  for (const std::size_t threads : kThreads) {
    std::stop_source stop;
    std::size_t visited = 0;
    const Visitor visitor = [&](const Unit& /*unit*/, std::span<const ByteSpan> /*ranges*/) {
      ++visited;
      stop.request_stop();
    };
    const Executor executor(data.store, {.threads = threads});
    EXPECT_EQ(code_of(executor, data.plan(), visitor, Context(stop.get_token())), Errc::cancelled);
    EXPECT_EQ(visited, 1U);
  }
}

TEST(Visit, LittleIsVisitedOnTheCallersThread) {
  const KnownUnits data = one_object_each(5, 3);
  const Executor executor(data.store, {.threads = 4});
  executor.visit(data.plan(), [caller = std::this_thread::get_id()](
                                  const Unit& /*unit*/, std::span<const ByteSpan> /*ranges*/) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
  });
}

TEST(Visit, BuffersAreKeptFromRunToRun) {
  const KnownUnits data = one_object_each(5, 1000);
  const auto buffers = std::make_shared<BufferPool>(1 << 20);
  const Executor executor(data.store, {.threads = 1, .memory = kDefaultMemory, .buffers = buffers});
  Collector collector;
  executor.visit(data.plan(), collector.visitor());
  EXPECT_GE(buffers->retained(), 5U * 4000);
}

}  // namespace
}  // namespace cnf::query::test
