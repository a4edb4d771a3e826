// SPDX-License-Identifier: Apache-2.0
// The contract of cnf/core/storage/storage.h on every kind of real server, bare and wrapped.
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "real_stores.h"
#include <gtest/gtest.h>

#include "cnf/core/storage/cache.h"
#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/limited.h"
#include "cnf/core/storage/sharding.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/storage_contract.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage::real {
namespace {

using Stored = std::shared_ptr<Storage>;

struct Wrapping {
  std::string_view name;
  Stored (*wrap)(Stored inner);
  bool counts = true;  // one request for each that is asked of it; a cache has some already
};

constexpr Wrapping kWrappings[] = {
    {"bare", [](Stored inner) { return inner; }},
    {"prefixed", [](Stored inner) { return prefixed(std::move(inner), "a/b c"); }},
    {"sharded", [](Stored inner) { return sharded(std::move(inner), HashSharding(4)); }},
    {"cached in memory", [](Stored inner) { return cached(std::move(inner), {}); }, false},
    {"cached on disk",
     [](Stored inner) {
       static const testing::TempDir folder;
       return cached(std::move(inner), {.folder = folder.path()});
     },
     false},
    {"limited",
     [](Stored inner) { return limited(std::move(inner), {.rate = 100'000, .concurrency = 4}); }},
    {"faulty without a fault",
     [](Stored inner) {
       return make_faulty(std::move(inner), {.nth = std::uint64_t{1} << 60}).storage;
     }},
};

void keeps_the_contract(std::string_view name) {
  for (const Wrapping& wrapping : kWrappings) {
    std::set<std::string, std::less<>> without;
    if (!wrapping.counts) without.insert("requests and bytes are counted");
    testing::check_storage(
        std::string(name) + ", " + std::string(wrapping.name),
        [&] { return wrapping.wrap(kind(name).fresh()); }, without);
  }
}

TEST(Contract, S3OnVersityGateway) { keeps_the_contract("s3"); }
TEST(Contract, AzureOnAzurite) { keeps_the_contract("azure"); }
TEST(Contract, GcsOnFakeGcsServer) { keeps_the_contract("gcs"); }

// What rclone's server does not do as S3 does: conditions are ignored, to remove what is not there
// is its error, an object of several parts has another ETag when it is read than when it was
// written, and parts are not copied (which a copy with a condition needs).
TEST(Contract, S3OnRclone) {
  testing::check_storage("rclone", [] { return kind("rclone").fresh(); },
                         {"copies", "if_absent", "if_match", "large object", "one of many creates",
                          "one of many replaces", "removes"});
}

// What is only read cannot keep a contract that writes.
TEST(Contract, WhatIsOnlyReadIsNotChanged) {
  for (const Kind& kind : kinds()) {
    SCOPED_TRACE(kind.name);
    const Stored inner = kind.fresh();
    inner->put("there", as_bytes("bytes"));
    const Stored store = read_only(inner);
    EXPECT_EQ(as_text(store->read_all("there", 10).bytes), "bytes");
    EXPECT_EQ(store->stat("there").size, 5U);
    EXPECT_THROW(store->put("there", as_bytes("other")), Error);
    EXPECT_THROW(store->copy("there", "copy"), Error);
    EXPECT_THROW(store->remove("there"), Error);
    EXPECT_EQ(as_text(inner->read_all("there", 10).bytes), "bytes");
    EXPECT_EQ(inner->list_page({}, "").objects.size(), 1U);
  }
}

}  // namespace
}  // namespace cnf::storage::real
