// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/id_sorter.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/id_key.h"

namespace cnf::vcfs3 {
namespace {

using Found = std::vector<std::pair<std::string, std::uint64_t>>;

Found sorted(const Found& added, std::uint64_t memory) {
  IdSorter sorter(memory, {});
  for (const auto& [key, place] : added) sorter.add(key, place);
  Found found;
  sorter.finish([&](std::string_view key, std::uint64_t place) { found.emplace_back(key, place); },
                {});
  return found;
}

TEST(IdSorter, SortsAsMemorySortsWhateverItMayHold) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  Found added;
  for (std::uint64_t place = 0; place < 5'000; ++place) {
    std::string key;
    for (std::size_t i = random() % 12; i > 0; --i) key.push_back(static_cast<char>(random() % 3));
    if (random() % 50 == 0) key.append(3'000, 'x');
    if (random() % 5 == 0) key = id_key("rs" + std::to_string(random() % 1'000));
    added.emplace_back(key, place);
  }
  Found expected = added;
  std::ranges::stable_sort(expected, {}, &Found::value_type::first);
  for (const std::uint64_t memory :
       {std::uint64_t{1} << 30, std::uint64_t{20'000}, std::uint64_t{0}})
    EXPECT_EQ(sorted(added, memory), expected) << memory;
  EXPECT_TRUE(sorted({}, 100).empty());
}

TEST(IdSorter, StopsWhenItIsTold) {
  IdSorter sorter(100, {});
  for (std::uint64_t i = 0; i < 100; ++i) sorter.add("key", i);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(sorter.finish([](std::string_view, std::uint64_t) {}, Context(stop.get_token())),
               Error);
}

TEST(IdKey, IsShortForRsNumbersAndItsOwnForEachId) {
  EXPECT_EQ(id_key("rs1"), std::string("\1\0\0\0\0\1", 6));
  EXPECT_EQ(id_key("rs1099511627775"), std::string("\1\xff\xff\xff\xff\xff", 6));
  EXPECT_EQ(id_key("rs0"), std::string("\1\0\0\0\0\0", 6));
  for (const std::string id : {"rs", "rs01", "rs00", "rs-1", "rs+1", "rs1x", "RS1", "rs1 ",
                               "rs1099511627776", "rs99999999999999999999999", "esv1", "1:2:A:C"})
    EXPECT_EQ(id_key(id), "\2" + id);
  const std::string longest(4'095, 'x');
  EXPECT_EQ(id_key(longest), "\2" + longest);
  EXPECT_EQ(id_key(longest + "x").size(), 33U);
  EXPECT_NE(id_key(longest + "x"), id_key(longest + "y"));
}

TEST(IdKey, SplitsAColumn) {
  using Ids = std::vector<std::string_view>;
  EXPECT_EQ(split_ids("rs1"), Ids{"rs1"});
  EXPECT_EQ(split_ids("rs1;rs2;x"), (Ids{"rs1", "rs2", "x"}));
  EXPECT_EQ(split_ids("."), Ids{});
  EXPECT_EQ(split_ids(""), Ids{});
  EXPECT_EQ(split_ids(";rs1;;.;rs1;"), Ids{"rs1"});
}

}  // namespace
}  // namespace cnf::vcfs3
