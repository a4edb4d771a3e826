// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/table.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::query {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename T>
Column numbers(std::string name, const std::vector<T>& values) {
  Column column(std::move(name), kTypeOf<T>);
  std::ranges::copy(values, column.fill<T>(values.size()).begin());
  return column;
}

Column texts(std::string name, const std::vector<std::string>& values) {
  Column column(std::move(name), Type::utf8);
  for (const std::string& value : values) column.append(value);
  return column;
}

template <typename Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_argument);
    return error.what();
  }
  return "nothing was thrown";
}

template <typename T>
class FixedWidth : public ::testing::Test {};
using FixedTypes =
    ::testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t,
                     std::uint16_t, std::uint32_t, std::uint64_t, float, double>;
TYPED_TEST_SUITE(FixedWidth, FixedTypes);

TYPED_TEST(FixedWidth, HoldsItsTypesExtremesAndTakesRows) {
  const auto low = std::numeric_limits<TypeParam>::lowest();
  const auto high = std::numeric_limits<TypeParam>::max();
  Column column("x", kTypeOf<TypeParam>);
  const std::array<TypeParam, 2> first{low, 1};
  const std::array<TypeParam, 2> second{2, high};
  column.append_values(std::span<const TypeParam>(first));
  column.append_values(std::span<const TypeParam>(second));
  EXPECT_EQ(column.rows(), 4U);
  EXPECT_EQ(column.memory(), 4 * sizeof(TypeParam));
  EXPECT_FALSE(column.has_offsets());
  EXPECT_THAT(column.as<TypeParam>(), ElementsAre(low, TypeParam{1}, TypeParam{2}, high));

  const Column taken = column.take(std::array<std::uint32_t, 3>{3, 0, 3});
  EXPECT_EQ(taken.name(), "x");
  EXPECT_EQ(taken.type(), kTypeOf<TypeParam>);
  EXPECT_THAT(taken.as<TypeParam>(), ElementsAre(high, low, high));
  EXPECT_EQ(column.take({}).rows(), 0U);
}

TEST(Column, AnotherTypeIsRefusedByName) {
  const Column column = numbers<std::int32_t>("pos", {1});
  EXPECT_THAT(refusal([&] { std::ignore = column.as<std::uint32_t>(); }),
              HasSubstr("use column pos: it holds int32, not uint32"));
  Column text("name", Type::utf8);
  EXPECT_THAT(refusal([&] { std::ignore = text.fill<std::int8_t>(1); }), HasSubstr("holds utf8"));
  EXPECT_THAT(refusal([&] { text.append(std::span<const std::uint32_t>()); }),
              HasSubstr("not list_uint32"));
  Column list("cigar", Type::list_uint32);
  EXPECT_THAT(refusal([&] { list.append("x"); }), HasSubstr("holds list_uint32"));
}

TEST(Column, TextsOneByOneAndAllAtOnceAreTheSame) {
  const std::vector<std::string> values = {"read1", "", "r2", std::string(1000, 'x'), ""};
  const Column one = texts("name", values);
  std::string blob;
  std::vector<std::uint32_t> lengths;
  for (const std::string& value : values) {
    blob += value;
    lengths.push_back(static_cast<std::uint32_t>(value.size()));
  }
  Column all("name", Type::utf8);
  all.reserve(5, blob.size());
  all.append_all(as_bytes(blob), lengths);
  EXPECT_EQ(one.offsets(), all.offsets());
  EXPECT_EQ(as_text(one.values().span()), as_text(all.values().span()));
  all.append_all(as_bytes("ab"), std::array<std::uint32_t, 2>{1, 1});
  EXPECT_EQ(all.rows(), 7U);
  EXPECT_EQ(all.text(3), values[3]);
  EXPECT_EQ(all.text(6), "b");
}

TEST(Column, ListsOneByOneAndAllAtOnceAreTheSame) {
  const std::array<std::uint32_t, 3> items{7, 8, 9};
  Column one("cigar", Type::list_uint32);
  one.append(std::span(items).first(2));
  one.append(std::span(items).first(0));
  one.append(std::span(items).last(1));
  Column all("cigar", Type::list_uint32);
  all.append_all(std::span<const std::uint32_t>(items), std::array<std::uint32_t, 3>{2, 0, 1});
  EXPECT_EQ(one.offsets(), all.offsets());
  for (const Column* column : {&one, &all}) {
    EXPECT_EQ(column->rows(), 3U);
    EXPECT_THAT(column->items(0), ElementsAre(7U, 8U));
    EXPECT_THAT(column->items(1), ElementsAre());
    EXPECT_THAT(column->items(2), ElementsAre(9U));
  }
  const Column taken = all.take(std::array<std::uint32_t, 3>{2, 0, 1});
  EXPECT_THAT(taken.items(0), ElementsAre(9U));
  EXPECT_THAT(taken.items(1), ElementsAre(7U, 8U));
  EXPECT_THAT(taken.items(2), ElementsAre());
}

TEST(Column, LengthsThatDoNotAddUpLeaveTheColumnAsItWas) {
  Column column = texts("name", {"a"});
  // 2^32 - 1 twice: their 32-bit sum would pass for 4294967294.
  for (const auto& lengths : std::vector<std::vector<std::uint32_t>>{
           {}, {1}, {3}, {0xffffffff, 0xffffffff}, {0xffffffff, 3}}) {
    EXPECT_THAT(refusal([&] { column.append_all(as_bytes("xy"), lengths); }),
                HasSubstr("append to column name: lengths add up to"));
    EXPECT_EQ(column.rows(), 1U);
    EXPECT_EQ(column.values().size(), 1U);
  }
}

TEST(Column, TakeCopiesRunsAndSingleRowsOfTexts) {
  const Column column = texts("name", {"a", "bb", "", "dddd", "e"});
  const Column taken = column.take(std::array<std::uint32_t, 6>{1, 2, 3, 0, 4, 4});
  std::vector<std::string> got;
  for (std::size_t row = 0; row < taken.rows(); ++row) got.emplace_back(taken.text(row));
  EXPECT_THAT(got, ElementsAre("bb", "", "dddd", "a", "e", "e"));
  EXPECT_EQ(column.take({}).rows(), 0U);
}

TEST(Column, TakeRefusesRowsPastTheEnd) {
  for (const Column& column : {texts("x", {"a", "b"}), numbers<double>("x", {1, 2})}) {
    EXPECT_THAT(refusal([&] {
                  std::ignore = column.take(std::array<std::uint32_t, 2>{0, 2});
                }),
                HasSubstr("row 2 of 2"));
  }
}

TEST(Column, NullsFollowTheirRows) {
  Column column = numbers<std::int32_t>("x", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_FALSE(column.is_null(9));
  column.validity().resize(2);
  column.validity().data()[0] = std::byte{0b1111'1011};
  column.validity().data()[1] = std::byte{0b01};
  EXPECT_TRUE(column.is_null(2));
  EXPECT_FALSE(column.is_null(8));
  EXPECT_TRUE(column.is_null(9));
  const Column taken = column.take(std::array<std::uint32_t, 3>{9, 8, 2});
  EXPECT_TRUE(taken.is_null(0));
  EXPECT_FALSE(taken.is_null(1));
  EXPECT_TRUE(taken.is_null(2));
}

TEST(Table, TheFirstColumnSetsTheRows) {
  Table table;
  EXPECT_EQ(table.rows(), 0U);
  table.add(numbers<std::int32_t>("pos", {1, 2}));
  EXPECT_EQ(table.rows(), 2U);
  EXPECT_THAT(refusal([&] {
                table.add(numbers<std::int32_t>("mapq", {1, 2, 3}));
              }),
              HasSubstr("add column mapq: it has 3 rows, the table 2"));
  EXPECT_THAT(refusal([&] { Table(0).add(numbers<std::int8_t>("x", {1})); }),
              HasSubstr("it has 1 rows, the table 0"));
}

TEST(Table, ColumnsThatContradictThemselvesAreRefused) {
  Table table(2);
  table.add(texts("name", {"a", "b"}));
  EXPECT_THAT(refusal([&] { table.add(texts("name", {"a", "b"})); }), HasSubstr("one already"));
  for (const std::vector<std::int64_t>& offsets : std::vector<std::vector<std::int64_t>>{
           {0, 1, 3}, {1, 1, 2}, {0, 3, 2}, {0, -1, 2}, {0, 1, 1}}) {
    Column column = texts("bad", {"a", "b"});
    column.offsets() = offsets;
    EXPECT_THAT(refusal([&] { table.add(std::move(column)); }), HasSubstr("its offsets"));
  }
  Column column = numbers<std::int8_t>("nulls", {1, 2});
  column.validity().resize(2);
  EXPECT_THAT(refusal([&] { table.add(std::move(column)); }), HasSubstr("validity"));
  EXPECT_EQ(table.columns().size(), 1U);
}

TEST(Table, FindsColumnsByName) {
  Table table;
  table.add(texts("name", {"a"}));
  table.add(numbers<std::int32_t>("pos", {5}));
  EXPECT_EQ(table.column("pos").as<std::int32_t>()[0], 5);
  EXPECT_EQ(table.find("mapq"), nullptr);
  EXPECT_THAT(refusal([&] { std::ignore = table.column("mapq"); }), HasSubstr("mapq"));
  EXPECT_EQ(table.memory(), 1 + 2 * sizeof(std::int64_t) + sizeof(std::int32_t));
}

TEST(Table, TakesRowsOfEveryColumn) {
  Table table;
  table.add(texts("name", {"a", "b", "c"}));
  table.add(numbers<std::int32_t>("pos", {1, 2, 3}));
  const Table taken = table.take(std::array<std::uint32_t, 2>{2, 1});
  EXPECT_EQ(taken.rows(), 2U);
  EXPECT_EQ(taken.column("name").text(0), "c");
  EXPECT_THAT(taken.column("pos").as<std::int32_t>(), ElementsAre(3, 2));
}

TEST(Table, ACountHasRowsWithoutColumns) {
  const Table count(10);
  EXPECT_EQ(count.take(std::array<std::uint32_t, 2>{0, 9}).rows(), 2U);
  EXPECT_THAT(refusal([&] { std::ignore = count.take(std::array<std::uint32_t, 1>{10}); }),
              HasSubstr("row 10 of 10"));
}

TEST(Table, ProjectsColumnsInTheOrderAskedForWithoutACopy) {
  const auto make = [] {
    Table table;
    table.add(texts("name", {"a"}));
    table.add(numbers<std::int32_t>("pos", {5}));
    table.add(numbers<std::int32_t>("end", {6}));
    return table;
  };
  Table table = make();
  const std::byte* memory = table.column("pos").values().data();
  const Table out = std::move(table).project(std::array<std::string, 2>{"pos", "name"});
  ASSERT_EQ(out.columns().size(), 2U);
  EXPECT_EQ(out.columns()[0].name(), "pos");
  EXPECT_EQ(out.columns()[1].name(), "name");
  EXPECT_EQ(out.column("pos").values().data(), memory);
  EXPECT_EQ(make().project({}).rows(), 1U);
  EXPECT_THAT(refusal([&] { std::ignore = make().project(std::array<std::string, 1>{"mapq"}); }),
              HasSubstr("mapq"));
  EXPECT_THAT(refusal([&] {
                std::ignore = make().project(std::array<std::string, 2>{"pos", "pos"});
              }),
              HasSubstr("pos"));
}

}  // namespace
}  // namespace cnf::query
