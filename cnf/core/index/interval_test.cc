// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/index/interval.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <ostream>
#include <random>
#include <string_view>
#include <tuple>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/index/paged_tree.h"
#include "cnf/core/index/tree_testing_internal.h"
#include "cnf/core/util/error.h"

namespace cnf::index {

// NOLINTNEXTLINE(readability-identifier-naming): gtest looks for it by this name
void PrintTo(const Interval& interval, std::ostream* out) {
  *out << fmt::format("{}:[{}, {})", interval.sequence, interval.start, interval.end);
}

namespace {

using testing::AddedRow;
using testing::build;
using testing::counting_pages;
using testing::error_of;
using ::testing::HasSubstr;
using testing::pairs_of;
using testing::scan;

using Rows = std::vector<AddedRow<IntervalTraits>>;
using Pairs = testing::Pairs<IntervalTraits>;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

// The definition, said as plainly as it can be.
bool overlaps(Interval a, Interval b) {
  a.end = std::max(a.end, a.start + 1);
  b.end = std::max(b.end, b.start + 1);
  return a.sequence == b.sequence && a.start < b.end && b.start < a.end;
}

Pairs brute_force(const Rows& rows, const std::vector<Interval>& query) {
  Pairs found;
  for (const auto& row : rows) {
    if (std::ranges::any_of(query, [&](const auto& q) { return overlaps(row.key, q); })) {
      found.emplace_back(row.key, row.columns);
    }
  }
  return found;
}

IntervalTree open(const testing::Saved& saved) { return {counting_pages(saved), saved.info.root}; }

struct OverlapCase {
  std::string_view name;
  Interval key;
  Interval query;
  bool found;
};
constexpr OverlapCase kOverlapCases[] = {
    {"same", {1, 10, 20}, {1, 10, 20}, true},
    {"touch_before", {1, 10, 20}, {1, 0, 10}, false},
    {"touch_after", {1, 10, 20}, {1, 20, 30}, false},
    {"one_base_at_the_left", {1, 10, 20}, {1, 0, 11}, true},
    {"one_base_at_the_right", {1, 10, 20}, {1, 19, 30}, true},
    {"inside", {1, 10, 20}, {1, 12, 13}, true},
    {"around", {1, 10, 20}, {1, 0, 100}, true},
    {"other_sequence_before", {1, 10, 20}, {0, 10, 20}, false},
    {"other_sequence_after", {1, 10, 20}, {2, 10, 20}, false},
    {"empty_key_inside", {1, 15, 15}, {1, 10, 20}, true},
    {"empty_key_at_the_first", {1, 10, 10}, {1, 10, 20}, true},
    {"empty_key_at_the_end", {1, 20, 20}, {1, 10, 20}, false},
    {"empty_query_inside", {1, 10, 20}, {1, 15, 15}, true},
    {"empty_query_at_the_first", {1, 10, 20}, {1, 10, 10}, true},
    {"empty_query_at_the_end", {1, 10, 20}, {1, 20, 20}, false},
    {"both_empty_same", {1, 10, 10}, {1, 10, 10}, true},
    {"both_empty_apart", {1, 10, 10}, {1, 11, 11}, false},
    {"unplaced_position", {1, -1, 0}, {1, -1, 0}, true},
    {"all_there_is", {1, 10, 20}, {1, kMin, kMax}, true},
    {"key_over_all_there_is", {1, kMin, kMax}, {1, 5, 6}, true},
    {"greatest_sequence", {0xffffffff, 0, 9}, {0xffffffff, 8, 9}, true},
};
TEST(IntervalTree, Overlap) {
  for (const auto& row : kOverlapCases) {
    const auto tree = open(build<IntervalTraits>({}, {{row.key, {}}}));
    EXPECT_EQ(tree.find({row.query}, {}).size(), row.found ? 1U : 0U) << row.name;
    EXPECT_EQ(overlaps(row.key, row.query), row.found) << row.name << ": the oracle";
  }
}

// As alignments, transcripts or speech lie: mostly short, a few very long, several sequences.
Rows random_rows(std::mt19937_64& random, std::size_t count, std::int64_t span) {
  Rows rows;
  const std::uint64_t sequences = 1 + random() % 5;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t length =
        random() % 50 == 0 ? static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(span))
                           : static_cast<std::int64_t>(random() % 8);
    const auto start = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(span)) - 5;
    rows.push_back({{static_cast<std::uint32_t>(random() % sequences), start, start + length}, {}});
  }
  std::ranges::stable_sort(
      rows, {}, [](const auto& row) { return std::tuple(row.key.sequence, row.key.start); });
  for (std::size_t i = 0; i < count; ++i) rows[i].columns = {i, random(), 7};
  return rows;
}

TEST(IntervalTree, RandomQueriesEqualBruteForce) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    const Rows rows = random_rows(random, random() % 700, 1 + static_cast<int>(random() % 2000));
    const TreeOptions options{.page_rows = 1 + random() % 9,
                              .page_children = 2 + random() % 5,
                              .columns = 3,
                              .summed = random() % 4};
    const auto tree = open(build<IntervalTraits>(options, rows));
    ASSERT_EQ(tree.rows(), rows.size());
    ASSERT_EQ(scan(tree), pairs_of<IntervalTraits>(rows));
    for (int i = 0; i < 40; ++i) {
      std::vector<Interval> query(random() % 5);
      for (Interval& interval : query) {
        interval.sequence = static_cast<std::uint32_t>(random() % 6);
        interval.start = static_cast<std::int64_t>(random() % 2100) - 10;
        interval.end = interval.start + static_cast<std::int64_t>(random() % (1U << random() % 12));
      }
      ASSERT_EQ(pairs_of<IntervalTraits>(tree.find(query, {})), brute_force(rows, query));
    }
  }
}

TEST(IntervalTree, AnyNumberOfQueriesGivesEachRowOnce) {
  Rows rows;
  for (std::int64_t i = 0; i < 100; ++i) rows.push_back({{0, i, i + 50}, {}});
  const auto tree = open(build<IntervalTraits>({.page_rows = 4}, rows));
  const std::vector<Interval> query{
      {0, 60, 70}, {0, 10, 20}, {0, 65, 90}, {0, 10, 20}, {0, 20, 25}};
  EXPECT_EQ(pairs_of<IntervalTraits>(tree.find(query, {})), brute_force(rows, query));
  EXPECT_TRUE(tree.find({}, {}).empty());
}

// What a long row costs: the pages it lies in, not those between.
TEST(IntervalTree, LongRowsDoNotDragOthersAlong) {
  Rows rows;
  for (std::int64_t i = 0; i < 10'000; ++i) rows.push_back({{0, i * 10, i * 10 + 10}, {}});
  rows[5].key.end = 100'000;  // one transcript over everything
  const auto saved = build<IntervalTraits>({.page_rows = 100}, rows);
  const auto pages = counting_pages(saved);
  const IntervalTree tree(pages, saved.info.root);
  EXPECT_EQ(tree.find({{0, 70'001, 70'002}}, {}).size(), 2U);
  EXPECT_EQ(pages->pages, 2U);
  EXPECT_EQ(pages->reads, 1U);
}

// A page in which one sequence ends and the next begins is not read for every query of the latter.
TEST(IntervalTree, TheEndOfOneSequenceHidesNothingOfTheNext) {
  Rows rows;
  for (std::int64_t i = 0; i < 150; ++i) rows.push_back({{0, 1'000'000 + i, 2'000'000}, {}});
  for (std::int64_t i = 0; i < 150; ++i) rows.push_back({{1, i, i + 1}, {}});
  const auto saved = build<IntervalTraits>({.page_rows = 100}, rows);
  const auto pages = counting_pages(saved);
  EXPECT_EQ(IntervalTree(pages, saved.info.root).find({{1, 120, 121}}, {}).size(), 1U);
  EXPECT_EQ(pages->pages, 1U);
}

TEST(IntervalTreeBuilder, RefusesKeysOutOfOrderOrOutOfRange) {
  const Interval bad[] = {{1, 9, 20}, {0, 50, 60}, {1, 20, 19}, {1, kMax, kMax}};
  for (const Interval& key : bad) {
    const Error error = error_of([&] {
      return build<IntervalTraits>({}, {{{1, 10, 20}, {}}, {key, {}}});
    });
    EXPECT_EQ(error.code(), Errc::invalid_argument) << ::testing::PrintToString(key);
  }
  EXPECT_THAT(error_of([] {
                return build<IntervalTraits>({}, {{{1, 10, 20}, {}}, {{1, 9, 20}, {}}});
              }).what(),
              HasSubstr("interval at 9 of sequence 1: it comes after one at 10 of sequence 1"));
}

TEST(IntervalTree, RefusesQueriesOutOfRange) {
  const auto tree = open(build<IntervalTraits>({}, {{{1, 10, 20}, {}}}));
  for (const Interval& bad : {Interval{1, 20, 19}, Interval{1, kMax, kMax}}) {
    EXPECT_EQ(error_of([&] { return tree.find({bad}, {}); }).code(), Errc::invalid_argument);
  }
}

}  // namespace
}  // namespace cnf::index
