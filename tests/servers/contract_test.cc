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

#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/sharding.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/testing/storage_contract.h"

namespace cnf::storage::real {
namespace {

using Stored = std::shared_ptr<Storage>;

struct Wrapping {
  std::string_view name;
  Stored (*wrap)(Stored inner);
};

constexpr Wrapping kWrappings[] = {
    {"bare", [](Stored inner) { return inner; }},
    {"prefixed", [](Stored inner) { return prefixed(std::move(inner), "a/b c"); }},
    {"sharded", [](Stored inner) { return sharded(std::move(inner), HashSharding(4)); }},
    {"faulty without a fault",
     [](Stored inner) {
       return make_faulty(std::move(inner), {.nth = std::uint64_t{1} << 60}).storage;
     }},
};

using Left = std::set<std::string, std::less<>>;

void keeps_the_contract(std::string_view name, const Left& without = {}) {
  for (const Wrapping& wrapping : kWrappings) {
    testing::check_storage(
        std::string(name) + ", " + std::string(wrapping.name),
        [&] { return wrapping.wrap(kind(name).fresh()); }, without);
  }
}

TEST(Contract, S3OnVersityGateway) { keeps_the_contract("s3"); }

// What rclone's server does not do as S3 does: conditions are ignored, to remove what is not there
// is its error, an object of several parts
// has another ETag when it is read than when it was written, and parts are not copied (which a copy
// with a condition needs).
TEST(Contract, S3OnRclone) {
  keeps_the_contract("rclone", {"copies", "if_absent", "if_match", "large object",
                                "one of many creates", "one of many replaces", "removes"});
}

}  // namespace
}  // namespace cnf::storage::real
