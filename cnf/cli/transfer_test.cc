// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/transfer.h"

#include <atomic>
#include <cstdint>
#include <stop_token>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/cli/session.h"
#include "cnf/core/util/error.h"

namespace cnf::cli {
namespace {

TEST(MemoryBudget, IsNeverExceeded) {
  constexpr std::uint64_t kBudget = 100;
  MemoryBudget budget(kBudget);
  std::atomic<std::uint64_t> used{0};
  std::atomic<std::uint64_t> most{0};
  std::vector<std::jthread> workers;
  for (std::uint64_t worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&, worker] {
      for (std::uint64_t i = 0; i < 200; ++i) {
        const std::uint64_t bytes = 1 + (i * 37 + worker * 11) % kBudget;
        budget.acquire(bytes, {});
        const std::uint64_t now = used += bytes;
        for (std::uint64_t seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        used -= bytes;
        budget.release(bytes);
      }
    });
  }
  workers.clear();
  EXPECT_LE(most, kBudget);
  EXPECT_GT(most, 0U);
}

TEST(MemoryBudget, LetsOneInThatIsLargerThanAll) {
  MemoryBudget budget(10);
  budget.acquire(1000, {});
  budget.release(1000);
  budget.acquire(5, {});
  budget.acquire(5, {});
}

TEST(MemoryBudget, StopsWaitingWhenTold) {
  MemoryBudget budget(10);
  budget.acquire(10, {});
  std::stop_source stop;
  const std::jthread interrupter([&] { stop.request_stop(); });
  try {
    budget.acquire(1, Context(stop.get_token()));
    FAIL() << "there was no room";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::cancelled);
  }
}

TEST(Requests, AreCountedByPart) {
  Globals globals;
  globals.storage.part_size = 8 << 20;
  const Session session(globals, {});
  EXPECT_EQ(requests_to_write(0, session), 1U);
  EXPECT_EQ(requests_to_write(8 << 20, session), 1U);
  EXPECT_EQ(requests_to_write((8 << 20) + 1, session), 4U);  // create, two parts, complete
  EXPECT_EQ(requests_to_read(0), 1U);
}

}  // namespace
}  // namespace cnf::cli
