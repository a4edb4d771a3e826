// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/zones.h"

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/formats/vcfs3/site.h"

namespace cnf::vcfs3 {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Zone kEverything{-kInfinity, kInfinity};

Zone info_zone(std::string_view info) {
  const Site site{.alt = ".", .qual = ".", .info = info};
  const std::vector<std::string> keys = {"X"};
  return zones_of({&site, 1}, keys).info[0];
}

TEST(Zones, CoverEveryNumberThatStandsInTheField) {
  struct Case {
    std::string_view info;
    Zone zone;
  };
  for (const Case& c :
       {Case{"X=5", {5, 5}}, Case{"X=3,-1.5,7", {-1.5, 7}}, Case{"X=.,2,.", {2, 2}},
        Case{"X=.", {}}, Case{"X", {}}, Case{"X=", {}}, Case{"X=text", {}},
        Case{"Y=5;XX=3;YX=4", {}}, Case{"X=1;Y=9;X=4", {1, 4}}, Case{"X=1e-3", {1e-3, 1e-3}},
        Case{"X=+2", {2, 2}}, Case{"X=-inf,1", {-kInfinity, 1}}, Case{"X=nan", kEverything},
        Case{"X=1,-nan", kEverything}, Case{"X=5x", kEverything}, Case{"X=0x1F", kEverything},
        Case{"X=1e999", kEverything}, Case{"X=--1", {}},
        Case{"X=99999999999", {99999999999., 99999999999.}}}) {
    EXPECT_EQ(info_zone(c.info), c.zone) << c.info;
  }
}

TEST(Zones, OfSeveralRecordsAreTheirUnion) {
  const std::vector<Site> sites = {{.alt = "G", .qual = "30", .info = "DP=5"},
                                   {.alt = ".", .qual = ".", .info = "."},
                                   {.alt = "G,T,<NON_REF>", .qual = "9.5", .info = "DP=50;AF=0.1"}};
  const std::vector<std::string> keys = {"AF", "DP", "XX"};
  const PageZones zones = zones_of(sites, keys);
  EXPECT_EQ(zones.qual, (Zone{9.5, 30}));
  EXPECT_EQ(zones.alts, (Zone{0, 3}));
  ASSERT_EQ(zones.info.size(), 3U);
  EXPECT_EQ(zones.info[0], (Zone{0.1, 0.1}));
  EXPECT_EQ(zones.info[1], (Zone{5, 50}));
  EXPECT_TRUE(zones.info[2].empty());
}

TEST(Zones, ARawRecordMayBeAnything) {
  const std::vector<Site> sites = {{.alt = "G", .qual = "30", .info = "DP=5"},
                                   {.raw = "x", .is_raw = true}};
  const std::vector<std::string> keys = {"DP"};
  const PageZones zones = zones_of(sites, keys);
  EXPECT_EQ(zones.qual, kEverything);
  EXPECT_EQ(zones.alts, kEverything);
  EXPECT_EQ(zones.info[0], kEverything);
}

TEST(Zones, OfNoRecordsAreEmpty) {
  const PageZones zones = zones_of({}, {});
  EXPECT_TRUE(zones.qual.empty());
  EXPECT_TRUE(zones.alts.empty());
  EXPECT_TRUE(zones.info.empty());
}

}  // namespace
}  // namespace cnf::vcfs3
