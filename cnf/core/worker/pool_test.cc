// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/worker/pool.h"

#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <functional>
#include <latch>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include <gtest/gtest.h>

#include "cnf/core/util/error.h"

namespace cnf::worker {
namespace {

Errc code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::internal;
}

TEST(Pool, RunsEveryTask) {
  for (const std::size_t threads : {1U, 2U, 8U}) {
    std::atomic<int> sum{0};
    Pool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int i = 1; i <= 1000; ++i) pool.submit([&sum, i] { sum += i; });
    pool.wait();
    EXPECT_EQ(sum, 500'500);
    pool.submit([&sum] { sum = -1; });  // it may be used again
    pool.wait();
    EXPECT_EQ(sum, -1);
  }
}

TEST(Pool, ZeroThreadsMeansTheMachines) { EXPECT_EQ(Pool(0).threads(), default_threads()); }

TEST(Pool, ThreadsAreHonouredAboveTheCores) {
  std::barrier meeting(40);
  Pool pool(40);
  for (int i = 0; i < 40; ++i) pool.submit([&] { meeting.arrive_and_wait(); });
  pool.wait();  // returns only if 40 tasks ran at once
  EXPECT_EQ(pool.threads(), 40);
}

TEST(Pool, SubmitBlocksWhileTheQueueIsFull) {
  std::latch gate(1);
  std::latch started(1);
  Pool pool(1, {}, 2);
  pool.submit([&] {
    started.count_down();
    gate.wait();
  });
  started.wait();
  std::atomic<int> submitted{0};
  std::jthread submitter([&] {
    for (int i = 0; i < 3; ++i) {
      pool.submit([] {});
      ++submitted;
    }
  });
  while (submitted < 2) std::this_thread::yield();
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  EXPECT_EQ(submitted, 2);  // the third waits for room
  gate.count_down();
  submitter.join();
  pool.wait();
  EXPECT_EQ(submitted, 3);
}

TEST(Pool, TheFirstExceptionDropsTheRestAndIsRethrownOnce) {
  for (const std::size_t threads : {1U, 2U, 8U}) {
    std::latch failed(1);
    std::atomic<int> ran{0};
    Pool pool(threads, {}, 1000);
    for (std::size_t i = 1; i < threads; ++i) pool.submit([&] { failed.wait(); });
    pool.submit([&] {
      failed.count_down();
      throw std::out_of_range("boom");
    });
    try {
      pool.wait();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::out_of_range& error) {
      EXPECT_STREQ(error.what(), "boom");
    }
    EXPECT_NO_THROW(pool.wait());
    pool.submit([&] { ++ran; });
    pool.wait();
    EXPECT_EQ(ran, 1);
  }
}

TEST(Pool, AfterAFailureSubmitDropsUntilWait) {
  std::atomic<int> ran{0};
  Pool pool(1);
  std::latch ended(1);
  pool.submit([&ended] {
    const struct AtEnd {
      std::latch& latch;
      ~AtEnd() { latch.count_down(); }
    } at_end{ended};
    throw std::runtime_error("boom");
  });
  ended.wait();
  // Never blocks, though the queue holds two: what does not fit or is found behind the failure
  // goes.
  for (int i = 0; i < 100; ++i) pool.submit([&ran] { ++ran; });
  EXPECT_THROW(pool.wait(), std::runtime_error);
  const int before = ran;
  pool.submit([&ran] { ++ran; });
  pool.wait();
  EXPECT_EQ(ran, before + 1);
}

TEST(Pool, CancellingWakesABlockedSubmitAndDropsTheRest) {
  const std::stop_source stop;
  std::latch started(1);
  std::latch gate(1);
  std::atomic<int> ran{0};
  Pool pool(1, Context(stop.get_token()), 1);
  pool.submit([&] {
    started.count_down();
    gate.wait();
  });
  started.wait();
  pool.submit([&] { ++ran; });
  std::atomic<bool> blocked{false};
  std::jthread submitter([&] {
    blocked = true;
    EXPECT_EQ(code_of([&] { pool.submit([&] { ++ran; }); }), Errc::cancelled);
  });
  while (!blocked) std::this_thread::yield();
  stop.request_stop();
  submitter.join();
  gate.count_down();
  EXPECT_EQ(code_of([&] { pool.wait(); }), Errc::cancelled);
  EXPECT_EQ(ran, 0);
}

TEST(Pool, ADeadlineWakesABlockedSubmit) {
  std::latch gate(1);
  std::latch started(1);
  Pool pool(1, Context().with_deadline(Context::Clock::now() + std::chrono::milliseconds(200)), 1);
  pool.submit([&] {
    started.count_down();
    gate.wait();
  });
  started.wait();
  EXPECT_EQ(code_of([&] {
              for (int i = 0; i < 2; ++i) pool.submit([] {});
            }),
            Errc::deadline_exceeded);
  gate.count_down();
  EXPECT_EQ(code_of([&] { pool.wait(); }), Errc::deadline_exceeded);
}

TEST(Pool, TheDestructorDropsWhatHasNotStartedAndWaitsForWhatRuns) {
  std::atomic<int> ran{0};
  std::latch gate(1);
  {
    std::latch started(1);
    Pool pool(1, {}, 100);
    pool.submit([&] {
      started.count_down();
      gate.wait();  // opens when the next task is dropped
      ++ran;
    });
    started.wait();
    const std::shared_ptr<void> opener(nullptr, [&gate](std::nullptr_t) { gate.count_down(); });
    pool.submit([&ran, opener] { ran += 100; });
    pool.submit([&ran] { ran += 100; });
  }
  EXPECT_EQ(ran, 1);
}

TEST(Pool, TasksMaySubmitTasks) {
  std::atomic<int> ran{0};
  Pool pool(2, {}, 64);
  for (int i = 0; i < 8; ++i) {
    pool.submit([&] {
      for (int j = 0; j < 4; ++j) pool.submit([&ran] { ++ran; });
    });
  }
  pool.wait();
  EXPECT_EQ(ran, 32);
}

}  // namespace
}  // namespace cnf::worker
