// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/bin_row.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/index/interval.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/zones.h"

namespace cnf::vcfs3 {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Zone random_zone(std::mt19937_64& random) {
  switch (random() % 4) {
    case 0:
      return {};
    case 1:
      return {-kInfinity, kInfinity};
    default:
      const double low = std::uniform_real_distribution<double>(-1e6, 1e6)(random);
      return {low, low + static_cast<double>(random() % 1000)};
  }
}

BinRow random_row(std::mt19937_64& random, std::size_t zone_keys, std::size_t groups) {
  BinRow row{.key = {static_cast<std::uint32_t>(random() % 30), 0, 0},
             .bin = random() % 100'000,
             .chunk = random() % 1'000};
  std::uint64_t at = 8 + random() % (1U << 30);
  row.key.start = static_cast<std::int64_t>(random() % 250'000'000) - 1;
  row.pages.resize(1 + random() % kBinPages);
  std::int64_t start = row.key.start;
  for (PageRow& page : row.pages) {
    page = {.records = 1 + random() % kPageRecords, .min_start = start, .offset = at};
    page.max_end = start + static_cast<std::int64_t>(random() % 100'000);
    page.core_length = 1 + random() % 100'000;
    page.info_length = random() % 3 * 50'000;
    page.carriers_length = random() % 2 * 9'000;
    page.zones = {.qual = random_zone(random), .alts = random_zone(random)};
    for (std::size_t i = 0; i < zone_keys; ++i) page.zones.info.push_back(random_zone(random));
    page.zones = cover(page.zones);
    at += page.length();
    row.key.end = std::max(row.key.end, page.max_end);
    start += static_cast<std::int64_t>(random() % 50'000);
  }
  at += random() % 1'000'000;
  row.tiles.resize(groups);
  for (TileRow& tile : row.tiles) {
    tile.genotypes_length = random() % 4 == 0 ? 0 : random() % 10'000;
    tile.format_length = random() % 2 == 0 ? 0 : random() % 100'000;
    if (tile.genotypes_length != 0) tile.genotypes_offset = at;
    at += 40 * tile.genotypes_length;
    if (tile.format_length != 0) tile.format_offset = at;
    at += 40 * tile.format_length;
  }
  return row;
}

TEST(BinRow, ComesBackFromItsColumns) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (const std::size_t groups : {0U, 1U, 105U, 4'000U}) {
    for (const std::size_t keys : {0U, 3U, 24U}) {
      const BinRowLayout layout(keys, groups);
      for (int i = 0; i < 20; ++i) {
        const BinRow row = random_row(random, keys, groups);
        const std::vector<std::uint64_t> columns = layout.encode(row);
        ASSERT_EQ(columns.size(), layout.columns());
        EXPECT_EQ(columns[0], row.records());
        EXPECT_EQ(columns[1], 1U);
        EXPECT_EQ(layout.decode(row.key, columns, "test"), row);
      }
    }
  }
}

TEST(BinRow, OfTheLargestDatasetFitsIntoTheIndex) {
  const BinRowLayout layout(kMaxZoneKeys, BinRowLayout::kMaxGroups);
  const index::IntervalTreeBuilder builder(
      {.columns = layout.columns(), .summed = BinRowLayout::kSummed}, [](ByteSpan) {});
  EXPECT_THROW(BinRowLayout(kMaxZoneKeys, BinRowLayout::kMaxGroups + 1), Error);
  EXPECT_THROW(BinRowLayout(kMaxZoneKeys + 1, 1), Error);
}

// Every column in turn holds what it never would: refused, or a row within the bounds.
TEST(BinRow, RefusesColumnsOutOfRange) {
  std::mt19937_64 random(3);
  const BinRowLayout layout(2, 3);
  std::size_t refused = 0;
  for (int i = 0; i < 30; ++i) {
    const BinRow row = random_row(random, 2, 3);
    const std::vector<std::uint64_t> columns = layout.encode(row);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      for (const std::uint64_t value :
           {~std::uint64_t{0}, std::uint64_t{1} << 63U, std::uint64_t{1} << 50U, random()}) {
        std::vector<std::uint64_t> hostile = columns;
        hostile[c] = value;
        try {
          const BinRow read = layout.decode(row.key, hostile, "hostile");
          EXPECT_LE(read.pages.size(), kBinPages);
          EXPECT_LE(read.records(), kBinRecords);
          for (const PageRow& page : read.pages) {
            EXPECT_GE(page.min_start, row.key.start);
            EXPECT_LE(page.max_end, row.key.end);
          }
          for (const TileRow& tile : read.tiles) EXPECT_LE(tile.format_offset, 1ULL << 48U);
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), Errc::corrupt_data);
          ++refused;
        }
      }
    }
  }
  EXPECT_GT(refused, 5'000U);
  EXPECT_THROW(static_cast<void>(layout.decode({}, {}, "short")), Error);
}

TEST(BinRow, CoversZonesNarrowly) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 1'000; ++i) {
    const Zone zone = random_zone(random);
    const Zone covered = cover({.qual = zone}).qual;
    if (zone.empty()) {
      EXPECT_EQ(covered, Zone{});
      continue;
    }
    EXPECT_LE(covered.min, zone.min);
    EXPECT_GE(covered.max, zone.max);
    EXPECT_TRUE(std::isinf(zone.min) || covered.min >= zone.min - 0.125);
    EXPECT_TRUE(std::isinf(zone.max) || covered.max <= zone.max + 0.125);
  }
  const Zone huge = cover({.qual = {1e300, 1e301}}).qual;
  EXPECT_LE(huge.min, 1e300);
  EXPECT_EQ(huge.max, kInfinity);
  const Zone tiny = cover({.qual = {-1e301, -1e-300}}).qual;
  EXPECT_EQ(tiny.min, -kInfinity);
  EXPECT_GE(tiny.max, -1e-300);
}

}  // namespace
}  // namespace cnf::vcfs3
