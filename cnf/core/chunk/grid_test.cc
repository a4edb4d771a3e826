// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/chunk/grid.h"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"

namespace cnf::chunk {
namespace {

TEST(Grid, ChunksStickOutAndAreCut) {
  const Grid grid({500, 928, 960}, {32, 256, 256});
  EXPECT_EQ(grid.counts(), (Shape{16, 4, 4}));
  EXPECT_EQ(grid.elements_of({15, 3, 0}), (Box{{480, 768, 0}, {500, 928, 256}}));
  EXPECT_TRUE(grid.elements_of({16, 0, 0}).empty());
  EXPECT_EQ(grid.chunks_of({{31, 0, 256}, {33, 1, 257}}), (Box{{0, 0, 1}, {2, 1, 2}}));
  EXPECT_TRUE(grid.chunks_of({{31, 0, 256}, {31, 1, 257}}).empty());
}

TEST(Grid, NumbersAreInCOrder) {
  const Grid grid({5, 7, 9}, {2, 2, 2});
  std::uint64_t expected = 0;
  for_each_place(Box::of(grid.counts()), [&](const Shape& at) {
    EXPECT_EQ(grid.number_of(at), expected);
    EXPECT_EQ(grid.chunk_of_number(expected), at);
    ++expected;
  });
  EXPECT_EQ(expected, grid.counts().elements());
}

TEST(Grid, APointHasOneChunk) {
  const Grid grid(Shape{}, Shape{});
  std::vector<Shape> places;
  for_each_place(grid.chunks_of(Box::of({})), [&](const Shape& at) { places.push_back(at); });
  EXPECT_EQ(places, (std::vector<Shape>{Shape{}}));
}

TEST(Grid, RefusesAChunkOfNothing) {
  EXPECT_THROW(Grid({5, 5}, {0, 2}), Error);
  EXPECT_THROW(Grid({5, 5}, {2}), Error);
}

TEST(GridStrategy, EachChunkIsAPosition) {
  const GridStrategy strategy(std::uint64_t{64} * 64 * 64);
  EXPECT_EQ(strategy.name(), "grid");
  EXPECT_EQ(strategy.chunk_size(), 262'144U);
  EXPECT_FALSE(strategy.ends_before({}, {0, 3}));
  EXPECT_FALSE(strategy.ends_before({.records = 1, .bytes = 9, .first = {0, 3}}, {0, 3}));
  EXPECT_TRUE(strategy.ends_before({.records = 1, .bytes = 9, .first = {0, 3}}, {0, 4}));
  EXPECT_TRUE(strategy.ends_before({.records = 1, .bytes = 9, .first = {0, 3}}, {1, 3}));
  EXPECT_EQ(strategy.plan({0, 3}, {0, 6}).size(), 3U);
  EXPECT_THROW((void)strategy.plan({0, 3}, {1, 6}), Error);
}

}  // namespace
}  // namespace cnf::chunk
