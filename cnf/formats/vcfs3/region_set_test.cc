// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/region_set.h"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/index/interval.h"
#include "cnf/core/util/error.h"

namespace cnf::vcfs3 {
namespace {

using Intervals = std::vector<index::Interval>;

const std::vector<std::string> kContigs = {"chr1", "chr2", "HLA-A*01:01", "a,b"};

Errc refusal(const std::string& text) {
  try {
    static_cast<void>(parse_regions(text, kContigs));
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::internal;
}

// Oracle: which records bcftools view -r printed.
TEST(ParseRegions, MeansWhatBcftoolsMeans) {
  EXPECT_EQ(parse_regions("chr1:10", kContigs), (Intervals{{0, 9, 10}}));
  EXPECT_EQ(parse_regions("chr1:10-20,chr2:5-5", kContigs), (Intervals{{0, 9, 20}, {1, 4, 5}}));
  EXPECT_EQ(parse_regions("chr2", kContigs), (Intervals{{1, kContigStart, kContigEnd}}));
  EXPECT_EQ(parse_regions("chr2:7-", kContigs).front().start, 6);
  EXPECT_GT(parse_regions("chr2:7-", kContigs).front().end, 1LL << 60);
}

TEST(ParseRegions, TakesNamesWithColonsAndCommas) {
  EXPECT_EQ(parse_regions("HLA-A*01:01", kContigs), (Intervals{{2, kContigStart, kContigEnd}}));
  EXPECT_EQ(parse_regions("HLA-A*01:01:3-4", kContigs), (Intervals{{2, 2, 4}}));
  EXPECT_EQ(parse_regions("{a,b}:3-4,chr1:1", kContigs), (Intervals{{3, 2, 4}, {0, 0, 1}}));
}

TEST(ParseRegions, SaysWhatIsNoRegionAndWhatIsNotThere) {
  EXPECT_EQ(refusal("chr9:1-2"), Errc::not_found);
  EXPECT_EQ(refusal("{a"), Errc::not_found);
  for (const char* text :
       {"chr1:x", "chr1:5-2", "chr1:-", "chr1:1-2-3", "chr1:99999999999999999999"}) {
    EXPECT_EQ(refusal(text), Errc::invalid_argument) << text;
  }
}

TEST(ReadRegions, TakesBedAndTabDelimitedFiles) {
  EXPECT_EQ(
      read_regions("#c\nchr1\t0\t10\tname\nchr9\tx\ntrack x\nchr2\t5\t6\r\n", true, kContigs, "f"),
      (Intervals{{0, 0, 10}, {1, 5, 6}}));
  EXPECT_EQ(read_regions("chr1\t10\nchr2\t5\t6\n\nchr2\t9\trs1\tA\n", false, kContigs, "f"),
            (Intervals{{0, 9, 10}, {1, 4, 6}, {1, 8, 9}}));
  EXPECT_THROW(static_cast<void>(read_regions("chr1\tten\n", false, kContigs, "f")), Error);
  EXPECT_THROW(static_cast<void>(read_regions("chr1\t10\n", true, kContigs, "f")), Error);
}

TEST(RegionSet, MergesWithinContigsAndKeepsTheirOrder) {
  const RegionSet set({{1, 100, 200}, {0, 50, 60}, {0, 10, 20}, {0, 15, 30}});
  EXPECT_EQ(set.intervals(), (Intervals{{0, 10, 30}, {0, 50, 60}, {1, 100, 200}}));
  EXPECT_LT(set.rank(1), set.rank(0));
}

TEST(RegionSet, OverlapIsHalfOpen) {
  const RegionSet set({{0, 10, 20}, {0, 50, 60}, {2, kContigStart, kContigEnd}});
  struct Case {
    std::uint32_t contig;
    std::int64_t start, end;
    bool want;
  };
  for (const Case& row : {Case{0, 0, 10, false}, Case{0, 9, 11, true}, Case{0, 19, 20, true},
                          Case{0, 20, 50, false}, Case{0, 0, 100, true}, Case{0, 15, 15, true},
                          Case{0, 20, 20, false}, Case{1, 15, 16, false}, Case{2, -1, 0, true}}) {
    EXPECT_EQ(set.overlaps(row.contig, row.start, row.end), row.want) << row.start;
  }
  EXPECT_FALSE(RegionSet({}).overlaps(0, 0, 100));
}

}  // namespace
}  // namespace cnf::vcfs3
