// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/error.h"

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace cnf {
namespace {

struct MessageCase {
  std::string_view name, doing, subject, why, remedy, want;
};
constexpr MessageCase kMessageCases[] = {
    {"all_four", "decode", "s3://b/k@4096", "crc32c 0x12, index says 0x9a", "fetch it again",
     "decode s3://b/k@4096: crc32c 0x12, index says 0x9a; fetch it again"},
    {"no_remedy", "open", "a.bam", "no such file", "", "open a.bam: no such file"},
    {"no_subject", "compute SHA-256", "", "refused", "", "compute SHA-256: refused"},
    {"no_reason", "open", "a.bam", "", "", "open a.bam"},
    {"a_server_wrote_lines", "put", "k", "<a>\r\n<b>\x1b[2J", "", "put k: <a>  <b> [2J"},
    {"utf8_is_kept", "open", "Å.mrc", "1 Å", "", "open Å.mrc: 1 Å"},
};

TEST(Error, MessageIsOneLineOfItsParts) {
  for (const auto& row : kMessageCases) {
    const Error error(Errc::corrupt_data, row.doing, row.subject, row.why, row.remedy);
    EXPECT_EQ(std::string(error.what()), row.want) << row.name;
    EXPECT_EQ(error.subject(), row.subject) << row.name;
    EXPECT_EQ(error.code(), Errc::corrupt_data) << row.name;
  }
}

TEST(Error, OnlyThrottledAndUnavailableAreTransient) {
  for (int i = 0; i <= static_cast<int>(Errc::internal); ++i) {
    const auto code = static_cast<Errc>(i);
    const bool want = code == Errc::throttled || code == Errc::unavailable;
    EXPECT_EQ(Error(code, "open", "k", "").is_transient(), want) << to_string(code);
  }
}

TEST(Error, EveryCodeHasItsOwnName) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Errc::internal); ++i) {
    names.insert(to_string(static_cast<Errc>(i)));
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Errc::internal) + 1);
  EXPECT_FALSE(names.contains("unknown"));
  EXPECT_EQ(to_string(Errc::precondition_failed), "precondition_failed");
  EXPECT_EQ(to_string(static_cast<Errc>(255)), "unknown");
}

}  // namespace
}  // namespace cnf
