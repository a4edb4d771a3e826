// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/progress.h"

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cnf/core/util/error.h"

namespace cnf {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kGiB = 1024 * kMiB;

TEST(Progress, TellsItsSinkHowFarItIs) {
  std::vector<ProgressState> told;
  Progress progress([&told](const ProgressState& state) { told.push_back(state); },
                    milliseconds(0));
  progress.set_total(100);
  progress.add(10, 1);
  progress.add(20, 2);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].bytes, 10U);
  EXPECT_EQ(told[1].bytes, 30U);
  EXPECT_EQ(told[1].records, 3U);
  EXPECT_EQ(told[1].total_bytes, 100U);
}

TEST(Progress, TellsNoMoreOftenThanAskedButAlwaysTheEndOnce) {
  std::vector<ProgressState> told;
  Progress progress([&told](const ProgressState& state) { told.push_back(state); }, hours(24));
  for (int i = 0; i < 100; ++i) progress.add(1, 0);
  EXPECT_TRUE(told.empty());
  progress.finish();
  progress.finish();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].bytes, 100U);
}

TEST(Progress, IsSilentAfterTheEnd) {
  int told = 0;
  Progress progress([&told](const ProgressState&) { ++told; }, milliseconds(0));
  progress.finish();
  progress.add(1, 1);
  EXPECT_EQ(told, 1);
}

TEST(Progress, WithoutASinkItOnlyCounts) {
  Progress progress;
  progress.add(7, 2);
  progress.finish();
  EXPECT_EQ(progress.state().bytes, 7U);
  EXPECT_EQ(progress.state().records, 2U);
}

TEST(Progress, OneThreadAtATimeTells) {
  int telling = 0;  // not atomic: the thread sanitizer sees it if two threads are in the sink
  int told = 0;
  Progress progress(
      [&](const ProgressState&) {
        EXPECT_EQ(telling++, 0);
        ++told;
        --telling;
      },
      milliseconds(0));
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&progress] {
        for (int n = 0; n < 1000; ++n) progress.add(1, 1);
      });
    }
  }
  progress.finish();
  EXPECT_EQ(progress.state().bytes, 4000U);
  EXPECT_GE(told, 1);
}

ProgressState state_of(std::uint64_t bytes, std::uint64_t total, std::uint64_t records,
                       double seconds) {
  return {.bytes = bytes,
          .total_bytes = total,
          .records = records,
          .elapsed = std::chrono::duration<double>(seconds)};
}

TEST(Describe, WhatATerminalShows) {
  const std::uint64_t done = 1280 * kMiB;
  EXPECT_EQ(describe(state_of(done, 4 * kGiB, 12'300'000, 16)),
            "1.2 GiB of 4.0 GiB, 31 %, 12.3 M records, 80.0 MiB/s, 36 s left");
  EXPECT_EQ(describe(state_of(done, 0, 999, 16)), "1.2 GiB, 999 records, 80.0 MiB/s");
  EXPECT_EQ(describe(state_of(0, 0, 0, 0)), "0 B");
  EXPECT_EQ(describe(state_of(0, kGiB, 0, 5)), "0 B of 1.0 GiB, 0 %");
  EXPECT_EQ(describe(state_of(kGiB, kGiB, 0, 1)), "1.0 GiB of 1.0 GiB, 100 %, 1.0 GiB/s");
  EXPECT_EQ(describe(state_of(2 * kGiB, kGiB, 0, 1)), "2.0 GiB of 1.0 GiB, 100 %, 2.0 GiB/s");
  EXPECT_EQ(describe(state_of(kMiB, 301 * kMiB, 0, 1)),
            "1.0 MiB of 301 MiB, 0 %, 1.0 MiB/s, 5 min left");
  EXPECT_EQ(describe(state_of(kMiB, 10'801 * kMiB, 0, 1)),
            "1.0 MiB of 10.5 GiB, 0 %, 1.0 MiB/s, 3 h 0 min left");
}

struct SizeCase {
  std::uint64_t bytes;
  std::string_view want;
};
constexpr SizeCase kSizeCases[] = {
    {0, "0 B"},
    {1023, "1023 B"},
    {1024, "1.0 KiB"},
    {1536, "1.5 KiB"},
    {100 * kKiB, "100 KiB"},
    {kMiB - 1, "1.0 MiB"},
    {kMiB - 600, "1023 KiB"},
    {3 * kGiB / 2, "1.5 GiB"},
    {std::numeric_limits<std::uint64_t>::max(), "16.0 EiB"},
};

TEST(FormatSize, BinaryUnits) {
  for (const auto& row : kSizeCases) EXPECT_EQ(format_size(row.bytes), row.want) << row.bytes;
}

struct ParseCase {
  std::string_view text;
  std::uint64_t want;
};
constexpr ParseCase kParseCases[] = {
    {"0", 0},
    {"512", 512},
    {"1K", kKiB},
    {"64M", 64 * kMiB},
    {"64MiB", 64 * kMiB},
    {"1.5G", 3 * kGiB / 2},
    {"0.5KiB", 512},
    {"2T", 2048 * kGiB},
    {"3.0", 3},
    {"18446744073709551615", std::numeric_limits<std::uint64_t>::max()},
    {"16777215.99999999999999999999T", std::numeric_limits<std::uint64_t>::max()},
    {"16777215T", 16777215 * (1024 * kGiB)},
};

TEST(ParseSize, WhatIsUnderstood) {
  for (const auto& row : kParseCases) EXPECT_EQ(parse_size(row.text), row.want) << row.text;
}

TEST(ParseSize, WhatIsRefused) {
  for (const std::string_view text : {"",
                                      "M",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 M",
                                      "1m",
                                      "1MB",
                                      "1Mi",
                                      "1.M",
                                      "1.5",
                                      ".5M",
                                      "1e3",
                                      "1..2M",
                                      "0x10",
                                      "64MiBx",
                                      "18446744073709551616",
                                      "16777216T",
                                      "inf",
                                      "nan",
                                      "1,5G"}) {
    try {
      (void)parse_size(text);
      ADD_FAILURE() << text << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument) << text;
      EXPECT_NE(std::string_view(error.what()).find("write it as"), std::string_view::npos);
    }
  }
}

RC_GTEST_PROP(ParseSize, ReadsEveryNumberOfBytes, (std::uint64_t bytes)) {
  RC_ASSERT(parse_size(std::to_string(bytes)) == bytes);
}

}  // namespace
}  // namespace cnf
