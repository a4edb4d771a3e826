// SPDX-License-Identifier: Apache-2.0
// What ends a query early: a limit, its destruction, the caller's stop token, the deadline.
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <thread>
#include <tuple>
#include <utility>

#include <gtest/gtest.h>

#include "cnf/core/query/executor.h"
#include "cnf/core/query/known_units_internal.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/query/table.h"
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

TEST(Executor, AReachedLimitStopsTheDownloads) {
  const KnownUnits data = test::one_object_each(100, 10);
  // The first object comes; for all others the store hangs until it is told to stop.
  const auto store = std::make_shared<WatchedStorage>(
      data.store, [](std::span<const storage::Transfer> transfers, const Context& context) {
        if (transfers.front().key != "data/0") test::hang(context);
      });
  Plan plan = data.plan();
  plan.limit = 7;
  const Context context;
  Results results = Executor(store).run(plan, test::decode, context);
  const std::optional<Table> table = results.next();
  ASSERT_TRUE(table);
  EXPECT_EQ(table->rows(), 7U);
  EXPECT_FALSE(results.next());
  EXPECT_EQ(gets(context), 1U);
}

TEST(Executor, EnoughRowsStopTheDownloadsBeforeTheyAreTaken) {
  const KnownUnits data = test::one_object_each(100, 10);
  Counter hanging;
  Counter stopped;
  const auto store = std::make_shared<WatchedStorage>(
      data.store, [&](std::span<const storage::Transfer> transfers, const Context& context) {
        if (transfers.front().key == "data/0") return;
        hanging.add();
        try {
          test::hang(context);
        } catch (const Error&) {
          stopped.add();
          throw;
        }
      });
  Plan plan = data.plan();
  plan.limit = 7;
  Results results =
      Executor(store).run(plan, [&](const Unit& unit, std::span<const ByteSpan> ranges) {
        hanging.wait_for(1);
        return test::decode(unit, ranges);
      });
  stopped.wait_for(1);  // though nobody has asked for a table
  EXPECT_EQ(test::drain(results), (Rows{0, 1, 2, 3, 4, 5, 6}));
}

TEST(Executor, UnderALimitLittleIsFetchedInVain) {
  const KnownUnits data = test::one_object_each(1000, 10);
  Plan plan = data.plan();
  plan.limit = 1;
  const Context context;
  {
    // Memory for ten units of 40 bytes fetched and 120 decoded: no more can have been let in.
    Results results = Executor(data.store, {.memory = 1600}).run(plan, test::decode, context);
    EXPECT_TRUE(results.next());
  }
  EXPECT_LE(gets(context), 10U);
}

TEST(Executor, DestroyingTheResultsStopsTheDownloads) {
  const KnownUnits data = test::one_object_each(100, 10);
  for (const bool take_one : {false, true}) {
    Counter hanging;
    const auto store = std::make_shared<WatchedStorage>(
        data.store, [&](std::span<const storage::Transfer> transfers, const Context& context) {
          if (take_one && transfers.front().key == "data/0") return;
          hanging.add();
          test::hang(context);
        });
    const Context context;
    {
      Results results = Executor(store, {.memory = 1000}).run(data.plan(), test::decode, context);
      if (take_one) {
        EXPECT_TRUE(results.next());
      }
      hanging.wait_for(1);
      const Results moved = std::move(results);  // it may be moved while it works
    }
    EXPECT_EQ(gets(context), take_one ? 1U : 0U);
  }
}

TEST(Executor, CancellingEndsAWaitForAStoreThatHangs) {
  const KnownUnits data = test::one_object_each(20, 10);
  Counter hanging;
  const auto store = std::make_shared<WatchedStorage>(
      data.store, [&](std::span<const storage::Transfer> transfers, const Context& context) {
        if (transfers.front().key == "data/0") return;
        hanging.add();
        test::hang(context);
      });
  std::stop_source stop;
  Results results =
      Executor(store, {.memory = 1000}).run(data.plan(), test::decode, Context(stop.get_token()));
  EXPECT_TRUE(results.next());
  const std::jthread canceller([&] {
    hanging.wait_for(1);
    stop.request_stop();
  });
  for (int i = 0; i < 2; ++i) {
    try {
      std::ignore = results.next();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::cancelled);
    }
  }
}

TEST(Executor, ACancelledContextAsksNothing) {
  const KnownUnits data = test::one_object_each(20, 10);
  const std::stop_source stop;
  stop.request_stop();
  const Context context(stop.get_token());
  Results results = Executor(data.store).run(data.plan(), test::decode, context);
  EXPECT_THROW(std::ignore = results.next(), Error);
  EXPECT_EQ(gets(context), 0U);
}

TEST(Executor, TheDeadlineEndsAWaitForAStoreThatHangs) {
  const KnownUnits data = test::one_object_each(20, 10);
  const auto store = std::make_shared<WatchedStorage>(
      data.store,
      [&](std::span<const storage::Transfer>, const Context& context) { test::hang(context); });
  Results results = Executor(store).run(
      data.plan(), test::decode,
      Context().with_deadline(Context::Clock::now() + std::chrono::milliseconds(50)));
  try {
    std::ignore = results.next();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::deadline_exceeded);
  }
}

TEST(Executor, ASlowDecoderHoldsUpNeitherCancellingNorTheDeadline) {
  const KnownUnits data = test::one_object_each(4, 10);
  const std::stop_source stop;
  const struct {
    Errc want = Errc::internal;
    Context context;
  } rows[] = {
      {Errc::cancelled, Context(stop.get_token())},
      {Errc::deadline_exceeded,
       Context().with_deadline(Context::Clock::now() + std::chrono::milliseconds(50))},
  };
  for (const auto& row : rows) {
    Counter decoding;
    Counter told;
    Results results = Executor(data.store, {.threads = 1})
                          .run(
                              data.plan(),
                              [&](const Unit& unit, std::span<const ByteSpan> ranges) {
                                decoding.add();
                                told.wait_for(1);
                                return test::decode(unit, ranges);
                              },
                              row.context);
    const std::jthread canceller([&] {
      if (row.want != Errc::cancelled) return;
      decoding.wait_for(1);
      stop.request_stop();
    });
    try {
      std::ignore = results.next();  // returns while the decoder is still at it
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), row.want);
    }
    told.add();
  }
}

}  // namespace
}  // namespace cnf::query
