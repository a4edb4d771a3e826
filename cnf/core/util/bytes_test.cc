// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/bytes.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::uint64_t kMax64 = std::numeric_limits<std::uint64_t>::max();

std::string varint_hex(std::uint64_t value) {
  Buffer buffer;
  ByteWriter(buffer).put_varint(value);
  return to_hex(buffer);
}

// The message of the corrupt_data error that `call` throws.
std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::corrupt_data) << error.what();
    return error.what();
  }
  return "no error";
}

struct VarintCase {
  std::uint64_t value;
  std::string_view hex;
};
// 624485 is the example of DWARF 5, section 7.6; 300 that of the Protocol Buffers encoding guide.
constexpr VarintCase kVarintCases[] = {
    {0, "00"},
    {1, "01"},
    {127, "7f"},
    {128, "8001"},
    {300, "ac02"},
    {624485, "e58e26"},
    {16383, "ff7f"},
    {std::uint64_t{1} << 63U, "80808080808080808001"},
    {kMax64, "ffffffffffffffffff01"},
};

TEST(Varint, PublishedExamples) {
  for (const auto& row : kVarintCases) {
    EXPECT_EQ(varint_hex(row.value), row.hex);
    Buffer buffer;
    ByteWriter(buffer).put_varint(row.value);
    ByteReader reader(buffer, "k");
    EXPECT_EQ(reader.get_varint(), row.value);
    EXPECT_TRUE(reader.at_end());
  }
}

struct HostileCase {
  std::string_view name, bytes, want;
};
constexpr HostileCase kHostileVarints[] = {
    {"empty", ""sv, "decode k@0: a varint is cut off by the end"},
    {"cut_off", "\x80"sv, "decode k@1: a varint is cut off by the end"},
    {"cut_off_late", "\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv,
     "decode k@9: a varint is cut off by the end"},
    {"65_bits", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"sv,
     "decode k@9: a varint does not fit in 64 bits"},
    {"eleven_bytes", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"sv,
     "decode k@10: a varint does not fit in 64 bits"},
    {"no_end", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"sv,
     "decode k@9: a varint does not fit in 64 bits"},
};

TEST(Varint, HostileBytesAreRefusedAtTheirOffset) {
  for (const auto& row : kHostileVarints) {
    EXPECT_EQ(refusal([&] { (void)ByteReader(as_bytes(row.bytes), "k").get_varint(); }), row.want)
        << row.name;
  }
}

TEST(Varint, PaddedWithZeroBitsIsReadAsOthersReadIt) {
  ByteReader reader(as_bytes("\x81\x80\x00"sv), "k");
  EXPECT_EQ(reader.get_varint(), 1U);
  EXPECT_TRUE(reader.at_end());
}

RC_GTEST_PROP(Varint, RoundTrip, (std::uint64_t bits, std::uint8_t shift)) {
  const std::uint64_t value = bits >> (shift % 64U);  // all lengths, not only the long ones
  Buffer buffer;
  ByteWriter(buffer).put_varint(value);
  ByteReader reader(buffer, "k");
  RC_ASSERT(reader.get_varint() == value);
  RC_ASSERT(reader.at_end());
}

RC_GTEST_PROP(Varint, AnyBytesAreReadOrRefused, (const std::vector<std::uint8_t>& bytes)) {
  ByteReader reader(std::as_bytes(std::span(bytes)), "k");
  try {
    (void)reader.get_varint();
    RC_ASSERT(reader.offset() >= 1U && reader.offset() <= 10U);
  } catch (const Error& error) {
    RC_ASSERT(error.code() == Errc::corrupt_data);
  }
  RC_ASSERT(reader.offset() <= bytes.size());
}

struct ZigzagCase {
  std::int64_t value;
  std::uint64_t want;
};
// The Protocol Buffers encoding guide, "Signed Integers".
constexpr ZigzagCase kZigzagCases[] = {
    {0, 0},
    {-1, 1},
    {1, 2},
    {-2, 3},
    {0x7fffffff, 0xfffffffe},
    {-0x80000000LL, 0xffffffff},
    {std::numeric_limits<std::int64_t>::max(), kMax64 - 1},
    {std::numeric_limits<std::int64_t>::min(), kMax64},
};

TEST(Zigzag, PublishedExamples) {
  for (const auto& row : kZigzagCases) {
    EXPECT_EQ(zigzag(row.value), row.want) << row.value;
    EXPECT_EQ(unzigzag(row.want), row.value) << row.want;
  }
}

RC_GTEST_PROP(Zigzag, RoundTrip, (std::uint64_t bits)) {
  const auto value = static_cast<std::int64_t>(bits);
  RC_ASSERT(unzigzag(zigzag(value)) == value);
  RC_ASSERT(zigzag(unzigzag(bits)) == bits);
  Buffer buffer;
  ByteWriter(buffer).put_zigzag(value);
  RC_ASSERT(ByteReader(buffer, "k").get_zigzag() == value);
}

TEST(Bytes, FixedWidthIntegersAreLittleEndian) {
  Buffer buffer;
  ByteWriter writer(buffer);
  writer.put(std::uint8_t{0x01});
  writer.put(std::uint16_t{0x0302});
  writer.put(std::int32_t{-2});
  writer.put(std::uint64_t{0x0807060504030201});
  writer.put(1.0F);
  EXPECT_EQ(to_hex(buffer),
            "01"
            "0203"
            "feffffff"
            "0102030405060708"
            "0000803f");
  ByteReader reader(buffer, "k");
  EXPECT_EQ(reader.get<std::uint8_t>(), 0x01);
  EXPECT_EQ(reader.get<std::uint16_t>(), 0x0302);
  EXPECT_EQ(reader.get<std::int32_t>(), -2);
  EXPECT_EQ(reader.get<std::uint64_t>(), 0x0807060504030201U);
  EXPECT_EQ(reader.get<float>(), 1.0F);
  EXPECT_TRUE(reader.at_end());
}

TEST(Bytes, AStringIsItsLengthAndItsBytes) {
  Buffer buffer;
  ByteWriter(buffer).put_string("chr1");
  ByteWriter(buffer).put_string("");
  EXPECT_EQ(to_hex(buffer), "046368723100");
  ByteReader reader(buffer, "k");
  EXPECT_EQ(reader.get_string(), "chr1");
  EXPECT_EQ(reader.get_string(), "");
  EXPECT_TRUE(reader.at_end());
}

TEST(Bytes, StepsPastTheEndAreRefusedAndReadNothing) {
  ByteReader reader(as_bytes("\x05"
                             "abc"),
                    "s3://b/k");
  EXPECT_EQ(refusal([&] { (void)reader.get<std::uint64_t>(); }),
            "decode s3://b/k@0: 8 bytes expected, 4 are left");
  EXPECT_EQ(reader.offset(), 0U);
  EXPECT_EQ(refusal([&] { (void)reader.get_bytes(kMax64); }),
            "decode s3://b/k@0: 18446744073709551615 bytes expected, 4 are left");
  EXPECT_EQ(refusal([&] { (void)reader.get_string(); }),
            "decode s3://b/k@1: 5 bytes expected, 3 are left");
  EXPECT_EQ(as_text(reader.get_bytes(3)), "abc");
  EXPECT_EQ(refusal([&] { reader.fail("no such codec"); }), "decode s3://b/k@4: no such codec");
}

struct CountCase {
  std::string_view name;
  std::uint64_t count;
  std::size_t min_bytes_each;
  bool fits;
};
// Twelve bytes follow the count.
constexpr CountCase kCountCases[] = {
    {"all_of_them", 12, 1, true},
    {"one_too_many", 13, 1, false},
    {"three_of_four", 3, 4, true},
    {"four_of_four", 4, 4, false},
    {"as_large_as_it_gets", kMax64, 1, false},
    {"none", 0, 100, true},
    {"zero_bytes_each_count_as_one", 13, 0, false},
};

TEST(Bytes, ACountIsBoundedByWhatIsLeft) {
  for (const auto& row : kCountCases) {
    Buffer buffer;
    ByteWriter(buffer).put_varint(row.count);
    ByteWriter(buffer).put_bytes(as_bytes("twelve bytes"));
    ByteReader reader(buffer, "k");
    if (row.fits) {
      EXPECT_EQ(reader.get_count(row.min_bytes_each), row.count) << row.name;
    } else {
      EXPECT_NE(refusal([&] { (void)reader.get_count(row.min_bytes_each); }).find("hold at most"),
                std::string::npos)
          << row.name;
    }
  }
}

}  // namespace
}  // namespace cnf
