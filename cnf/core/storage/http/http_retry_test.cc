// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cnf/core/storage/http/http_retry_internal.h"

namespace cnf::storage {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Retry = HttpFailure::Retry;

TEST(ParseRetryAfter, ReadsSecondsAndDates) {
  const auto now = std::chrono::sys_days(std::chrono::year(2024) / 2 / 1);
  EXPECT_EQ(parse_retry_after("0", now), milliseconds(0));
  EXPECT_EQ(parse_retry_after("120", now), seconds(120));
  EXPECT_EQ(parse_retry_after("Thu, 01 Feb 2024 00:00:07 GMT", now), seconds(7));
  EXPECT_EQ(parse_retry_after("Wed, 31 Jan 2024 00:00:00 GMT", now), seconds(0)) << "it has passed";
}

TEST(ParseRetryAfter, HostileValuesAreNoneOrFinite) {
  const auto now = std::chrono::sys_days(std::chrono::year(2024) / 2 / 1);
  for (const auto* text : {"", "-1", "1.5", "soon", " "}) {
    EXPECT_EQ(parse_retry_after(text, now), std::nullopt) << '"' << text << '"';
  }
  EXPECT_GT(parse_retry_after("99999999999999999999999999", now), seconds(1'000'000));
}

TEST(FailureOfStatus, SaysWhatMayPass) {
  struct Row {
    int status;
    Errc code;
    Retry retry;
  };
  const Row rows[] = {
      {302, Errc::invalid_argument, Retry::no},    {400, Errc::invalid_argument, Retry::no},
      {401, Errc::unauthenticated, Retry::no},     {403, Errc::permission_denied, Retry::no},
      {404, Errc::not_found, Retry::no},           {408, Errc::unavailable, Retry::yes},
      {412, Errc::precondition_failed, Retry::no}, {416, Errc::corrupt_data, Retry::no},
      {429, Errc::throttled, Retry::throttled},    {500, Errc::unavailable, Retry::yes},
      {501, Errc::unsupported, Retry::no},         {502, Errc::unavailable, Retry::yes},
      {503, Errc::throttled, Retry::throttled},    {504, Errc::unavailable, Retry::yes},
      {507, Errc::out_of_space, Retry::no},        {599, Errc::unavailable, Retry::no},
      {0, Errc::invalid_argument, Retry::no},
  };
  for (const auto& row : rows) {
    const auto failure = failure_of_status(row.status);
    ASSERT_TRUE(failure) << row.status;
    EXPECT_EQ(failure->code, row.code) << row.status;
    EXPECT_EQ(failure->retry, row.retry) << row.status;
  }
  EXPECT_FALSE(failure_of_status(200));
  EXPECT_FALSE(failure_of_status(206));
}

TEST(AdaptiveLimit, HalvesOncePerRoundAndGrowsByOnePerRound) {
  const auto start = Context::Clock::now();
  AdaptiveLimit limit(16);
  limit.throttled(start, start + seconds(1));
  EXPECT_EQ(limit.limit(), 8U);
  limit.throttled(start, start + seconds(2));
  EXPECT_EQ(limit.limit(), 8U) << "it was sent before the limit was halved";
  limit.throttled(start + seconds(2), start + seconds(3));
  EXPECT_EQ(limit.limit(), 4U);
  for (int i = 0; i < 4; ++i) limit.succeeded();
  EXPECT_EQ(limit.limit(), 5U);
  for (int i = 0; i < 1000; ++i) limit.succeeded();
  EXPECT_EQ(limit.limit(), 16U) << "never more than was asked for";
  for (int i = 0; i < 9; ++i) limit.throttled(start + seconds(4 + i), start + seconds(4 + i));
  EXPECT_EQ(limit.limit(), 1U) << "never none";
}

}  // namespace
}  // namespace cnf::storage
