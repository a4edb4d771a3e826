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
#include "cnf/formats/vcfs3/integer_model.h"
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
  std::mt19937_64 random(2);
  for (const unsigned shift : {60U, 52U, 40U}) {
    std::vector<std::int64_t> values(50);
    for (std::int64_t& value : values) value = static_cast<std::int64_t>(random() >> shift);
    // What repeats is not stored as modelled bits, which do not tell how many values they are.
    for (std::size_t i = 0; i < 2000; ++i) values.push_back(values[i]);
    const Buffer section = testing::section_of(encode_integers(values, Sizer(3)));
    EXPECT_THROW((void)decoded(section, values.size() - 1), Error) << shift;
    EXPECT_THROW((void)decoded(section, values.size() + 1), Error) << shift;
  }
}

TEST(IntegerColumn, RefusesUnknownKinds) {
  for (int head = 0; head < 256; ++head) {
    EncodedColumn column;
    column.writer().put(static_cast<std::uint8_t>(head));
    column.writer().put(std::uint8_t{0});
    const Buffer section = testing::section_of(std::move(column));
    const bool is_constant = (head >> 2 & 7) == 3 && (head & 3) < 3;
    if (is_constant) {
      EXPECT_EQ(decoded(section, 2), std::vector<std::int64_t>(2, 0));
    } else {
      EXPECT_THROW((void)decoded(section, 2), Error) << head;
    }
  }
}

/// Noise around 100 and 10,000 in turns that a context tells.
struct Foretellable {
  std::vector<std::int64_t> values;
  std::vector<std::uint8_t> contexts;
};
Foretellable foretellable(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Foretellable result;
  for (int i = 0; i < 4000; ++i) {
    const bool is_large = random() % 2 == 0;
    result.contexts.push_back(is_large ? 63 : 5);
    result.values.push_back(static_cast<std::int64_t>((is_large ? 10'000 : 100) + random() % 16));
  }
  return result;
}

TEST(IntegerColumn, WhatForetellsValuesIsUsed) {
  const Foretellable data = foretellable(1);
  EncodedColumn column = encode_integers(data.values, Sizer(9), data.contexts);
  EXPECT_TRUE(column.uses_contexts);
  const Buffer bytes = testing::section_of(std::move(column));
  EXPECT_LT(bytes.size(), 2150U) << "four bits a value";
  Section section(bytes, "test");
  ColumnReader reader = section.column(0);
  EXPECT_EQ(decode_integers(reader, data.values.size(), data.contexts), data.values);
  reader = section.column(0);
  EXPECT_THROW((void)decode_integers(reader, data.values.size()), Error) << "contexts are needed";

  const EncodedColumn alone = encode_integers(data.values, Sizer(9));
  EXPECT_FALSE(alone.uses_contexts);
  EXPECT_GT(Sizer(9).size(alone), 2400U);
}

TEST(IntegerModel, RandomNumbersComeBack) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100; ++i) {
    std::vector<std::uint64_t> values(random() % 3000);
    std::vector<std::uint8_t> contexts;
    const auto shift = random() % 64;
    for (std::uint64_t& value : values) {
      value = random() >> shift >> random() % 3;
      contexts.push_back(static_cast<std::uint8_t>(random() % kMaxContexts));
    }
    for (const Foretold foretold :
         {Foretold::by_nothing, Foretold::by_last, Foretold::by_contexts}) {
      const Buffer bytes = encode_modelled(values, foretold, contexts);
      std::vector<std::uint64_t> decoded(values.size());
      EXPECT_TRUE(decode_modelled(bytes, foretold, contexts, decoded));
      EXPECT_EQ(decoded, values);
    }
  }
}

TEST(IntegerModel, RefusesBytesThatAreTooFewOrTooMany) {
  std::mt19937_64 random(3);
  std::vector<std::uint64_t> values(2000);
  for (std::uint64_t& value : values) value = random() >> 20U;
  Buffer bytes = encode_modelled(values, Foretold::by_last, {});
  EXPECT_FALSE(decode_modelled({}, Foretold::by_last, {}, values));
  EXPECT_FALSE(
      decode_modelled(bytes.span().first(bytes.size() / 2), Foretold::by_last, {}, values));
  std::vector<std::uint64_t> many(std::size_t{1} << 22U);
  EXPECT_FALSE(decode_modelled(bytes, Foretold::by_last, {}, many));
  bytes.append(std::vector<std::byte>(16));
  EXPECT_FALSE(decode_modelled(bytes, Foretold::by_last, {}, values));
  bytes.span()[0] = std::byte{8};
  EXPECT_FALSE(decode_modelled(bytes, Foretold::by_last, {}, values)) << "sizes of eight bits";
}

}  // namespace
}  // namespace cnf::vcfs3
