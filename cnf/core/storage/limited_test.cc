// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/limited.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/limiter_internal.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::optional<Errc> code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

TEST(TokenBucket, GivesItsBurstAndThenTheRate) {
  const TokenBucket::Time start{seconds(1'000)};
  TokenBucket bucket(10, 3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(1, start));
  EXPECT_FALSE(bucket.take(1, start));
  const auto ready = bucket.ready_at(start);
  EXPECT_EQ(ready, start + milliseconds(100));
  EXPECT_FALSE(bucket.take(1, ready - milliseconds(1)));
  EXPECT_TRUE(bucket.take(1, ready)) << "what it says is ready, is";
  EXPECT_EQ(bucket.ready_at(ready), ready + milliseconds(100));
}

TEST(TokenBucket, KeepsNoMoreThanItsBurst) {
  const TokenBucket::Time start{seconds(1'000)};
  TokenBucket bucket(10, 3);
  EXPECT_TRUE(bucket.take(3, start));
  EXPECT_FALSE(bucket.take(4, start + seconds(3'600)));
  EXPECT_TRUE(bucket.take(3, start + seconds(3'600)));
  EXPECT_FALSE(bucket.take(1, start)) << "a clock that goes back gives none";
}

TEST(TokenBucket, OfARateNearZeroDoesNotOverflowTheClock) {
  const TokenBucket::Time start{seconds(1'000)};
  TokenBucket bucket(1e-300, 1);
  EXPECT_TRUE(bucket.take(1, start));
  EXPECT_GT(bucket.ready_at(start), start);
}

// A store whose stats wait until they are let go, to see who is inside.
class Gate final : public StorageWrapper {
 public:
  Gate() : StorageWrapper(make_memory()) {}

  void open(int count) const {
    const std::lock_guard lock(mutex_);
    allowed_ += count;
    changed_.notify_all();
  }
  void wait_for_inside(int count) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ >= count; });
  }
  [[nodiscard]] std::vector<std::string> order() const {
    const std::lock_guard lock(mutex_);
    return order_;
  }
  [[nodiscard]] int most() const {
    const std::lock_guard lock(mutex_);
    return most_;
  }

 private:
  void enter(std::string_view key) const {
    std::unique_lock lock(mutex_);
    order_.emplace_back(key);
    most_ = std::max(most_, ++inside_);
    changed_.notify_all();
    changed_.wait(lock, [&] { return allowed_ > 0; });
    --allowed_;
    --inside_;
  }
  [[nodiscard]] std::optional<FileInfo> do_stat(std::string_view key,
                                                const Context& context) const override {
    enter(key);
    return StorageWrapper::do_stat(key, context);
  }
  void do_fetch(std::span<const Transfer> transfers, const Context& context,
                const TransferDone& done) const override {
    for (const Transfer& transfer : transfers) enter(transfer.key);
    StorageWrapper::do_fetch(transfers, context, done);
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable int allowed_ = 0, inside_ = 0, most_ = 0;
  mutable std::vector<std::string> order_;
};

TEST(Limited, TurnsAreGivenInTheOrderOfAsking) {
  Limiter limiter(0, 1, 1);
  std::vector<int> order;
  std::mutex mutex;
  std::unique_ptr<Limiter::Turns> first = limiter.take_now(1);
  ASSERT_TRUE(first);
  EXPECT_FALSE(limiter.take_now(1)) << "there is one turn";
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const auto turn = limiter.take({}, "wait", "test");
      const std::lock_guard lock(mutex);
      order.push_back(i);
    });
    while (limiter.waiting() != static_cast<std::size_t>(i) + 1) std::this_thread::yield();
  }
  first.reset();
  threads.clear();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(Limited, NoMoreAreUnderWayThanMayBe) {
  const auto gate = std::make_shared<Gate>();
  const auto store = limited(gate, {.concurrency = 3});
  std::vector<std::jthread> threads;
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&] { EXPECT_FALSE(store->exists("absent")); });
  }
  gate->wait_for_inside(3);
  gate->open(12);
  threads.clear();
  EXPECT_EQ(gate->most(), 3);
}

TEST(Limited, TransfersOfAFetchAreLimitedOneByOne) {
  const auto gate = std::make_shared<Gate>();
  std::vector<Buffer> buffers;
  std::vector<FetchRequest> requests;
  for (int i = 0; i < 20; ++i) {
    const std::string key = "object" + std::to_string(i);
    gate->put(key, as_bytes("0123456789"));
    buffers.emplace_back(10);
    requests.push_back({.key = key, .into = buffers.back().span()});
  }
  const auto store = limited(gate, {.concurrency = 4});
  gate->open(20);
  store->fetch(requests);
  EXPECT_LE(gate->most(), 4);
  EXPECT_EQ(gate->order().size(), 20U);
  for (const Buffer& buffer : buffers) EXPECT_EQ(as_text(buffer), "0123456789");
}

// A rate so low that no second token ever comes while the test runs.
constexpr double kNever = 1e-9;

TEST(Limited, WhatIsOverTheBurstWaitsUntilTheDeadline) {
  const auto store = limited(make_memory(), {.rate = kNever, .burst = 3});
  const auto accounting = std::make_shared<Accounting>();
  const Context context = Context().with_accounting(accounting);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(store->exists("absent", context));
  const auto soon = [&] { return context.with_deadline(Context::Clock::now() + milliseconds(20)); };
  Buffer into(1);
  EXPECT_EQ(code_of([&] { (void)store->stat("key", soon()); }), Errc::deadline_exceeded);
  EXPECT_EQ(code_of([&] { (void)store->read_all("key", 1, soon()); }), Errc::deadline_exceeded);
  EXPECT_EQ(code_of([&] { (void)store->list({}, soon()).next(); }), Errc::deadline_exceeded);
  EXPECT_EQ(code_of([&] { store->remove("key", soon()); }), Errc::deadline_exceeded);
  EXPECT_EQ(code_of([&] { store->put("key", as_bytes("x"), {}, soon()); }),
            Errc::deadline_exceeded);
  EXPECT_EQ(code_of([&] { store->copy("key", "other", {}, soon()); }), Errc::deadline_exceeded);
  EXPECT_EQ(code_of([&] { store->open("key")->read_at(0, into.span(), soon()); }),
            Errc::deadline_exceeded);
  EXPECT_EQ(accounting->snapshot().total_requests(), 3U) << "those that waited were not sent";
}

TEST(Limited, AStopEndsTheWait) {
  const auto store = limited(make_memory(), {.rate = kNever, .burst = 1});
  (void)store->exists("absent");
  std::stop_source stop;
  const Context context(stop.get_token());
  std::vector<Buffer> buffers;
  std::vector<FetchRequest> requests;
  for (int i = 0; i < 40; ++i) {
    buffers.emplace_back(1);
    requests.push_back({.key = "object" + std::to_string(i), .into = buffers.back().span()});
  }
  const std::jthread interrupter([&] {
    std::this_thread::sleep_for(milliseconds(10));
    stop.request_stop();
  });
  EXPECT_EQ(code_of([&] { store->fetch(requests, context); }), Errc::cancelled);
  for (const FetchRequest& request : requests) {
    ASSERT_TRUE(request.error);
    EXPECT_EQ(request.error->code(), Errc::cancelled);
  }
}

TEST(Limited, TransfersThatAreSentApartReadOneVersion) {
  const auto memory = make_memory();
  const Buffer bytes(1'000'000);
  memory->put("object", bytes);
  const auto store = limited(memory, {.concurrency = 2});
  const auto accounting = std::make_shared<Accounting>();
  Buffer into(1'000'000);
  FetchRequest request{.key = "object", .into = into.span()};
  store->fetch(std::span(&request, 1), Context().with_accounting(accounting), {},
               {.max_request = 100'000});
  EXPECT_EQ(accounting->snapshot().count(RequestKind::get), 10U);
  EXPECT_EQ(accounting->snapshot().count(RequestKind::head), 1U);
  FetchRequest absent{.key = "absent", .into = into.span()};
  EXPECT_EQ(code_of([&] { store->fetch(std::span(&absent, 1), {}, {}, {.max_request = 100'000}); }),
            Errc::not_found);
}

TEST(Limited, AnUploadCountsItsParts) {
  const auto memory = make_memory();
  const auto write = [&](unsigned burst, std::size_t bytes) {
    const auto store = limited(memory, {.rate = kNever, .burst = burst, .part_size = 100});
    const Context context = Context().with_deadline(Context::Clock::now() + milliseconds(20));
    return code_of([&] { store->put("key", Buffer(bytes), {}, context); });
  };
  EXPECT_EQ(write(1, 0), std::nullopt);
  EXPECT_EQ(write(1, 100), std::nullopt);
  EXPECT_EQ(write(3, 101), std::nullopt) << "two parts, and the end of the upload";
  EXPECT_EQ(write(2, 101), Errc::deadline_exceeded);
  EXPECT_EQ(write(4, 301), Errc::deadline_exceeded);
}

TEST(Limited, RefusesARateThatIsNone) {
  for (const double rate :
       {-1.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(code_of([&] { (void)limited(make_memory(), {.rate = rate}); }),
              Errc::invalid_argument);
  }
}

}  // namespace
}  // namespace cnf::storage
