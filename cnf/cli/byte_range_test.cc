// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/byte_range.h"

#include <cstdint>
#include <optional>
#include <string_view>

#include <gtest/gtest.h>

#include "cnf/cli/verb.h"

namespace cnf::cli {
namespace {

struct RangeCase {
  std::string_view text;
  std::uint64_t size;
  std::uint64_t offset;
  std::uint64_t length;
};

constexpr RangeCase kRanges[] = {
    {"0-100", 1000, 0, 100},
    {"10-10", 1000, 10, 0},
    {"990-2000", 1000, 990, 10},
    {"1000-1001", 1000, 1000, 0},
    {"4096-", 10000, 4096, 5904},
    {"-28", 1000, 972, 28},
    {"-28", 5, 0, 5},
    {"1K-2K", 10000, 1024, 1024},
    {"0-", 0, 0, 0},
};

TEST(ByteRange, IsHalfOpenAndCutAtTheEnd) {
  for (const RangeCase& row : kRanges) {
    const auto resolved = ByteRange::parse(row.text).resolve(row.size);
    ASSERT_TRUE(resolved) << row.text;
    EXPECT_EQ(resolved->offset, row.offset) << row.text << " of " << row.size;
    EXPECT_EQ(resolved->length, row.length) << row.text << " of " << row.size;
  }
}

TEST(ByteRange, NothingBeginsBehindTheEnd) {
  EXPECT_FALSE(ByteRange::parse("1001-1002").resolve(1000));
  EXPECT_FALSE(ByteRange::parse("1-").resolve(0));
}

TEST(ByteRange, RefusesWhatIsNoRange) {
  for (const std::string_view text : {"", "-", "5", "a-b", "5-a", "9-8", "1-2-3", "--5", "0x10-20",
                                      "1.5-2", "99999999999999999999-"}) {
    EXPECT_THROW(static_cast<void>(ByteRange::parse(text)), UsageError) << text;
  }
}

}  // namespace
}  // namespace cnf::cli
