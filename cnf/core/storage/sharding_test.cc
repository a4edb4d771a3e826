// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/sharding.h"

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

std::vector<std::string> keys_of(const std::shared_ptr<Storage>& store) {
  std::vector<std::string> keys;
  for (const FileInfo& info : store->list()) keys.push_back(info.key);
  return keys;
}

struct PrefixCase {
  std::string_view key;
  int bits;
  std::string_view want;
};

// Oracle: `printf %s KEY | sha256sum`, first byte shifted right by 8 - bits.
TEST(HashSharding, PrefixIsTheHashsLeadingBits) {
  const std::string_view chunk = "chunks/chr1/00000000-01000000.chunk";
  const PrefixCase cases[] = {
      {"a", 4, "c"},    {"a", 5, "19"},  {"a", 8, "ca"},  // ca978112…
      {"", 8, "e3"},    {"", 4, "e"},                     // e3b0c442…
      {chunk, 6, "0e"}, {chunk, 4, "3"}, {chunk, 8, "39"},
  };
  for (const PrefixCase& row : cases) {
    EXPECT_EQ(HashSharding(row.bits).prefix(row.key), row.want) << row.key << ", " << row.bits;
  }
}

TEST(HashSharding, BitsThatWouldScatterDataAreRefused) {
  for (const int bits : {-1, 0, 3, 9, 64}) {
    try {
      HashSharding sharding(bits);
      ADD_FAILURE() << bits;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument);
    }
  }
}

TEST(HashSharding, EveryPrefixIsSpeltOnceAndMet) {
  for (int bits = 4; bits <= 8; ++bits) {
    const HashSharding sharding(bits);
    std::set<std::string> spelt;
    for (int i = 0; i < sharding.prefixes(); ++i) spelt.insert(sharding.prefix_at(i));
    EXPECT_EQ(spelt.size(), std::size_t{1} << static_cast<unsigned>(bits));
    std::set<std::string> met;
    for (int i = 0; i < 5'000; ++i) met.insert(sharding.prefix("key" + std::to_string(i)));
    EXPECT_EQ(met, spelt) << bits;
  }
}

TEST(Sharded, KeysLieBelowTheirPrefix) {
  const std::shared_ptr<Storage> inner = make_memory();
  const std::shared_ptr<Storage> store = sharded(inner, HashSharding(4));
  store->put("a", {});
  store->put("folder/b", {});
  EXPECT_THAT(keys_of(inner),
              UnorderedElementsAre("c/a", HashSharding(4).prefix("folder/b") + "/folder/b"));
  EXPECT_THAT(keys_of(store), ElementsAre("a", "folder/b"));
  EXPECT_EQ(store->uri("a"), inner->uri("c/a"));
  EXPECT_EQ(store->uri(), inner->uri());
}

TEST(Sharded, WhatElseLiesThereIsNotListed) {
  const std::shared_ptr<Storage> inner = make_memory();
  const std::shared_ptr<Storage> store = sharded(inner, HashSharding(4));
  store->put("a", {});
  inner->put("_metadata.json", {});
  inner->put("d/a", {});  // a folder of that name, but not the shard of "a"
  inner->put("cc/a", {});
  EXPECT_THAT(keys_of(store), ElementsAre("a"));
}

}  // namespace
}  // namespace cnf::storage
