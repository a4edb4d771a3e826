// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/worker/pipeline.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/util/error.h"

namespace cnf::worker {
namespace {

constexpr std::size_t kThreads[] = {1, 2, 8};

/// 0, 1, …, count - 1.
auto count_to(int count) {
  return [i = 0, count]() mutable -> std::optional<int> {
    return i < count ? std::optional(i++) : std::nullopt;
  };
}

std::vector<int> iota(int count) {
  std::vector<int> out(static_cast<std::size_t>(count));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

/// Blocks until `count` threads have arrived: proves that so many run at once.
class Meeting {
 public:
  explicit Meeting(std::size_t count) : missing_(count) {}
  void arrive() {
    std::unique_lock lock(mutex_);
    if (missing_ > 0) --missing_;
    all_.notify_all();
    all_.wait(lock, [this] { return missing_ == 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_;
  std::size_t missing_;
};

TEST(Pipeline, SinkSeesTheSourcesOrderWhateverTheThreads) {
  for (const std::size_t threads : kThreads) {
    std::vector<std::string> got;
    run_pipeline<int, std::string>(
        {.threads = threads}, {}, count_to(1000),
        [](int i) {
          if (i % 7 == 0) std::this_thread::yield();  // let later ones overtake
          return std::to_string(i);
        },
        [&](const std::string& text) { got.push_back(text); });
    std::vector<std::string> want;
    for (const int i : iota(1000)) want.push_back(std::to_string(i));
    EXPECT_EQ(got, want) << threads << " threads";
  }
}

TEST(Pipeline, AnEmptySourceEndsAtOnce) {
  int stages = 0;
  run_pipeline<int, int>(
      {}, {}, count_to(0), [&](int i) { return stages += 1, i; }, [&](int) { ++stages; });
  EXPECT_EQ(stages, 0);
}

TEST(Pipeline, MoveOnlyItemsPass) {
  int sum = 0;
  run_pipeline<std::unique_ptr<int>, std::unique_ptr<int>>(
      {.threads = 2}, {},
      [i = 0]() mutable -> std::optional<std::unique_ptr<int>> {
        if (i == 10) return std::nullopt;
        return std::make_unique<int>(i++);
      },
      [](std::unique_ptr<int> item) { return item; },
      [&](std::unique_ptr<int> item) { sum += *item; });
  EXPECT_EQ(sum, 45);
}

struct InFlightCase {
  std::size_t threads;
  std::size_t in_flight;
  int bound;
};
constexpr InFlightCase kInFlightCases[] = {{1, 1, 1}, {8, 1, 1}, {8, 3, 3},
                                           {2, 5, 5}, {4, 0, 6}, {1, 0, 3}};

TEST(Pipeline, NoMoreThanInFlightItemsLieBetweenTheEnds) {
  for (const auto& row : kInFlightCases) {
    std::atomic<int> between{0};
    std::atomic<int> most{0};
    run_pipeline<int, int>(
        {.threads = row.threads, .in_flight = row.in_flight}, {},
        [&, source = count_to(500)]() mutable {
          const std::optional<int> item = source();
          if (item) most = std::max(most.load(), ++between);
          return item;
        },
        [](int i) { return i; }, [&](int) { --between; });
    EXPECT_LE(most, row.bound) << row.threads << " threads, " << row.in_flight << " in flight";
    EXPECT_EQ(between, 0);
  }
}

TEST(Pipeline, ExactlyAsManyThreadsWorkAsAskedForEvenAboveTheCores) {
  for (const std::size_t threads : {1U, 2U, 40U}) {
    Meeting meeting(threads);
    std::mutex mutex;
    std::set<std::thread::id> seen;
    run_pipeline<int, int>(
        {.threads = threads}, {}, count_to(200),
        [&](int i) {
          {
            const std::lock_guard lock(mutex);
            seen.insert(std::this_thread::get_id());
          }
          meeting.arrive();  // hangs unless so many transform at once
          return i;
        },
        [](int) {});
    EXPECT_EQ(seen.size(), threads);
  }
}

TEST(Pipeline, OneThreadFinishesWhatItReadBeforeAskingTheSourceAgain) {
  // A source that blocks until its previous item came out would hang otherwise.
  std::vector<int> out;
  int next = 0;
  run_pipeline<int, int>(
      {.threads = 1, .in_flight = 4}, {},
      [&]() -> std::optional<int> {
        EXPECT_EQ(out.size(), static_cast<std::size_t>(next));
        return next < 20 ? std::optional(next++) : std::nullopt;
      },
      [](int i) { return i; }, [&](int i) { out.push_back(i); });
  EXPECT_EQ(out, iota(20));
}

TEST(Pipeline, ABlockedSourceDoesNotHoldUpWhatItGave) {
  std::mutex mutex;
  std::condition_variable changed;
  int sunk = 0;
  run_pipeline<int, int>(
      {.threads = 2, .in_flight = 4}, {},
      [&, i = 0]() mutable -> std::optional<int> {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return sunk == i; });  // all before are out
        return i < 20 ? std::optional(i++) : std::nullopt;
      },
      [](int i) { return i; },
      [&](int) {
        const std::lock_guard lock(mutex);
        ++sunk;
        changed.notify_all();
      });
  EXPECT_EQ(sunk, 20);
}

enum class Stage { source, transform, sink };

/// Runs 1000 items and throws in `stage` at item 100. Returns how many items the sink took.
int run_failing(Stage stage, std::size_t threads) {
  int sunk = 0;
  const auto maybe_throw = [stage](Stage here, int i) {
    if (stage == here && i == 100) throw std::out_of_range("item 100");
    return i;
  };
  try {
    run_pipeline<int, int>(
        {.threads = threads}, {},
        [&, source = count_to(1000)]() mutable -> std::optional<int> {
          const std::optional<int> item = source();
          return item ? std::optional(maybe_throw(Stage::source, *item)) : item;
        },
        [&](int i) { return maybe_throw(Stage::transform, i); },
        [&](int i) {
          maybe_throw(Stage::sink, i);
          ++sunk;
        });
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ(error.what(), "item 100");
    return sunk;
  }
  ADD_FAILURE() << "nothing was thrown";
  return sunk;
}

TEST(Pipeline, AnExceptionOfAnyStageEndsItAndIsRethrownAsItWas) {
  for (const Stage stage : {Stage::source, Stage::transform, Stage::sink}) {
    for (const std::size_t threads : kThreads) {
      EXPECT_LE(run_failing(stage, threads), 100) << threads << " threads";
    }
  }
  EXPECT_EQ(run_failing(Stage::sink, 8), 100);  // all before it came out, none after
}

TEST(Pipeline, SiblingsStopAfterAnException) {
  std::atomic<int> read{0};
  EXPECT_THROW(
      (run_pipeline<int, int>(
          {.threads = 4, .in_flight = 6}, {},
          [&]() -> std::optional<int> { return read++; },  // without an end
          [](int i) -> int { return i == 50 ? throw std::runtime_error("x") : i; }, [](int) {})),
      std::runtime_error);
  EXPECT_LE(read, 50 + 7);  // what was in flight beside it
}

Errc code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::internal;
}

TEST(Pipeline, CancellingEndsIt) {
  for (const std::size_t threads : kThreads) {
    std::stop_source stop;
    std::atomic<int> read{0};
    const Errc code = code_of([&] {
      run_pipeline<int, int>(
          {.threads = threads}, Context(stop.get_token()),
          [&]() -> std::optional<int> { return read++; }, [](int i) { return i; },
          [&](int i) {
            if (i == 30) stop.request_stop();
          });
    });
    EXPECT_EQ(code, Errc::cancelled) << threads << " threads";
  }
}

TEST(Pipeline, ADeadlineInThePastLetsNothingStart) {
  for (const std::size_t threads : kThreads) {
    int read = 0;
    const Errc code = code_of([&] {
      run_pipeline<int, int>(
          {.threads = threads}, Context().with_deadline(Context::Clock::now()),
          [&]() -> std::optional<int> { return read++; }, [](int i) { return i; }, [](int) {});
    });
    EXPECT_EQ(code, Errc::deadline_exceeded);
    EXPECT_EQ(read, 0);
  }
}

}  // namespace
}  // namespace cnf::worker
