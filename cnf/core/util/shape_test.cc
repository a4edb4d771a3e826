// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/shape.h"

#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"

namespace cnf {
namespace {

TEST(Shape, CountsItsElementsUpTo63Bits) {
  EXPECT_EQ(Shape().elements(), 1U);
  EXPECT_EQ((Shape{500, 928, 960}).elements(), 445'440'000U);
  EXPECT_EQ((Shape{std::numeric_limits<std::uint64_t>::max(), 0}).elements(), 0U);
  EXPECT_THROW((void)(Shape{1ULL << 32, 1ULL << 31}).elements(), Error);
  EXPECT_EQ(to_string(Shape{500, 928, 960}), "500x928x960");
}

TEST(Shape, HasAtMostEightAxes) {
  Shape shape = Shape::filled(kMaxDimensions, 2);
  EXPECT_THROW(shape.push_back(2), Error);
}

TEST(Box, WhatLiesInBoth) {
  const Box a{{0, 10}, {5, 20}};
  EXPECT_EQ(intersect(a, {{3, 0}, {9, 12}}), (Box{{3, 10}, {5, 12}}));
  EXPECT_TRUE(intersect(a, {{5, 10}, {9, 20}}).empty());
  EXPECT_EQ(a.shape(), (Shape{5, 10}));
}

TEST(Box, MustLieWithinTheArray) {
  EXPECT_NO_THROW(check_within({{0, 0}, {5, 5}}, {5, 5}, "v"));
  EXPECT_THROW(check_within({{0, 0}, {5, 6}}, {5, 5}, "v"), Error);
  EXPECT_THROW(check_within({{3, 0}, {2, 5}}, {5, 5}, "v"), Error);
  EXPECT_THROW(check_within({{0}, {2}}, {5, 5}, "v"), Error);
}

TEST(DataType, NamesAndSizes) {
  EXPECT_EQ(data_type("complex64"), DataType::complex64);
  EXPECT_EQ(word_of(DataType::complex64), 4U);
  EXPECT_EQ(size_of(DataType::float16), 2U);
  EXPECT_EQ(to_string(DataType::bool8), "bool");
  EXPECT_FALSE(data_type("r16").has_value());
}

}  // namespace
}  // namespace cnf
