// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/retry.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using Time = Context::Clock::time_point;

constexpr Time kStart{hours(1)};
constexpr std::uint64_t kSeed = 20240229;

// Time passes only when somebody sleeps.
class FakeClock final : public Clock {
 public:
  [[nodiscard]] Time now() const override { return now_; }
  void sleep_until(Time when, const std::stop_token& stop) override {
    slept_.push_back(std::chrono::duration_cast<milliseconds>(when - now_));
    if (!stop.stop_requested()) now_ = when;
  }
  [[nodiscard]] const std::vector<milliseconds>& slept() const { return slept_; }

 private:
  Time now_ = kStart;
  std::vector<milliseconds> slept_;
};

// Fails the first `failures` times it is called.
class Flaky {
 public:
  explicit Flaky(int failures, Errc code = Errc::unavailable) : failures_(failures), code_(code) {}
  void operator()() {
    if (++calls_ <= failures_) throw Error(code_, "get", "k", "failure " + std::to_string(calls_));
  }
  [[nodiscard]] int calls() const { return calls_; }

 private:
  int failures_;
  Errc code_;
  int calls_ = 0;
};

TEST(RetryPolicy, WaitsUpToTwiceAsLongEachTimeAndNeverOverTheCap) {
  const RetryPolicy policy{
      .max_attempts = 100, .base = milliseconds(100), .cap = milliseconds(1000)};
  std::mt19937_64 random(kSeed);
  const milliseconds most[] = {milliseconds(100), milliseconds(200),  milliseconds(400),
                               milliseconds(800), milliseconds(1000), milliseconds(1000)};
  for (int attempt = 1; attempt <= 6; ++attempt) {
    milliseconds longest{0};
    milliseconds shortest = milliseconds::max();
    for (int i = 0; i < 2000; ++i) {
      const auto delay = policy.delay(attempt, std::nullopt, kStart, Time::max(), random).value();
      longest = std::max(longest, delay);
      shortest = std::min(shortest, delay);
    }
    const milliseconds limit = most[attempt - 1];
    EXPECT_LE(longest, limit) << "attempt " << attempt << ", seed " << kSeed;
    EXPECT_GE(longest, limit * 95 / 100) << "attempt " << attempt << ", seed " << kSeed;
    EXPECT_LE(shortest, limit * 5 / 100) << "full jitter, seed " << kSeed;
    EXPECT_GE(shortest, milliseconds(0));
  }
}

TEST(RetryPolicy, GivesUpAfterTheLastAttempt) {
  const RetryPolicy policy{.max_attempts = 3};
  std::mt19937_64 random(kSeed);
  EXPECT_TRUE(policy.delay(2, std::nullopt, kStart, Time::max(), random));
  EXPECT_FALSE(policy.delay(3, std::nullopt, kStart, Time::max(), random));
}

TEST(RetryPolicy, WhatTheStoreAsksForIsTheLeastWait) {
  const RetryPolicy policy;
  std::mt19937_64 random(kSeed);
  for (int i = 0; i < 100; ++i) {
    const auto delay = policy.delay(1, milliseconds(7000), kStart, Time::max(), random);
    EXPECT_EQ(delay, milliseconds(7000));
    EXPECT_GE(policy.delay(9, milliseconds(1), kStart, Time::max(), random), milliseconds(1));
    EXPECT_GE(policy.delay(1, milliseconds(-5), kStart, Time::max(), random), milliseconds(0));
  }
}

TEST(RetryPolicy, AnUnreasonableRetryAfterIsGivingUp) {
  const RetryPolicy policy{.longest_retry_after = milliseconds(1000)};
  std::mt19937_64 random(kSeed);
  EXPECT_TRUE(policy.delay(1, milliseconds(1000), kStart, Time::max(), random));
  EXPECT_FALSE(policy.delay(1, milliseconds(1001), kStart, Time::max(), random));
  EXPECT_FALSE(policy.delay(1, milliseconds::max(), kStart, Time::max(), random));
}

TEST(RetryPolicy, NoWaitEndsAfterTheDeadline) {
  const RetryPolicy policy{.max_attempts = 100, .base = milliseconds(1000)};
  std::mt19937_64 random(kSeed);
  const Time deadline = kStart + milliseconds(500);
  int waits = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto delay = policy.delay(1, std::nullopt, kStart, deadline, random);
    if (!delay) continue;
    ++waits;
    EXPECT_LT(kStart + *delay, deadline);
  }
  EXPECT_GT(waits, 0);
  EXPECT_LT(waits, 1000);
  EXPECT_FALSE(policy.delay(1, milliseconds(500), kStart, deadline, random));
  EXPECT_FALSE(policy.delay(1, std::nullopt, deadline + hours(1), deadline, random));
}

TEST(RetryPolicy, ManyAttemptsDoNotOverflow) {
  const RetryPolicy policy{.max_attempts = std::numeric_limits<int>::max(),
                           .base = milliseconds(1),
                           .cap = hours(24 * 365)};
  std::mt19937_64 random(kSeed);
  for (const int attempt : {63, 64, 65, 1000}) {
    const auto delay = policy.delay(attempt, std::nullopt, kStart, Time::max(), random).value();
    EXPECT_GE(delay, milliseconds(0));
    EXPECT_LE(delay, policy.cap);
  }
}

TEST(Retry, ReturnsWhenAnAttemptDoes) {
  FakeClock clock;
  const Context context;
  Flaky flaky(3);
  retry({}, context, clock, "get", "k", std::ref(flaky));
  EXPECT_EQ(flaky.calls(), 4);
  EXPECT_EQ(clock.slept().size(), 3U);
  EXPECT_EQ(context.accounting().snapshot().retries, 3U);
}

TEST(Retry, TheLastErrorIsTheAnswer) {
  FakeClock clock;
  Flaky flaky(100, Errc::throttled);
  try {
    retry({.max_attempts = 4}, {}, clock, "get", "k", std::ref(flaky));
    FAIL() << "four failures were not reported";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::throttled);
    EXPECT_STREQ(error.what(), "get k: failure 4");
  }
  EXPECT_EQ(flaky.calls(), 4);
}

TEST(Retry, WhatIsNotTransientIsNotTriedAgain) {
  FakeClock clock;
  Flaky flaky(100, Errc::permission_denied);
  EXPECT_THROW(retry({}, {}, clock, "get", "k", std::ref(flaky)), Error);
  EXPECT_EQ(flaky.calls(), 1);
  int calls = 0;
  const auto foreign = [&calls] {
    ++calls;
    throw std::logic_error("not one of ours");
  };
  EXPECT_THROW(retry({}, {}, clock, "get", "k", foreign), std::logic_error);
  EXPECT_EQ(calls, 1);
}

TEST(Retry, StopsAtTheDeadline) {
  FakeClock clock;
  const Time deadline = kStart + milliseconds(1000);
  const Context context = Context().with_deadline(deadline);
  Flaky flaky(1000);
  EXPECT_THROW(retry({.max_attempts = 1000}, context, clock, "get", "k", std::ref(flaky)), Error);
  EXPECT_LT(clock.now(), deadline);
  EXPECT_LT(flaky.calls(), 1000);
}

TEST(Retry, ADeadlineThatHasPassedIsNoAttempt) {
  FakeClock clock;
  Flaky flaky(0);
  try {
    retry({}, Context().with_deadline(kStart), clock, "get", "k", std::ref(flaky));
    FAIL() << "tried after the deadline";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::deadline_exceeded);
  }
  EXPECT_EQ(flaky.calls(), 0);
}

TEST(Retry, CancellingEndsTheWait) {
  FakeClock clock;
  std::stop_source source;
  const Context context(source.get_token());
  int calls = 0;
  try {
    retry({}, context, clock, "get", "k", [&] {
      ++calls;
      source.request_stop();
      throw Error(Errc::unavailable, "get", "k", "reset");
    });
    FAIL() << "went on after being cancelled";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::cancelled);
  }
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(context.accounting().snapshot().retries, 0U);
}

TEST(SystemClock, AStopTokenEndsASleepAtOnce) {
  const std::stop_source source;
  source.request_stop();
  // Would take a day, and the test's time limit, if the token were not looked at.
  Clock::system().sleep_until(Clock::system().now() + hours(24), source.get_token());
  Clock::system().sleep_until(Clock::system().now(), std::stop_token());
}

}  // namespace
}  // namespace cnf
