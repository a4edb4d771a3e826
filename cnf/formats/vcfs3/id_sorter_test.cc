// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/id_sorter.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/id_hash.h"

namespace cnf::vcfs3 {
namespace {

std::vector<IdEntry> sorted(const std::vector<IdEntry>& added, std::uint64_t memory) {
  IdSorter sorter(memory, {});
  for (const IdEntry& entry : added) sorter.add(entry);
  EXPECT_EQ(sorter.count(), added.size());
  std::vector<IdEntry> found;
  sorter.finish([&](const IdEntry& entry) { found.push_back(entry); }, {});
  return found;
}

TEST(IdSorter, SortsAsMemorySortsWhateverItMayHold) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::vector<IdEntry> added;
  for (std::size_t i = 0; i < 50'000; ++i)
    added.push_back({.hash = random() % 3 == 0 ? random() % 50 : random(), .page = random() % 20});
  std::vector<IdEntry> expected = added;
  std::ranges::sort(expected);
  expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
  for (const std::uint64_t memory : {std::uint64_t{1} << 30, std::uint64_t{500'000}})
    EXPECT_EQ(sorted(added, memory), expected) << memory;
  added.resize(100);
  EXPECT_EQ(sorted(added, 0), sorted(added, 1 << 20)) << "a run for each";
  EXPECT_TRUE(sorted({}, 100).empty());
}

TEST(IdSorter, StopsWhenItIsTold) {
  IdSorter sorter(100, {});
  for (std::uint64_t i = 0; i < 100; ++i) sorter.add({i, i});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(sorter.finish([](const IdEntry&) {}, Context(stop.get_token())), Error);
}

// Oracle: the published FNV-1a and MurmurHash3 functions, run by hand in another language.
TEST(IdHash, IsTheOneOfTheSpecification) {
  EXPECT_EQ(hash_id(""), 0xefd01f60ba992926U);
  EXPECT_EQ(hash_id("rs1"), 0x3b90e7792dcba686U);
  EXPECT_EQ(hash_id("1:10390:CCCCTAACCC:C"), 0x7c5144e44bb53437U);
}

TEST(IdHash, SpreadsRsNumbersOverTheBitsThatAreKept) {
  const IdBits bits = IdBits::for_count(10'000);
  EXPECT_EQ(bits.kept, 18U);
  EXPECT_EQ(bits.key, 5U);
  std::set<std::uint64_t> kept;
  std::vector<std::size_t> keys(32);
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t hash = hash_id("rs" + std::to_string(1'000 + i));
    kept.insert(bits.kept_of(hash));
    ++keys[bits.key_of(hash)];
  }
  EXPECT_GT(kept.size(), 9'700U) << "10,000 of 2^18 values collide some 190 times";
  EXPECT_LT(*std::ranges::max_element(keys), 400U);
  EXPECT_GT(*std::ranges::min_element(keys), 230U);
}

TEST(IdHash, KeepsAtLeastABitAndAtMostAll) {
  EXPECT_EQ(IdBits::for_count(0).kept, 4U);
  EXPECT_EQ(IdBits::for_count(~std::uint64_t{0}).kept, 64U);
  EXPECT_EQ(IdBits::of(1).key_of(~std::uint64_t{0}), 0U);
  EXPECT_EQ(IdBits::of(1).kept_of(~std::uint64_t{0}), 1U);
  EXPECT_EQ(IdBits::of(13).key_of(~std::uint64_t{0}), 0U);
  EXPECT_EQ(IdBits::of(64).kept_of(~std::uint64_t{0}), ~std::uint64_t{0});
}

TEST(IdHash, SplitsAColumn) {
  using Ids = std::vector<std::string_view>;
  EXPECT_EQ(split_ids("rs1"), Ids{"rs1"});
  EXPECT_EQ(split_ids("rs1;rs2;x"), (Ids{"rs1", "rs2", "x"}));
  EXPECT_EQ(split_ids("."), Ids{});
  EXPECT_EQ(split_ids(""), Ids{});
  EXPECT_EQ(split_ids(";rs1;;.;rs2;"), (Ids{"rs1", "rs2"}));
}

}  // namespace
}  // namespace cnf::vcfs3
