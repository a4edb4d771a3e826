// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/filter.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/query/table.h"
#include "cnf/core/query/zones.h"
#include "cnf/core/util/error.h"

namespace cnf::query {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

template <typename T>
Table one_column(const std::vector<T>& values) {
  Column column("x", kTypeOf<T>);
  column.append_values(std::span<const T>(values));
  Table table;
  table.add(std::move(column));
  return table;
}

Selection select(const std::shared_ptr<const Predicate>& predicate, const Table& table) {
  Filter filter;
  filter.add(predicate);
  return filter.select(table);
}

template <typename T>
class Integers : public ::testing::Test {};
using IntegerTypes = ::testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t,
                                      std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(Integers, IntegerTypes);

// Oracle: one comparison per row by std::cmp_*, which is right across signs and widths.
TYPED_TEST(Integers, ConditionsAgreeWithARowByRowComparison) {
  using T = TypeParam;
  const T low = std::numeric_limits<T>::min();
  const T high = std::numeric_limits<T>::max();
  const std::vector<T> values{low, static_cast<T>(low + 1),  0,   1, 20, 100,
                              127, static_cast<T>(high - 1), high};
  const Table table = one_column(values);
  for (const std::int64_t bound :
       {kMin, kMin + 1, std::int64_t{-129}, std::int64_t{-128}, std::int64_t{-1}, std::int64_t{0},
        std::int64_t{20}, std::int64_t{127}, std::int64_t{128}, std::int64_t{255},
        std::int64_t{256}, std::int64_t{65535}, std::int64_t{1} << 32, kMax - 1, kMax}) {
    Selection least;
    Selection most;
    Selection equal;
    for (std::uint32_t row = 0; row < values.size(); ++row) {
      if (std::cmp_greater_equal(values[row], bound)) least.push_back(row);
      if (std::cmp_less_equal(values[row], bound)) most.push_back(row);
      if (std::cmp_equal(values[row], bound)) equal.push_back(row);
    }
    EXPECT_EQ(select(at_least("x", bound), table), least) << bound;
    EXPECT_EQ(select(at_most("x", bound), table), most) << bound;
    EXPECT_EQ(select(equals("x", bound), table), equal) << bound;
  }
}

TYPED_TEST(Integers, BitsAreThoseOfTheColumnsWidth) {
  const auto all_set = static_cast<TypeParam>(~std::uint64_t{0});
  const Table table = one_column<TypeParam>({0, 1, 4, 5, all_set});
  EXPECT_THAT(select(has_all_bits("x", 5), table), ElementsAre(3U, 4U));
  EXPECT_THAT(select(has_no_bits("x", 5), table), ElementsAre(0U));
  EXPECT_THAT(select(has_no_bits("x", 2), table), ElementsAre(0U, 1U, 2U, 3U));
  EXPECT_THAT(select(has_all_bits("x", 0), table), ElementsAre(0U, 1U, 2U, 3U, 4U));
  if (sizeof(TypeParam) < 8) {
    const std::uint64_t beyond = std::uint64_t{1} << (8 * sizeof(TypeParam) % 64);
    EXPECT_THAT(select(has_all_bits("x", beyond), table), IsEmpty());
    EXPECT_EQ(select(has_no_bits("x", beyond), table).size(), 5U);
  }
}

TEST(Filter, EveryConditionMustHold) {
  // Flags and mapping qualities as `samtools view -q 20 -F 0x904` filters them.
  Column flags("flags", Type::uint16);
  flags.append_values(std::span<const std::uint16_t>({0, 4, 16, 2048, 99, 256}));
  Column mapq("mapq", Type::uint8);
  mapq.append_values(std::span<const std::uint8_t>({60, 60, 19, 60, 20, 60}));
  Table table;
  table.add(std::move(flags));
  table.add(std::move(mapq));
  Filter filter;
  EXPECT_TRUE(filter.empty());
  EXPECT_THAT(filter.select(table), ElementsAre(0U, 1U, 2U, 3U, 4U, 5U));
  filter.add(has_no_bits("flags", 0x904));
  filter.add(at_least("mapq", 20));
  filter.add(at_most("mapq", 254));
  EXPECT_FALSE(filter.empty());
  EXPECT_THAT(filter.select(table), ElementsAre(0U, 4U));
  EXPECT_THAT(filter.columns(), ElementsAre("flags", "mapq"));
  EXPECT_EQ(filter.describe(), "flags has none of 0x904 and mapq >= 20 and mapq <= 254");
}

TEST(Filter, DescribesEachCondition) {
  const struct {
    std::shared_ptr<const Predicate> predicate;
    std::string want;
  } rows[] = {
      {equals("x", -5), "x = -5"},
      {has_all_bits("x", 3), "x has all of 0x3"},
      {is_one_of("rg", {"a"}), "rg is one of \"a\""},
      {is_one_of("rg", {"a", "b", "c", "d", "e"}), "rg is one of \"a\", \"b\", \"c\" and 2 more"},
      {is_one_of("rg", {}), "rg is one of nothing"},
  };
  for (const auto& row : rows) EXPECT_EQ(row.predicate->describe(), row.want);
}

TEST(Filter, TextsAreComparedWhole) {
  for (const Type type : {Type::utf8, Type::binary}) {
    Column column("name", type);
    for (const char* text : {"read1", "read", "", "read10", "READ1", "x"}) column.append(text);
    Table table;
    table.add(std::move(column));
    EXPECT_THAT(select(is_one_of("name", {"read1", "x", "x"}), table), ElementsAre(0U, 5U));
    EXPECT_THAT(select(is_one_of("name", {""}), table), ElementsAre(2U));
    EXPECT_THAT(select(is_one_of("name", {}), table), IsEmpty());
  }
}

TEST(Filter, ANullMeetsNoCondition) {
  Column number("x", Type::int32);
  number.append_values(std::span<const std::int32_t>({5, 5, 5}));
  Column text("t", Type::utf8);
  for (int i = 0; i < 3; ++i) text.append("a");
  for (Column* column : {&number, &text}) {
    column->validity().resize(1);
    column->validity().data()[0] = std::byte{0b101};
  }
  Table table;
  table.add(std::move(number));
  table.add(std::move(text));
  EXPECT_THAT(select(at_least("x", kMin), table), ElementsAre(0U, 2U));
  EXPECT_THAT(select(has_no_bits("x", 8), table), ElementsAre(0U, 2U));
  EXPECT_THAT(select(is_one_of("t", {"a"}), table), ElementsAre(0U, 2U));
}

TEST(Filter, ZonesRuleOutWhatNoRowWithinThemMeets) {
  ZoneMap zones;
  zones.set("mapq", {.min = 10, .max = 30});
  zones.set("nulls", {});
  const struct {
    std::shared_ptr<const Predicate> predicate;
    bool may_match;
  } rows[] = {
      {at_least("mapq", 30), true},     {at_least("mapq", 31), false},
      {at_most("mapq", 10), true},      {at_most("mapq", 9), false},
      {equals("mapq", 20), true},       {equals("mapq", 9), false},
      {equals("mapq", 31), false},      {at_least("nulls", kMin), false},
      {at_least("unknown", 31), true},  {at_least("mapq", kMin), true},
      {at_most("mapq", kMax), true},    {at_least("mapq", kMax), false},
      {has_all_bits("mapq", 64), true}, {is_one_of("mapq", {}), true},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(row.predicate->may_match(zones), row.may_match) << row.predicate->describe();
  }
  Filter filter;
  EXPECT_TRUE(filter.may_match(zones));
  filter.add(at_least("mapq", 20));
  EXPECT_TRUE(filter.may_match(zones));
  filter.add(at_most("mapq", 5));
  EXPECT_FALSE(filter.may_match(zones));
}

TEST(Filter, RefusesWhatAConditionDoesNotApplyTo) {
  Column text("t", Type::utf8);
  text.append("a");
  Column real("f", Type::float32);
  std::ignore = real.fill<float>(1);
  Table table;
  table.add(std::move(text));
  table.add(std::move(real));
  const struct {
    std::shared_ptr<const Predicate> predicate;
    std::string why;
  } rows[] = {
      {at_least("t", 1), "filter by column t: it holds utf8, the condition needs integers"},
      {has_no_bits("f", 1), "it holds float32"},
      {is_one_of("f", {"a"}), "the condition needs texts"},
      {at_least("pos", 1), "pos: the table has none of that name"},
  };
  for (const auto& row : rows) {
    try {
      std::ignore = select(row.predicate, table);
      ADD_FAILURE() << "nothing was thrown: " << row.why;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument);
      EXPECT_THAT(error.what(), HasSubstr(row.why));
    }
  }
}

TEST(Filter, RandomConditionsAgreeWithARowByRowScan) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::int32_t> values(random() % 300);
    for (auto& value : values) value = static_cast<std::int32_t>(random() % 64) - 32;
    const auto low = static_cast<std::int64_t>(random() % 64) - 32;
    const std::uint64_t bits = random() % 64;
    Filter filter;
    filter.add(at_least("x", low));
    filter.add(has_no_bits("x", bits));
    Selection want;
    for (std::uint32_t row = 0; row < values.size(); ++row) {
      const auto raw = static_cast<std::uint32_t>(values[row]);
      if (values[row] >= low && (raw & bits) == 0) want.push_back(row);
    }
    EXPECT_EQ(filter.select(one_column(values)), want);
  }
}

}  // namespace
}  // namespace cnf::query
