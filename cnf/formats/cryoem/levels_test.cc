// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/formats/cryoem/levels_internal.h"

namespace cnf::cryoem {
namespace {

std::vector<Shape> places(const PyramidShape& shape) {
  ChunkOrder order(shape);
  std::vector<Shape> result;
  while (const std::optional<Shape> at = order.next()) result.push_back(*at);
  return result;
}

/// Of a level, in the order in which its chunks become complete.
std::vector<Shape> places_of_level(const PyramidShape& shape, std::size_t level) {
  std::vector<Shape> result;
  for (Shape at : places(shape)) {
    for (std::size_t axis = 0; axis < at.size(); ++axis)
      if (shape.binned[axis]) at[axis] >>= level;
    if (result.empty() || result.back() != at) result.push_back(at);
  }
  return result;
}

bool has_repeats(const std::vector<Shape>& shapes) {
  std::set<std::string> seen;
  return !std::all_of(shapes.begin(), shapes.end(),
                      [&](const Shape& shape) { return seen.insert(to_string(shape)).second; });
}

/// Every chunk of every level once, and every shard of every level in one run.
void check_order(const PyramidShape& shape) {
  const std::vector<LevelPlan> levels = plan_levels(shape);
  for (std::size_t level = 0; level < levels.size(); ++level) {
    const std::vector<Shape> chunks = places_of_level(shape, level);
    ASSERT_EQ(chunks.size(), levels[level].grid.counts().elements()) << level;
    ASSERT_FALSE(has_repeats(chunks)) << level;
    std::vector<Shape> shards;
    for (const Shape& at : chunks) {
      const Shape shard = levels[level].shard_of(at);
      if (shards.empty() || shards.back() != shard) shards.push_back(shard);
    }
    ASSERT_FALSE(has_repeats(shards)) << level;
  }
}

TEST(Levels, OfATomogramInCubes) {
  const PyramidShape shape{.array = {500, 928, 960},
                           .binned = {true, true, true},
                           .chunk = {64, 64, 64},
                           .shard = {256, 512, 512}};
  const std::vector<LevelPlan> levels = plan_levels(shape);
  ASSERT_EQ(levels.size(), 5U);
  EXPECT_EQ(levels[1].grid.array(), (Shape{250, 464, 480}));
  EXPECT_EQ(levels[4].grid.array(), (Shape{32, 58, 60}));
  EXPECT_EQ(levels[4].factor, (Shape{16, 16, 16}));
  EXPECT_EQ(levels[0].shard, (Shape{256, 512, 512}));
  EXPECT_EQ(levels[2].shard, (Shape{128, 256, 256}));
  EXPECT_EQ(levels[4].shard, (Shape{64, 64, 64}));
  check_order(shape);
  // x first, then y, then z: a shard's half in z is what follows.
  EXPECT_THAT(places(shape), testing::Contains(Shape{7, 14, 14}));
  EXPECT_EQ(places(shape)[1], (Shape{0, 0, 1}));
  EXPECT_EQ(places(shape)[8 * 8 * 4 - 1], (Shape{3, 7, 7}));
}

TEST(Levels, OfATiltSeriesNeverBinTheTilts) {
  const PyramidShape shape{.array = {41, 3'838, 3'710},
                           .binned = {false, true, true},
                           .chunk = {1, 512, 512},
                           .shard = {4, 4'096, 4'096}};
  const std::vector<LevelPlan> levels = plan_levels(shape);
  ASSERT_EQ(levels.size(), 4U);
  EXPECT_EQ(levels[3].grid.array(), (Shape{41, 480, 464}));
  EXPECT_EQ(levels[3].factor, (Shape{1, 8, 8}));
  EXPECT_EQ(levels[3].shard, (Shape{4, 512, 512}));
  check_order(shape);
}

TEST(Levels, AnAxisOfLengthOneIsNotBinned) {
  const std::vector<LevelPlan> levels = plan_levels({.array = {3, 100, 1'000},
                                                     .binned = {true, true, true},
                                                     .chunk = {3, 100, 100},
                                                     .shard = {3, 100, 800}});
  ASSERT_EQ(levels.size(), 5U);
  EXPECT_EQ(levels[4].grid.array(), (Shape{1, 7, 63}));
  EXPECT_EQ(levels[4].factor, (Shape{4, 16, 16}));
  EXPECT_EQ(levels[2].step, (Shape{1, 2, 2}));
}

RC_GTEST_PROP(Levels, EveryShardOfEveryLevelIsOneRun, ()) {
  const auto side = rc::gen::inRange<std::uint64_t>(1, 90);
  const auto half = rc::gen::inRange<std::uint64_t>(1, 6);
  const auto doubled = *rc::gen::inRange<unsigned>(0, 3);
  PyramidShape shape{.array = {*side, *side, *side, *side},
                     .binned = {false, true, true, true},
                     .chunk = {*half, 2 * *half, 2 * *half, 2 * *half},
                     .shard = {}};
  for (std::size_t axis = 0; axis < 4; ++axis) {
    shape.chunk[axis] = std::min(shape.chunk[axis], shape.array[axis]);
    // The images of a shard are whole ones unless it has one.
    const unsigned more = axis == 0 ? 0 : *rc::gen::inRange<unsigned>(0, 2);
    shape.shard.push_back(shape.chunk[axis] << (doubled + more));
  }
  shape.shard[0] = shape.chunk[0];
  check_order(shape);
  RC_ASSERT(!testing::Test::HasFatalFailure());
}

TEST(Levels, RefuseWhatCannotBe) {
  const std::vector<bool> all{true, true, true};
  struct Case {
    std::string name;
    PyramidShape shape;
    std::string says;
  };
  for (const Case& row : {
           Case{"three chunks", {{96, 96, 96}, all, {32, 32, 32}, {96, 96, 96}}, "powers of two"},
           Case{"half a chunk", {{96, 96, 96}, all, {32, 32, 32}, {48, 32, 32}}, "powers of two"},
           Case{"odd", {{96, 96, 96}, all, {31, 32, 32}, {31, 32, 32}}, "odd"},
           Case{"a rod", {{512, 512, 512}, all, {32, 32, 32}, {32, 32, 256}}, "too unlike"},
           Case{"images in parts",
                {{8, 512, 512}, {false, true, true}, {1, 32, 32}, {8, 32, 32}},
                "too unlike"},
           Case{"no voxels", {{0, 1, 1}, all, {1, 1, 1}, {1, 1, 1}}, "no voxels"},
           Case{"axes", {{2, 2, 2}, all, {2, 2}, {2, 2}}, "as many sides"},
           Case{"no levels", {{2, 2, 2}, all, {2, 2, 2}, {2, 2, 2}, 0}, "0 levels"},
           Case{"levels", {{2, 2, 2}, all, {2, 2, 2}, {2, 2, 2}, 12}, "12 levels"},
       }) {
    try {
      static_cast<void>(plan_levels(row.shape));
      ADD_FAILURE() << row.name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument);
      EXPECT_THAT(error.what(), testing::HasSubstr(row.says)) << row.name;
    }
  }
}

TEST(Levels, OddChunksAreFineWithoutAPyramidOrAlone) {
  EXPECT_EQ(plan_levels({{96, 96, 96}, {true, true, true}, {31, 31, 31}, {31, 31, 31}, 1}).size(),
            1U);
  EXPECT_EQ(plan_levels({{31, 64, 64}, {true, true, true}, {31, 32, 32}, {31, 32, 32}}).size(), 2U);
}

TEST(Levels, AShapeIsFourAxesToTheKernels) {
  EXPECT_EQ(extent_of({7}), (Extent{1, 1, 1, 7}));
  EXPECT_EQ(extent_of({5, 6, 7}), (Extent{1, 5, 6, 7}));
  EXPECT_EQ(extent_of({2, 3, 5, 6, 7}), (Extent{6, 5, 6, 7}));
}

}  // namespace
}  // namespace cnf::cryoem
