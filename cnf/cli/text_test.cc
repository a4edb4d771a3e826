// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/text.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/session.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/util/context.h"

namespace cnf::cli {
namespace {

TEST(Text, TimesAreUtc) {
  using std::chrono::sys_seconds;
  EXPECT_EQ(format_time(sys_seconds(std::chrono::seconds(951'782'400))), "2000-02-29T00:00:00Z");
  EXPECT_EQ(format_time(sys_seconds{}), "");
}

TEST(Text, CountsHaveCommasAndAPlural) {
  EXPECT_EQ(count_of(0, "object"), "0 objects");
  EXPECT_EQ(count_of(1, "object"), "1 object");
  EXPECT_EQ(count_of(999, "object"), "999 objects");
  EXPECT_EQ(count_of(1'000, "object"), "1,000 objects");
  EXPECT_EQ(count_of(1'234'567, "object"), "1,234,567 objects");
}

TEST(Text, KeysThatAreNotUtf8AreShownAllTheSame) {
  const std::string line = dump_line({{"key", "a\xff\nb"}});
  EXPECT_EQ(line, "{\"key\":\"a\xef\xbf\xbd\\nb\"}");
}

TEST(Session, OnlyStoresWithAnAuthorityAreBilled) {
  EXPECT_TRUE(is_remote("s3://bucket/key"));
  for (const char* uri : {"a/b", "/a", "file:/a", "file:///a", "memory:x", "-"}) {
    EXPECT_FALSE(is_remote(uri)) << uri;
  }
}

// The list price of S3 Standard: a thousand GETs are 0.0004 USD, a thousand PUTs 0.005 USD, and a
// GiB to the internet 0.09 USD.
TEST(Session, WhatIsReadIsPaidAtOneStoreAndWhatIsWrittenAtTheOther) {
  Globals globals;
  globals.storage.anonymous = true;
  globals.storage.network = storage::Options::Network::internet;
  Session session(globals, {});
  Usage usage;
  usage.requests[static_cast<std::size_t>(RequestKind::get)] = 1000;
  usage.requests[static_cast<std::size_t>(RequestKind::put)] = 2000;
  usage.requests[static_cast<std::size_t>(RequestKind::remove)] = 5000;
  usage.bytes_fetched = std::uint64_t{1} << 30;
  const auto price = [&](const char* store, const char* target) {
    return price_usd(session, {.what = {}, .usage = usage, .store = store, .target = target});
  };
  EXPECT_DOUBLE_EQ(price("a", "b"), 0);
  EXPECT_EQ(session.prices().size(), 0U);
  EXPECT_DOUBLE_EQ(price("s3://one/key", ""), 0.0104 + 0.09);
  EXPECT_DOUBLE_EQ(price("s3://one/key", "s3://two/key"), 0.0104 + 0.09);
  EXPECT_DOUBLE_EQ(price("s3://one/key", "a"), 0.0004 + 0.09);
  EXPECT_DOUBLE_EQ(price("a", "s3://one"), 0.01);
  EXPECT_EQ(session.prices().size(), 1U);
}

TEST(Session, PartsInFlightFitIntoTheMemory) {
  for (const std::uint64_t memory :
       {std::uint64_t{32} << 20, std::uint64_t{100} << 20, std::uint64_t{1} << 30}) {
    Globals globals;
    globals.memory = memory;
    const Session session(globals, {});
    const storage::Options& storage = session.options().storage;
    EXPECT_GE(storage.concurrency, 1U);
    EXPECT_LE(storage.part_size * (storage.concurrency + 1), memory / 2 + storage.part_size)
        << memory;
  }
}

}  // namespace
}  // namespace cnf::cli
