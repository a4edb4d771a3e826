// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/index/rtree.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <ostream>
#include <random>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/index/interval.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/index/tree_testing_internal.h"
#include "cnf/core/util/error.h"

namespace cnf::index {

// NOLINTNEXTLINE(readability-identifier-naming): gtest looks for it by this name
void PrintTo(const SpatialBox& box, std::ostream* out) {
  *out << fmt::format("({}, {}, {}) to ({}, {}, {})", box.low[0], box.low[1], box.low[2],
                      box.high[0], box.high[1], box.high[2]);
}

namespace {

using testing::AddedRow;
using testing::build;
using testing::counting_pages;
using testing::error_of;
using ::testing::HasSubstr;
using testing::pairs_of;
using testing::scan;

using Rows = std::vector<AddedRow<RTreeTraits>>;
using Pairs = testing::Pairs<RTreeTraits>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kMax = std::numeric_limits<double>::max();
constexpr SpatialBox kAll{{-kMax, -kMax, -kMax}, {kMax, kMax, kMax}};

SpatialBox point(double x, double y, double z) { return {{x, y, z}, {x, y, z}}; }

// The definition, said as plainly as it can be.
bool meet(const SpatialBox& a, const SpatialBox& b) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (a.low[axis] > b.high[axis] || b.low[axis] > a.high[axis]) return false;
  }
  return true;
}

Pairs brute_force(const Rows& rows, const std::vector<SpatialBox>& query) {
  Pairs found;
  for (const auto& row : rows) {
    if (std::ranges::any_of(query, [&](const auto& box) { return meet(row.key, box); })) {
      found.emplace_back(row.key, row.columns);
    }
  }
  return found;
}

RTree open(const testing::Saved& saved) { return {counting_pages(saved), saved.info.root}; }

struct MeetCase {
  std::string_view name;
  SpatialBox key;
  SpatialBox query;
  bool found;
};
constexpr SpatialBox kUnit{{0, 0, 0}, {1, 1, 1}};
constexpr MeetCase kMeetCases[] = {
    {"same", kUnit, kUnit, true},
    {"a_face_touches", kUnit, {{1, 0, 0}, {2, 1, 1}}, true},
    {"an_edge_touches", kUnit, {{1, 1, 0}, {2, 2, 1}}, true},
    {"a_corner_touches", kUnit, {{1, 1, 1}, {2, 2, 2}}, true},
    {"apart_along_x", kUnit, {{1.0000001, 0, 0}, {2, 1, 1}}, false},
    {"apart_along_y", kUnit, {{0, -2, 0}, {1, -1e-300, 1}}, false},
    {"apart_along_z", kUnit, {{0, 0, 1.5}, {1, 1, 1.5}}, false},
    {"point_inside", kUnit, {{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}}, true},
    {"point_at_a_point", {{3, 4, 5}, {3, 4, 5}}, {{3, 4, 5}, {3, 4, 5}}, true},
    {"point_beside_a_point", {{3, 4, 5}, {3, 4, 5}}, {{3, 4, 5.0625}, {3, 4, 6}}, false},
    {"zeros_of_both_signs", {{-0.0, 0, 0}, {-0.0, 0, 0}}, {{0.0, -0.0, 0}, {0.0, -0.0, 0}}, true},
    {"all_there_is", kUnit, kAll, true},
    {"key_over_all_there_is", kAll, {{-5, 7, 1e300}, {-5, 7, 1e300}}, true},
    {"in_a_plane", {{1, 2, 0}, {3, 4, 0}}, {{2, 3, 0}, {2, 3, 0}}, true},
};
TEST(RTree, Meeting) {
  for (const auto& row : kMeetCases) {
    const auto tree = open(build<RTreeTraits>({}, {{row.key, {}}}));
    EXPECT_EQ(tree.find({row.query}, {}).size(), row.found ? 1U : 0U) << row.name;
    EXPECT_EQ(meet(row.key, row.query), row.found) << row.name << ": the oracle";
  }
}

// As particles lie (points with fractions), labels (boxes), and tiles (a plane).
SpatialBox random_box(std::mt19937_64& random, int kind) {
  const auto coordinate = [&] { return static_cast<double>(random() % 4'000) / 4 - 100; };
  SpatialBox box = point(coordinate(), coordinate(), kind == 2 ? 0 : coordinate());
  if (kind == 0) return box;
  for (std::size_t axis = 0; axis < (kind == 2 ? 2U : 3U); ++axis) {
    box.high[axis] += static_cast<double>(random() % (1U << random() % 9)) / 2;
  }
  return box;
}

Rows random_rows(std::mt19937_64& random, std::size_t count, bool ordered) {
  const int kind = static_cast<int>(random() % 3);
  std::vector<SpatialBox> boxes(count);
  for (SpatialBox& box : boxes) box = random_box(random, kind);
  std::vector<std::uint64_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  if (ordered) order = hilbert_order(boxes);
  Rows rows;
  for (const std::uint64_t place : order) rows.push_back({boxes[place], {place, random()}});
  return rows;
}

TEST(RTree, RandomQueriesEqualBruteForce) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    const Rows rows = random_rows(random, random() % 700, random() % 4 != 0);
    const TreeOptions options{.page_rows = 1 + random() % 9,
                              .page_children = 2 + random() % 5,
                              .columns = 2,
                              .summed = random() % 3};
    const auto tree = open(build<RTreeTraits>(options, rows));
    ASSERT_EQ(tree.rows(), rows.size());
    ASSERT_EQ(scan(tree), pairs_of<RTreeTraits>(rows));
    for (int i = 0; i < 40; ++i) {
      std::vector<SpatialBox> query(random() % 5);
      for (SpatialBox& box : query) box = random_box(random, static_cast<int>(random() % 3));
      ASSERT_EQ(pairs_of<RTreeTraits>(tree.find(query, {})), brute_force(rows, query));
    }
  }
}

TEST(RTree, ThousandsOfBoxesAreAskedForAtOnce) {
  std::mt19937_64 random(7);
  const Rows rows = random_rows(random, 2'000, true);
  std::vector<SpatialBox> query(2'000);
  for (SpatialBox& box : query) box = random_box(random, 0);
  query[100] = kAll;
  const auto tree = open(build<RTreeTraits>({.page_rows = 20, .columns = 2}, rows));
  EXPECT_EQ(tree.find(query, {}).size(), rows.size());
  query.erase(query.begin() + 100);
  EXPECT_EQ(pairs_of<RTreeTraits>(tree.find(query, {})), brute_force(rows, query));
}

// A page is a compact part of space: a small box in it is in few pages, whatever order they came
// in.
TEST(RTree, InHilbertOrderASmallBoxIsInFewPages) {
  std::mt19937_64 random(11);
  std::vector<SpatialBox> boxes;
  for (int i = 0; i < 64'000; ++i) {
    boxes.push_back(point(static_cast<double>(random() % 1'000),
                          static_cast<double>(random() % 900),
                          static_cast<double>(random() % 300)));
  }
  Rows rows;
  for (const std::uint64_t place : hilbert_order(boxes)) rows.push_back({boxes[place], {place}});
  const auto saved = build<RTreeTraits>({.page_rows = 500, .columns = 1}, rows);
  const auto pages = counting_pages(saved);
  const RTree tree(pages, saved.info.root);
  std::size_t found = 0;
  constexpr std::size_t kQueries = 200;
  for (std::size_t i = 0; i < kQueries; ++i) {
    const SpatialBox& at = boxes[random() % boxes.size()];
    SpatialBox box = at;
    for (std::size_t axis = 0; axis < 3; ++axis) box.high[axis] += 50;
    found += tree.find({box}, {}).size();
  }
  EXPECT_GT(found, kQueries);
  EXPECT_EQ(pages->reads, kQueries);
  // 128 pages in all, each about a fifth of the volume's side long: a box of a twentieth meets two
  // or three of them.
  EXPECT_LE(pages->pages, kQueries * 4);
}

TEST(HilbertOrder, IsAPermutationAndSaysTiesInTheirOrder) {
  std::vector<SpatialBox> boxes(10, point(1, 2, 3));
  std::vector<std::uint64_t> expected(10);
  std::iota(expected.begin(), expected.end(), 0U);
  EXPECT_EQ(hilbert_order(boxes), expected);
  EXPECT_TRUE(hilbert_order({}).empty());

  std::mt19937_64 random(3);
  for (SpatialBox& box : boxes) box = random_box(random, 1);
  std::vector<std::uint64_t> order = hilbert_order(boxes);
  std::ranges::sort(order);
  EXPECT_EQ(order, expected);
}

// What makes the curve the Hilbert curve: on a grid whose side is a power of two, each step goes to
// a neighbour. In space, in each plane, on a line.
TEST(HilbertOrder, StepsToANeighbourOnAGrid) {
  constexpr std::array<std::array<int, 3>, 7> kGrids{
      {{8, 8, 8}, {16, 16, 1}, {16, 1, 16}, {1, 16, 16}, {64, 1, 1}, {1, 64, 1}, {1, 1, 64}}};
  for (const auto& grid : kGrids) {
    std::vector<SpatialBox> boxes;
    for (int x = 0; x < grid[0]; ++x) {
      for (int y = 0; y < grid[1]; ++y) {
        for (int z = 0; z < grid[2]; ++z) boxes.push_back(point(x - 3, 2 * y, z / 8.0));
      }
    }
    const std::vector<std::uint64_t> order = hilbert_order(boxes);
    ASSERT_EQ(order.size(), boxes.size());
    for (std::size_t i = 1; i < order.size(); ++i) {
      const SpatialBox& a = boxes[order[i - 1]];
      const SpatialBox& b = boxes[order[i]];
      const double steps = std::abs(a.low[0] - b.low[0]) + std::abs(a.low[1] - b.low[1]) / 2 +
                           std::abs(a.low[2] - b.low[2]) * 8;
      ASSERT_EQ(steps, 1) << ::testing::PrintToString(a) << " to " << ::testing::PrintToString(b);
    }
  }
}

TEST(HilbertOrder, TheLargestNumbersDoNotOverflow) {
  const std::vector<SpatialBox> boxes{point(kMax, kMax, kMax), kAll, point(-kMax, -kMax, -kMax)};
  EXPECT_EQ(hilbert_order(boxes).size(), 3U);
  const auto tree = open(build<RTreeTraits>({}, {{boxes[0], {}}, {boxes[1], {}}, {boxes[2], {}}}));
  EXPECT_EQ(tree.find(boxes, {}).size(), 3U);
  EXPECT_EQ(tree.find({point(kMax, kMax, kMax)}, {}).size(), 2U);
}

TEST(RTreeBuilder, RefusesBoxesThatAreNone) {
  const SpatialBox bad[] = {{{1, 0, 0}, {0, 0, 0}},
                            {{0, 0, 2}, {0, 0, 1}},
                            point(0, kNan, 0),
                            point(0, 0, kInfinity),
                            {{-kInfinity, 0, 0}, {0, 0, 0}}};
  const auto tree = open(build<RTreeTraits>({}, {{kUnit, {}}}));
  for (const SpatialBox& box : bad) {
    EXPECT_EQ(error_of([&] {
                return build<RTreeTraits>({}, {{box, {}}});
              }).code(),
              Errc::invalid_argument)
        << ::testing::PrintToString(box);
    EXPECT_EQ(error_of([&] { return tree.find({box}, {}); }).code(), Errc::invalid_argument);
    EXPECT_EQ(error_of([&] { return hilbert_order(std::vector{box}); }).code(),
              Errc::invalid_argument);
  }
  EXPECT_THAT(error_of([&] { return tree.find({bad[0]}, {}); }).what(),
              HasSubstr("box (1, 0, 0) to (0, 0, 0): it ends before it begins"));
}

TEST(RTree, OfAnotherKindIsRefused) {
  const auto saved = build<RTreeTraits>({}, {{kUnit, {}}});
  const Error error = error_of([&] { return IntervalTree(counting_pages(saved), saved.bytes); });
  EXPECT_EQ(error.code(), Errc::corrupt_data);
  EXPECT_THAT(error.what(), HasSubstr("it is an R-tree, not an interval tree"));
}

}  // namespace
}  // namespace cnf::index
