// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/parse.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/site.h"

namespace cnf::vcfs3 {
namespace {

Header header_of(std::size_t samples, bool crlf = false) {
  std::string text = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
  if (samples != 0) text += "\tFORMAT";
  for (std::size_t i = 0; i < samples; ++i) text += "\tS" + std::to_string(i);
  return Header::parse(text + (crlf ? "\r\n" : "\n"), "in");
}

ParsedSlab parse(const std::string& text, const Header& header) {
  return parse_slab({.text = Buffer::copy_of(as_bytes(text))}, header);
}

// The record of a line whose sample columns are `cells`, with `format`.
ParsedSlab parse_cells(const std::string& format, const std::string& cells, std::size_t samples) {
  return parse("1\t5\t.\tA\tC\t.\t.\t.\t" + format + "\t" + cells + "\n", header_of(samples));
}

TEST(ParseSlab, TakesALineApart) {
  const ParsedSlab slab = parse(
      "chr1\t100\trs1;rs2\tAC\tA,<DEL>\t9.50\tq10;s50\tAC=1;;DB;END=200;\tGT:DP\t0|1:3\t.\n"
      "chr1\t0\t.\tn\t.\t.\tPASS\t.\tDP\t7\t\n",
      header_of(2));
  ASSERT_EQ(slab.table.sites.size(), 2U);
  const Site& site = slab.table.sites[0];
  EXPECT_FALSE(site.is_raw);
  EXPECT_EQ(site.pos, 99);
  EXPECT_EQ(site.id, "rs1;rs2");
  EXPECT_EQ(site.ref, "AC");
  EXPECT_EQ(site.alt, "A,<DEL>");
  EXPECT_EQ(site.qual, "9.50");
  EXPECT_EQ(site.filter, "q10;s50");
  EXPECT_EQ(site.info, "AC=1;;DB;END=200;");
  EXPECT_EQ(site.format, "GT:DP");
  EXPECT_EQ(slab.genotypes.text(0, 0), "0|1");
  EXPECT_EQ(slab.genotypes.text(0, 1), ".");
  EXPECT_EQ(slab.cells.rest(0, 0), ":3");
  EXPECT_EQ(slab.cells.rest(0, 1), "");
  EXPECT_EQ(slab.table.sites[1].pos, -1);
  EXPECT_EQ(slab.genotypes.present, (std::vector<std::uint8_t>{1, 0}));
  EXPECT_EQ(slab.cells.rest(1, 0), "7");
  EXPECT_EQ(slab.cells.rest(1, 1), "");
  EXPECT_TRUE(slab.final_newline);
}

TEST(ParseSlab, KeepsEveryGenotypeText) {
  const std::vector<std::string> texts = {
      "0|1",  "0/1",  ".",     "./.",   "./1",     ".|.",      "0", "1",       "0/1/2", "0|1|1/2",
      "/0/1", "|0|1", "10/11", "0|100", "1234567", "./././1",  "",  "0/0/0/0", "*/1",   "0 1",
      "0|1",  ".",    "x",     "0/1",   "./.",     "12345678", "0", "0|1"};
  for (const std::string rest : {"", ":5"}) {
    std::string cells;
    for (const std::string& text : texts) {
      cells += text;
      cells += rest + "\t";
    }
    cells.pop_back();
    const std::string format = rest.empty() ? "GT" : "GT:DP";
    const ParsedSlab slab = parse_cells(format, cells, texts.size());
    ASSERT_FALSE(slab.table.sites[0].is_raw);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ(slab.genotypes.text(0, i), texts[i]);
      EXPECT_EQ(slab.cells.rest(0, i), rest);
    }
    EXPECT_EQ(slab.genotypes.texts.size(), 22U);
    EXPECT_EQ(slab.genotypes.texts[3], "./.");
    EXPECT_EQ(slab.cells.empty(), rest.empty());
  }
}

TEST(ParseSlab, TellsDroppedFieldsFromMissingOnes) {
  const std::vector<std::string> rests = {"", ":", ":.", ":.:.", "::", ":1,.,3:", ":0::30:0"};
  std::string cells;
  for (const std::string& rest : rests) cells += "0/1" + rest + "\t";
  cells.pop_back();
  for (const char* format : {"GT:AD:DP", "GT"}) {  // more fields than FORMAT are text, too
    const ParsedSlab slab = parse_cells(format, cells, rests.size());
    for (std::size_t i = 0; i < rests.size(); ++i) EXPECT_EQ(slab.cells.rest(0, i), rests[i]);
  }
}

TEST(ParseSlab, LeavesCellsWholeWhereFormatDoesNotBeginWithGt) {
  for (const char* format : {"DP:GT", "GTX", "."}) {
    const ParsedSlab slab = parse_cells(format, "3:0|1\t.", 2);
    EXPECT_EQ(slab.genotypes.present[0], 0) << format;
    EXPECT_EQ(slab.cells.rest(0, 0), "3:0|1") << format;
    EXPECT_EQ(slab.cells.rest(0, 1), ".") << format;
  }
}

TEST(ParseSlab, GivesNoRestsWhereThereAreNone) {
  EXPECT_TRUE(parse_cells("GT:DP", "./.\t0/1", 2).cells.empty());
  const Header header = header_of(1);
  const std::string plain = "1\t5\t.\tA\tC\t.\t.\t.\tGT\t0|1\n";
  const ParsedSlab slab =
      parse(plain + "1\t5\t.\tA\tC\t.\t.\t.\tGT:DP\t0|1:4\n" + plain + "raw\n", header);
  ASSERT_EQ(slab.cells.offsets.size(), 5U);
  EXPECT_EQ(slab.cells.rest(0, 0), "");
  EXPECT_EQ(slab.cells.rest(1, 0), ":4");
  EXPECT_EQ(slab.cells.rest(2, 0), "");
  EXPECT_EQ(slab.cells.rest(3, 0), "");
}

TEST(ParseSlab, EscapesTheTextsBeyond255) {
  std::string cells;
  constexpr std::size_t kSamples = 1000;
  for (std::size_t i = 0; i < kSamples; ++i) cells += std::to_string(i % 300) + "/0\t";
  cells.pop_back();
  const ParsedSlab slab = parse_cells("GT", cells, kSamples);
  EXPECT_EQ(slab.genotypes.texts.size(), 300U);
  EXPECT_EQ(slab.genotypes.escapes.size(), 45U * 3 + 0U);
  for (std::size_t i = 0; i < kSamples; ++i) {
    EXPECT_EQ(slab.genotypes.text(0, i), std::to_string(i % 300) + "/0");
  }
}

struct RawCase {
  const char* name;
  std::string line;
};

TEST(ParseSlab, KeepsRawWhatNoRuleFits) {
  const std::string head = "1\t5\t.\tA\tC\t.\t.\t.\tGT";
  const Header header = header_of(2);
  for (const RawCase& c :
       {RawCase{"blank", ""}, RawCase{"spaces for tabs", "1 5 . A C . . . GT 0|1 0|1"},
        RawCase{"a comment", "##late=1"}, RawCase{"a second header", header.text.substr(0, 30)},
        RawCase{"a column too few", head + "\t0|1"}, RawCase{"no FORMAT", "1\t5\t.\tA\tC\t.\t.\t."},
        RawCase{"a column too many", head + "\t0|1\t0|1\t0|1"},
        RawCase{"a tab at the end", head + "\t0|1\t0|1\t"},
        RawCase{"the same with rests", head + ":DP\t0|1:1\t0|1\t"},
        RawCase{"too few with rests", head + ":DP\t0|1:1"},
        RawCase{"carriage return at the end", head + "\t0|1\t0|1\r"},
        RawCase{"carriage return within", "1\t5\t.\tA\rG\tC\t.\t.\t.\tGT\t0|1\t0|1"},
        RawCase{"NUL", std::string("1\t5\t.\tA\0\tC\t.\t.\t.\tGT\t0|1\t0|1", 27)},
        RawCase{"no contig", "\t5\t.\tA\tC\t.\t.\t.\tGT\t0|1\t0|1"},
        RawCase{"an empty column", "1\t5\t.\tA\tC\t.\t\t.\tGT\t0|1\t0|1"},
        RawCase{"an empty FORMAT", "1\t5\t.\tA\tC\t.\t.\t.\t\t0|1\t0|1"}}) {
    std::string text = head + "\t1|1\t1|1\n";
    text.append(c.line).append("\n").append(head).append("\t./.\t0\n");
    const ParsedSlab slab = parse(text, header);
    ASSERT_EQ(slab.table.sites.size(), 3U) << c.name;
    EXPECT_TRUE(slab.table.sites[1].is_raw) << c.name;
    EXPECT_EQ(slab.table.sites[1].raw, c.line) << c.name;
    EXPECT_EQ(slab.genotypes.present, (std::vector<std::uint8_t>{1, 0, 1})) << c.name;
    EXPECT_EQ(slab.genotypes.codes.size(), 6U) << c.name;
    EXPECT_EQ(slab.genotypes.text(2, 0), "./.") << c.name;
    EXPECT_EQ(slab.genotypes.text(2, 1), "0") << c.name;
    EXPECT_TRUE(slab.cells.empty()) << c.name;
  }
}

TEST(ParseSlab, TakesPositionsThatPrintAsTheyStand) {
  const Header header = header_of(0);
  struct Case {
    const char* text;
    bool fits;
    std::int64_t pos;
  };
  for (const Case& c :
       {Case{"1", true, 0}, Case{"0", true, -1}, Case{"536870913", true, 536870912},
        Case{"3000000000", true, 2999999999}, Case{"4611686018427387904", true, kMaxPos - 1},
        Case{"4611686018427387905", false, 0}, Case{"99999999999999999999", false, 0},
        Case{"01", false, 0}, Case{"00", false, 0}, Case{"+1", false, 0}, Case{"-1", false, 0},
        Case{"-0", false, 0}, Case{"1e3", false, 0}, Case{" 1", false, 0}, Case{".", false, 0}}) {
    const ParsedSlab slab = parse(std::string("1\t") + c.text + "\t.\tA\tC\t.\t.\t.\n", header);
    EXPECT_EQ(slab.table.sites[0].is_raw, !c.fits) << c.text;
    if (c.fits) {
      EXPECT_EQ(slab.table.sites[0].pos, c.pos) << c.text;
    }
  }
}

TEST(ParseSlab, FilesRawLinesWhereTheySayOrAfterTheirPredecessor) {
  const ParsedSlab slab =
      parse("\nfoo\n1\t7\tshort\nodd\n1\t9\t.\tA\tC\t.\t.\t.\n\n2\t3\tshort\n", header_of(0));
  EXPECT_EQ(slab.unplaced, 2U);
  ASSERT_EQ(slab.runs.size(), 2U);
  EXPECT_EQ(slab.runs[0].contig, "1");
  EXPECT_EQ(slab.runs[0].first, 2U);
  EXPECT_EQ(slab.runs[1].contig, "2");
  EXPECT_EQ(slab.runs[1].first, 6U);
  std::vector<std::int64_t> positions;
  for (const Site& site : slab.table.sites) positions.push_back(site.pos);
  EXPECT_EQ(positions, (std::vector<std::int64_t>{0, 0, 6, 6, 8, 8, 2}));
}

TEST(ParseSlab, TakesLongAndOddContigNames) {
  const Header header = header_of(0);
  const std::string columns = "\t1\t.\tA\tC\t.\t.\t.\n";
  for (const std::string& name :
       {std::string("HLA-A*01:01:01"), std::string("<ctg>,1"), std::string(kMaxContigName, 'c')}) {
    const ParsedSlab slab = parse(name + columns, header);
    ASSERT_EQ(slab.runs.size(), 1U);
    EXPECT_EQ(slab.runs[0].contig, name);
  }
  EXPECT_EQ(parse(std::string(kMaxContigName + 1, 'c') + columns, header).unplaced, 1U);
}

TEST(ParseSlab, KnowsCarriageReturnsThatEndEveryLine) {
  const Header header = header_of(1, true);
  const std::string line = "1\t5\t.\tA\tC\t.\t.\t.\tGT\t0|1";
  const ParsedSlab slab = parse(line + "\r\n" + line + "\n" + line + "\r\r\n\r\n\n" + line, header);
  ASSERT_EQ(slab.table.sites.size(), 6U);
  EXPECT_FALSE(slab.table.sites[0].is_raw);
  EXPECT_EQ(slab.table.sites[1].raw, line + "\n");
  EXPECT_EQ(slab.table.sites[2].raw, line + "\r");
  EXPECT_TRUE(slab.table.sites[3].is_raw);
  EXPECT_EQ(slab.table.sites[3].raw, "");
  EXPECT_EQ(slab.table.sites[4].raw, "\n");
  EXPECT_FALSE(slab.table.sites[5].is_raw);
  EXPECT_FALSE(slab.final_newline);
  EXPECT_TRUE(parse(line + "\r", header).table.sites[0].is_raw);
}

TEST(ParseSlab, TakesLinesOfAnyWidth) {
  constexpr std::size_t kSamples = 100'000;
  std::string cells;
  for (std::size_t i = 0; i < kSamples; ++i) cells += i % 7 == 0 ? "0|1\t" : "0|0\t";
  cells.pop_back();
  const ParsedSlab wide = parse_cells("GT", cells, kSamples);
  ASSERT_FALSE(wide.table.sites[0].is_raw);
  EXPECT_EQ(wide.genotypes.texts, (std::vector<std::string>{"0|1", "0|0"}));
  EXPECT_EQ(wide.genotypes.text(0, kSamples - 1), "0|0");

  std::string alts = "C";
  for (int i = 0; i < 26'000; ++i) alts += ",<A" + std::to_string(i) + ">";
  const ParsedSlab deep = parse("1\t5\t.\tA\t" + alts + "\t.\t.\t.\tGT\t0|25999\n", header_of(1));
  EXPECT_EQ(deep.table.sites[0].alt, alts);
  EXPECT_EQ(deep.genotypes.text(0, 0), "0|25999");
}

TEST(ParseSlab, FitsNothingToAHeaderThatIsNotInColumns) {
  const Header header = Header::parse("#CHROM POS ID REF ALT QUAL FILTER INFO\n", "in");
  const ParsedSlab slab = parse("1\t5\t.\tA\tC\t.\t.\t.\n1\n", header);
  EXPECT_TRUE(slab.table.sites[0].is_raw);
  EXPECT_TRUE(slab.table.sites[1].is_raw);
}

}  // namespace
}  // namespace cnf::vcfs3
