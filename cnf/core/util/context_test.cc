// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/context.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <stop_token>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/error.h"

namespace cnf {
namespace {

using std::chrono::seconds;
using Time = Context::Clock::time_point;

Errc code_of_check(const Context& context, Time now) {
  try {
    context.check_at(now, "read", "s3://b/k");
  } catch (const Error& error) {
    EXPECT_EQ(error.subject(), "s3://b/k");
    EXPECT_TRUE(std::string_view(error.what()).starts_with("read s3://b/k: ")) << error.what();
    return error.code();
  }
  return Errc::internal;  // did not throw
}

TEST(Context, TheDefaultOneNeverStops) {
  const Context context;
  context.check("read", "k");
  context.check_at(Time::max() - seconds(1), "read", "k");
  EXPECT_EQ(context.accounting().snapshot().total_requests(), 0U);
}

TEST(Context, StopsWhenAskedTo) {
  const std::stop_source source;
  const Context context = Context().with_stop(source.get_token());
  context.check("read", "s3://b/k");
  source.request_stop();
  EXPECT_EQ(code_of_check(context, Time{}), Errc::cancelled);
  EXPECT_EQ(code_of_check(Context(source.get_token()), Time{}), Errc::cancelled);
}

TEST(Context, TheEarlierDeadlineHolds) {
  const Time early{seconds(10)};
  const Time late{seconds(20)};
  for (const Context& context : {Context().with_deadline(early).with_deadline(late),
                                 Context().with_deadline(late).with_deadline(early)}) {
    EXPECT_EQ(context.deadline(), early);
    context.check_at(early - seconds(1), "read", "k");
    EXPECT_EQ(code_of_check(context, early), Errc::deadline_exceeded);
  }
}

TEST(Context, CheckReadsTheRealClock) {
  const Context past = Context().with_deadline(Context::Clock::now());
  EXPECT_THROW(past.check("read", "k"), Error);
}

TEST(Context, CancellingIsToldBeforeTheDeadline) {
  const std::stop_source source;
  source.request_stop();
  const Context context = Context(source.get_token()).with_deadline(Time{});
  EXPECT_EQ(code_of_check(context, Time{seconds(1)}), Errc::cancelled);
}

TEST(Context, CopiesShareTheAccounting) {
  const Context context;
  const Context copy = context.with_deadline(Time::max());
  copy.accounting().add_request(RequestKind::get);
  EXPECT_EQ(context.accounting().snapshot().count(RequestKind::get), 1U);

  const auto separate = std::make_shared<Accounting>();
  context.with_accounting(separate).accounting().add_retry();
  EXPECT_EQ(separate->snapshot().retries, 1U);
  EXPECT_EQ(context.accounting().snapshot().retries, 0U);
}

TEST(Accounting, CountsWhatManyThreadsAdd) {
  Accounting accounting;
  constexpr std::uint64_t kEach = 1000;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&accounting] {
        for (std::uint64_t n = 0; n < kEach; ++n) {
          accounting.add_request(RequestKind::get);
          accounting.add_request(RequestKind::put);
          accounting.add_wanted(2);
          accounting.add_fetched(3);
          accounting.add_sent(5);
          accounting.add_retry();
          accounting.add_throttle();
        }
      });
    }
  }
  const Usage usage = accounting.snapshot();
  EXPECT_EQ(usage.count(RequestKind::get), 4 * kEach);
  EXPECT_EQ(usage.count(RequestKind::head), 0U);
  EXPECT_EQ(usage.total_requests(), 8 * kEach);
  EXPECT_EQ(usage.bytes_wanted, 8 * kEach);
  EXPECT_EQ(usage.bytes_fetched, 12 * kEach);
  EXPECT_EQ(usage.bytes_sent, 20 * kEach);
  EXPECT_EQ(usage.retries, 4 * kEach);
  EXPECT_EQ(usage.throttles, 4 * kEach);
}

TEST(Accounting, EveryKindOfRequestHasItsOwnName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kRequestKinds; ++i) {
    names.insert(to_string(static_cast<RequestKind>(i)));
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"get", "head", "put", "list", "remove", "copy"}));
  EXPECT_EQ(to_string(static_cast<RequestKind>(kRequestKinds)), "unknown");
}

}  // namespace
}  // namespace cnf
