// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/chunk/chunk.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/error.h"

namespace cnf::chunk {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

template <typename Call>
Errc code_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::internal;
}

TEST(FixedStrategy, CutsByEncodedBytes) {
  const FixedStrategy strategy(100);
  EXPECT_EQ(strategy.name(), "fixed");
  EXPECT_EQ(strategy.chunk_size(), 100U);
  EXPECT_FALSE(strategy.ends_before({.records = 5, .bytes = 99}, {}));
  EXPECT_TRUE(strategy.ends_before({.records = 5, .bytes = 100}, {}));
  EXPECT_TRUE(strategy.ends_before({.records = 1, .bytes = 5'000}, {})) << "one large record";
  EXPECT_FALSE(strategy.ends_before({.records = 0, .bytes = 100}, {})) << "no chunk is empty";
}

TEST(FixedStrategy, HasNoPlanWithoutTheData) {
  EXPECT_EQ(code_of([] { return FixedStrategy(100).plan({0, 0}, {0, 10}); }), Errc::unsupported);
}

struct CutCase {
  std::string_view name;
  Key first;
  Key next;
  bool ends;
};
constexpr CutCase kCutCases[] = {
    {"same_span", {1, 1'000}, {1, 1'999}, false},
    {"next_span", {1, 1'000}, {1, 2'000}, true},
    {"later_span", {1, 1'999}, {1, 9'000}, true},
    {"next_sequence_same_position", {1, 1'000}, {2, 1'000}, true},
    {"unplaced_then_placed", {1, -1}, {1, 0}, true},
    {"unplaced_together", {1, -1}, {1, -1}, false},
    {"at_the_end_of_all", {1, kMax - 1}, {1, kMax}, false},
};
TEST(CoordinateStrategy, CutsAtMultiplesOfItsSpan) {
  const CoordinateStrategy strategy(1'000);
  EXPECT_EQ(strategy.name(), "coordinate");
  for (const auto& row : kCutCases) {
    EXPECT_EQ(strategy.ends_before({.records = 1, .bytes = 1, .first = row.first}, row.next),
              row.ends)
        << row.name;
  }
  EXPECT_FALSE(strategy.ends_before({}, {7, 5'000})) << "no chunk is empty";
}

TEST(CoordinateStrategy, PlansTheChunksOfAnExtent) {
  const CoordinateStrategy strategy(1'000);
  const std::vector<ChunkInfo> chunks = strategy.plan({3, 999}, {3, 2'001});
  ASSERT_EQ(chunks.size(), 3U);
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    EXPECT_EQ(chunks[i].number, i);
    EXPECT_EQ(chunks[i].begin.sequence, 3U);
    EXPECT_EQ(chunks[i].begin.position, static_cast<std::int64_t>(i) * 1'000);
    EXPECT_EQ(chunks[i].end.position, static_cast<std::int64_t>(i + 1) * 1'000);
  }
  EXPECT_EQ(strategy.plan({3, 999}, {3, 2'000}).size(), 2U) << "half-open";
  EXPECT_TRUE(strategy.plan({3, 5}, {3, 5}).empty());
  EXPECT_EQ(strategy.plan({0, kMax - 1}, {0, kMax}).at(0).end.position, kMax);
}

// A record is in the chunk that the plan of its own position names.
TEST(CoordinateStrategy, PlanAndCutsAgree) {
  const CoordinateStrategy strategy(7);
  Fill fill{.records = 1, .bytes = 1, .first = {0, 0}};
  std::uint64_t number = 0;
  for (std::int64_t position = 0; position < 100; ++position) {
    if (strategy.ends_before(fill, {0, position})) {
      ++number;
      fill.first = {0, position};
    }
    EXPECT_EQ(strategy.plan({0, position}, {0, position + 1}).at(0).number, number);
  }
}

TEST(Strategy, RefusesWhatMakesNoSense) {
  EXPECT_EQ(code_of([] { return FixedStrategy(0); }), Errc::invalid_argument);
  EXPECT_EQ(code_of([] { return CoordinateStrategy(0); }), Errc::invalid_argument);
  EXPECT_EQ(code_of([] { return CoordinateStrategy(~0ULL); }), Errc::invalid_argument);
  const CoordinateStrategy strategy(1);
  EXPECT_EQ(code_of([&] { return strategy.plan({0, 0}, {1, 10}); }), Errc::invalid_argument);
  EXPECT_EQ(code_of([&] { return strategy.plan({0, -5}, {0, 10}); }), Errc::invalid_argument);
  EXPECT_EQ(code_of([&] { return strategy.plan({0, 0}, {0, kMax}); }), Errc::invalid_argument);
}

}  // namespace
}  // namespace cnf::chunk
