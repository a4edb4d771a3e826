// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/integer_column.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/test_columns_internal.h"

namespace cnf::vcfs3 {
namespace {

std::vector<std::int64_t> decoded(ByteSpan section_bytes, std::size_t count) {
  Section section(section_bytes, "test");
  ColumnReader reader = section.column(0);
  return decode_integers(reader, count);
}

std::size_t expect_round_trip(const std::vector<std::int64_t>& values, int level = 3) {
  const Buffer section = testing::section_of(encode_integers(values, Sizer(level)), level);
  EXPECT_EQ(decoded(section, values.size()), values);
  return section.size();
}

TEST(IntegerColumn, RandomColumnsComeBack) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 300; ++i) {
    std::vector<std::int64_t> values(random() % 600);
    const auto shift = random() % 64;
    const bool is_signed = random() % 2 == 0;
    std::int64_t sum = 0;
    for (std::int64_t& value : values) {
      const auto bits = static_cast<std::int64_t>(random() >> shift);
      value = is_signed && random() % 2 == 0 ? -bits : bits;
      if (i % 3 == 0) {
        value = sum = static_cast<std::int64_t>(static_cast<std::uint64_t>(sum) +
                                                static_cast<std::uint64_t>(value));
      }
    }
    expect_round_trip(values, i % 2 == 0 ? 3 : 9);
  }
}

TEST(IntegerColumn, TakesTheExtremes) {
  const auto least = std::numeric_limits<std::int64_t>::min();
  const auto most = std::numeric_limits<std::int64_t>::max();
  expect_round_trip({});
  expect_round_trip({least});
  expect_round_trip({most, least, 0, -1, 1, most, most, least});
}

TEST(IntegerColumn, AConstantTakesNoBytesPerValue) {
  EXPECT_LT(expect_round_trip(std::vector<std::int64_t>(4096, -12'345)), 20U);
}

TEST(IntegerColumn, PositionsAreTakenAsDifferences) {
  std::vector<std::int64_t> positions;
  for (std::int64_t i = 0; i < 4096; ++i) positions.push_back(100'000'000 + 1000 * i);
  EXPECT_LT(expect_round_trip(positions), 80U);
}

TEST(IntegerColumn, RefusesAnotherNumberOfValues) {
  for (const std::vector<std::int64_t>& values :
       {std::vector<std::int64_t>{1, 2, 9}, {1, 2000, 3}, {1, 2'000'000, -5}}) {
    const Buffer section = testing::section_of(encode_integers(values, Sizer(3)));
    EXPECT_THROW((void)decoded(section, 2), Error);
    EXPECT_THROW((void)decoded(section, 4), Error);
  }
}

TEST(IntegerColumn, RefusesUnknownKinds) {
  for (int head = 0; head < 256; ++head) {
    EncodedColumn column;
    column.writer().put(static_cast<std::uint8_t>(head));
    column.writer().put(std::uint8_t{0});
    const Buffer section = testing::section_of(std::move(column));
    const bool is_constant = (head >> 2 & 3) == 3 && (head & 3) < 3 && head >> 4 <= 8;
    if (is_constant) {
      EXPECT_EQ(decoded(section, 2), std::vector<std::int64_t>(2, 0));
    } else {
      EXPECT_THROW((void)decoded(section, 2), Error) << head;
    }
  }
}

}  // namespace
}  // namespace cnf::vcfs3
