// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/compress/integers.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::compress {
namespace {

using Unsigned = std::vector<std::uint64_t>;
using Signed = std::vector<std::int64_t>;

template <typename Values, typename Put>
Buffer encoded(const Values& values, const Put& put) {
  Buffer out;
  // NOLINTNEXTLINE(misc-const-correctness): what `put` does is not seen in a template
  ByteWriter writer(out);
  put(values, writer);
  return out;
}

Buffer bytes_of(std::initializer_list<int> values) {
  Buffer out;
  for (const int value : values) ByteWriter(out).put(static_cast<std::uint8_t>(value));
  return out;
}

// Values of every magnitude, in runs, as columns have them.
Unsigned random_column(std::mt19937_64& random) {
  Unsigned values(random() % 300);
  std::uint64_t bits = 0;
  for (std::uint64_t& value : values) {
    if (random() % 10 == 0) bits = random() % 65;
    value = bits == 0 ? 0 : random() >> (64 - bits);
  }
  return values;
}

TEST(Integers, BytesOfVarints) {
  EXPECT_EQ(to_hex(encoded(Unsigned{0, 1, 127, 128, 300}, put_varints)), "00017f8001ac02");
  EXPECT_EQ(to_hex(encoded(Unsigned{std::numeric_limits<std::uint64_t>::max()}, put_varints)),
            "ffffffffffffffffff01");
  EXPECT_EQ(to_hex(encoded(Signed{5, 3, 3, 1000}, put_deltas)), "0a0300ca0f");
}

TEST(Integers, BytesOfColumnsAreTheShorterOnes) {
  EXPECT_EQ(to_hex(encoded(Unsigned{1, 100, 2}, put_column)), "00016402");
  EXPECT_EQ(to_hex(encoded(Unsigned{1000, 1001, 1002}, put_column)), "01d00f0202");
  EXPECT_EQ(to_hex(encoded(Unsigned{}, put_column)), "00");
}

TEST(Integers, RandomColumnsComeBack) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 2'000; ++round) {
    const Unsigned values = random_column(random);
    Signed deltas(values.begin(), values.end());
    Buffer out;
    ByteWriter writer(out);
    put_varints(values, writer);
    put_deltas(deltas, writer);
    put_column(values, writer);
    writer.put_varint(42);

    ByteReader reader(out, "test");
    Unsigned plain_back(values.size());
    Signed deltas_back(values.size());
    Unsigned column_back(values.size());
    get_varints(reader, plain_back);
    get_deltas(reader, deltas_back);
    get_column(reader, column_back);
    ASSERT_EQ(plain_back, values);
    ASSERT_EQ(deltas_back, deltas);
    ASSERT_EQ(column_back, values);
    ASSERT_EQ(reader.get_varint(), 42U) << "a column ends where the next thing begins";
    ASSERT_TRUE(reader.at_end());
  }
}

TEST(Integers, ExtremesOfDeltas) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  const Signed values{kMin, kMax, kMin, 0, -1, kMax};
  const Buffer out = encoded(values, put_deltas);
  Signed back(values.size());
  ByteReader reader(out, "test");
  get_deltas(reader, back);
  EXPECT_EQ(back, values);
}

TEST(Integers, VarintSizeIsWhatIsWritten) {
  for (unsigned bits = 0; bits < 64; ++bits) {
    for (const std::uint64_t value : {std::uint64_t{1} << bits, (std::uint64_t{1} << bits) - 1}) {
      EXPECT_EQ(varint_size(value), encoded(Unsigned{value}, put_varints).size()) << value;
    }
  }
}

// The careful path reads the last values and the fast path those before: both must refuse the same.
TEST(Integers, HostileBytes) {
  const struct {
    std::string_view name;
    Buffer bytes;
  } cases[] = {
      {"nothing", {}},
      {"cut", bytes_of({0x80})},
      {"cut_after_nine", bytes_of({0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80})},
      {"65_bits", bytes_of({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02})},
      {"11_bytes", bytes_of({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0, 0, 0})},
  };
  for (const auto& row : cases) {
    Unsigned values(3);
    ByteReader reader(row.bytes, "test");
    try {
      get_varints(reader, values);
      ADD_FAILURE() << row.name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::corrupt_data) << row.name;
    }
  }
}

TEST(Integers, UnknownCodingOfAColumn) {
  const Buffer bytes = bytes_of({2, 1, 1, 1});
  Unsigned values(3);
  ByteReader reader(bytes, "test");
  EXPECT_THROW(get_column(reader, values), Error);
}

// Whatever the bytes are, the fast path and ByteReader agree on values, on the end, or on refusal.
TEST(Integers, BulkDecodingEqualsOneByOne) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    Buffer bytes(random() % 60);
    const bool mostly_long = round % 2 == 0;
    for (std::byte& byte : bytes.span()) {
      const std::uint64_t bits = random();
      byte = static_cast<std::byte>(mostly_long && (bits >> 20) % 8 != 0 ? bits | 0x80 : bits);
    }
    Unsigned bulk(random() % 12);
    Unsigned single(bulk.size());
    ByteReader bulk_reader(bytes, "test");
    ByteReader single_reader(bytes, "test");
    std::string bulk_error;
    std::string single_error;
    try {
      get_varints(bulk_reader, bulk);
    } catch (const Error& error) {
      bulk_error = error.what();
    }
    try {
      for (std::uint64_t& value : single) value = single_reader.get_varint();
    } catch (const Error& error) {
      single_error = error.what();
      ++refused;
    }
    ASSERT_EQ(bulk_error, single_error);
    if (bulk_error.empty()) {
      ASSERT_EQ(bulk, single);
      ASSERT_EQ(bulk_reader.offset(), single_reader.offset());
    }
  }
  EXPECT_GT(refused, 100U);
}

}  // namespace
}  // namespace cnf::compress
