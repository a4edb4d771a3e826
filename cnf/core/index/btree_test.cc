// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/index/btree.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/index/paged_tree.h"
#include "cnf/core/index/tree_testing_internal.h"
#include "cnf/core/util/error.h"

namespace cnf::index {
namespace {

using testing::AddedRow;
using testing::build;
using testing::counting_pages;
using ::testing::ElementsAre;
using testing::error_of;
using testing::pairs_of;
using testing::scan;

using Rows = std::vector<AddedRow<BTreeTraits>>;
using Pairs = testing::Pairs<BTreeTraits>;

BTree open(const testing::Saved& saved) { return {counting_pages(saved), saved.info.root}; }

std::vector<std::string> keys_of(const std::vector<BTree::Row>& rows) {
  std::vector<std::string> keys;
  for (const auto& row : rows) keys.push_back(row.key);
  return keys;
}

// Few different bytes, so that prefixes are shared, ranges are empty and 0xff comes up.
std::string random_key(std::mt19937_64& random) {
  using namespace std::string_view_literals;
  std::string key(random() % 5, '\0');
  for (char& byte : key)
    byte =
        "\0\x01"
        "ab\xff"sv[random() % 5];
  return key;
}

KeyRange random_range(std::mt19937_64& random) {
  switch (random() % 4) {
    case 0:
      return KeyRange::exactly(random_key(random));
    case 1:
      return KeyRange::with_prefix(random_key(random));
    case 2:
      return {.first = random_key(random)};
    default:
      return {.first = random_key(random), .last = random_key(random)};
  }
}

Pairs brute_force(const Rows& rows, const std::vector<KeyRange>& query) {
  Pairs found;
  for (const auto& row : rows) {
    if (std::ranges::any_of(query, [&](const KeyRange& range) {
          return range.first <= row.key && (!range.last || row.key < *range.last);
        })) {
      found.emplace_back(row.key, row.columns);
    }
  }
  return found;
}

TEST(BTree, RandomQueriesEqualBruteForce) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 80; ++round) {
    Rows rows(random() % 500);
    for (auto& row : rows) row.key = random_key(random);
    std::ranges::stable_sort(rows, {}, &AddedRow<BTreeTraits>::key);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].columns = {i};
    const TreeOptions options{
        .page_rows = 1 + random() % 9, .page_children = 2 + random() % 5, .columns = 1};
    const auto tree = open(build<BTreeTraits>(options, rows));
    ASSERT_EQ(scan(tree), pairs_of<BTreeTraits>(rows));
    for (int i = 0; i < 40; ++i) {
      std::vector<KeyRange> query(random() % 4);
      for (KeyRange& range : query) range = random_range(random);
      ASSERT_EQ(pairs_of<BTreeTraits>(tree.find(query, {})), brute_force(rows, query));
    }
  }
}

TEST(BTree, FindsNamesByKeyByPrefixAndByRange) {
  const auto tree = open(build<BTreeTraits>(
      {.page_rows = 2},
      {{"HG002", {}}, {"NA12878", {}}, {"NA12891", {}}, {"NA12891", {}}, {"NA128911", {}}}));
  EXPECT_THAT(keys_of(tree.find({KeyRange::exactly("NA12891")}, {})),
              ElementsAre("NA12891", "NA12891"));
  EXPECT_THAT(keys_of(tree.find({KeyRange::with_prefix("NA1287")}, {})), ElementsAre("NA12878"));
  EXPECT_THAT(keys_of(tree.find({{.first = "H", .last = "NA12878"}}, {})), ElementsAre("HG002"));
  EXPECT_EQ(tree.find({KeyRange::all()}, {}).size(), 5U);
  EXPECT_TRUE(tree.find({KeyRange::exactly("NA1")}, {}).empty());
  EXPECT_TRUE(tree.find({}, {}).empty());
}

TEST(KeyRange, Prefixes) {
  EXPECT_EQ(KeyRange::with_prefix("ab").last, "ac");
  EXPECT_EQ(KeyRange::with_prefix("a\xff\xff").last, "b");
  EXPECT_EQ(KeyRange::with_prefix("\xff\xff").last, std::nullopt);
  EXPECT_EQ(KeyRange::with_prefix("").last, std::nullopt);
  EXPECT_EQ(KeyRange::with_prefix("\x7f").last, "\x80") << "bytes are unsigned";
}

TEST(BigEndianKey, OrderOfBytesIsOrderOfNumbers) {
  const std::uint64_t numbers[] = {0, 1, 255, 256, 65'535, 65'536, 1ULL << 63, ~0ULL};
  for (const std::uint64_t a : numbers) {
    EXPECT_EQ(number_of_key(big_endian_key(a)), a);
    for (const std::uint64_t b : numbers) {
      EXPECT_EQ(big_endian_key(a) < big_endian_key(b), a < b) << a << " " << b;
    }
  }
  EXPECT_EQ(error_of([] { return number_of_key("seven b"); }).code(), Errc::invalid_argument);
}

TEST(BTree, LongKeysStillMakePagesOfTwo) {
  Rows rows;
  for (char c = 'a'; c <= 'z'; ++c) {
    for (char d = 'a'; d <= 'z'; ++d) {
      std::string key(kMaxKeyBytes, c);
      key.back() = d;
      rows.push_back({key, {1}});
    }
  }
  const auto tree = open(build<BTreeTraits>({.page_rows = 1, .columns = 1}, rows));
  EXPECT_EQ(tree.find({KeyRange::with_prefix("m")}, {}).size(), 26U);
  EXPECT_EQ(tree.find({KeyRange::exactly(rows[300].key)}, {}).size(), 1U);
  EXPECT_LE(tree.levels(), 8U);
  EXPECT_EQ(scan(tree), pairs_of<BTreeTraits>(rows));
}

TEST(BTreeBuilder, RefusesKeysOutOfOrderOrTooLong) {
  EXPECT_EQ(error_of([] {
              return build<BTreeTraits>({}, {{"b", {}}, {"a", {}}});
            }).code(),
            Errc::invalid_argument);
  EXPECT_EQ(error_of([] {
              return build<BTreeTraits>({}, {{std::string(kMaxKeyBytes + 1, 'k'), {}}});
            }).code(),
            Errc::invalid_argument);
}

}  // namespace
}  // namespace cnf::index
