// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/bin_builder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/chunk/position_sample.h"
#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/bin.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/line.h"
#include "cnf/formats/vcfs3/parse.h"

namespace cnf::vcfs3 {
namespace {

Header header_of(std::size_t samples, bool crlf = false) {
  std::string text = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
  if (samples != 0) text += "\tFORMAT";
  for (std::size_t i = 0; i < samples; ++i) text += "\tS" + std::to_string(i);
  return Header::parse(text + (crlf ? "\r\n" : "\n"), "in");
}

// Lines as slabs of at least `slab` bytes, gathered into bins.
std::vector<Bin> build(std::string_view text, std::size_t slab, const Header& header) {
  const chunk::PositionSampleStrategy grid(header.samples.size());
  std::vector<Bin> bins;
  BinBuilder builder(header, grid, [&](Bin bin) { bins.push_back(std::move(bin)); });
  while (!text.empty()) {
    const std::size_t newline = text.find('\n', std::min(slab, text.size()) - 1);
    const std::string_view lines = text.substr(0, newline == text.npos ? newline : newline + 1);
    builder.add(parse_slab({.text = Buffer::copy_of(as_bytes(lines))}, header));
    text.remove_prefix(lines.size());
  }
  builder.finish();
  return bins;
}

std::string render(const std::vector<Bin>& bins, std::string_view end) {
  Buffer out;
  for (const Bin& bin : bins) {
    for (std::size_t record = 0; record < bin.sites.size(); ++record) {
      std::vector<std::string> cells;
      for (std::size_t s = 0; s < bin.genotypes.samples; ++s) {
        std::string cell;
        if (bin.genotypes.present[record] != 0) cell = bin.genotypes.text(record, s);
        cells.push_back(cell.append(bin.cells.rest(record, s)));
      }
      const std::vector<std::string_view> views(cells.begin(), cells.end());
      append_line({.contig = bin.contig, .site = bin.sites[record], .cells = views}, end, out);
    }
  }
  return std::string(as_text(out));
}

void expect_equal(const Bin& a, const Bin& b) {
  EXPECT_EQ(a.contig, b.contig);
  EXPECT_EQ(a.genotypes.texts, b.genotypes.texts);
  EXPECT_EQ(a.genotypes.codes, b.genotypes.codes);
  EXPECT_EQ(a.genotypes.present, b.genotypes.present);
  ASSERT_EQ(a.genotypes.escapes.size(), b.genotypes.escapes.size());
  for (std::size_t i = 0; i < a.genotypes.escapes.size(); ++i) {
    EXPECT_EQ(a.genotypes.escapes[i].cell, b.genotypes.escapes[i].cell);
    EXPECT_EQ(a.genotypes.escapes[i].text, b.genotypes.escapes[i].text);
  }
  EXPECT_EQ(a.cells.offsets, b.cells.offsets);
  EXPECT_EQ(as_text(a.cells.text), as_text(b.cells.text));
  EXPECT_EQ(as_text(a.text), as_text(b.text));
}

std::string line_of(const std::string& contig, std::size_t pos, const std::string& cells) {
  return contig + "\t" + std::to_string(pos) + "\t.\tA\tC\t.\t.\tAC=1\tGT:DP\t" + cells + "\n";
}

TEST(BinBuilder, KeepsDictionariesInTheOrderOfFirstAppearanceWithinABin) {
  const Header header = header_of(2);
  const std::string text =
      line_of("1", 1, "0|0\t0|1:5") + line_of("2", 1, "1|1:7\t0|1") + line_of("2", 2, "0|0\t./.");
  for (const std::size_t slab : {std::size_t{1}, text.size()}) {
    const std::vector<Bin> bins = build(text, slab, header);
    ASSERT_EQ(bins.size(), 2U);
    EXPECT_EQ(bins[0].genotypes.texts, (std::vector<std::string>{"0|0", "0|1"}));
    EXPECT_EQ(bins[1].genotypes.texts, (std::vector<std::string>{"1|1", "0|1", "0|0", "./."}));
    EXPECT_EQ(bins[1].genotypes.codes, (std::vector<std::uint8_t>{0, 1, 2, 3}));
    EXPECT_EQ(bins[1].cells.rest(0, 0), ":7");
    EXPECT_EQ(bins[1].cells.rest(1, 1), "");
    EXPECT_EQ(bins[1].cells.records, 2U);
    EXPECT_EQ(render(bins, "\n"), text);
  }
}

TEST(BinBuilder, EndsBinsWhereTheGridSays) {
  std::string text;
  for (std::size_t i = 0; i < 40'000; ++i)
    text += "1\t" + std::to_string(i + 1) + "\t.\tA\tC\t.\t.\t.\n";
  const std::vector<Bin> bins = build(text, 1 << 16, header_of(0));
  ASSERT_EQ(bins.size(), 3U);
  EXPECT_EQ(bins[0].sites.size(), kBinRecords);
  EXPECT_EQ(bins[1].sites.size(), kBinRecords);
  EXPECT_EQ(bins[2].sites.size(), 40'000 - 2 * kBinRecords);
  EXPECT_EQ(bins[2].sites.front().pos, static_cast<std::int64_t>(2 * kBinRecords));
  EXPECT_EQ(render(bins, "\n"), text);
}

TEST(BinBuilder, KeepsTheOrderOfInputThatIsNotSorted) {
  std::string text;
  for (const char* line :
       {"2\t9", "2\t3", "2\t3", "1\t5", "2\t1", "HLA-A*01:01\t3000000000", "1\t0"}) {
    text += std::string(line) + "\t.\tA\tC\t.\t.\t.\n";
  }
  const std::vector<Bin> bins = build(text, 1, header_of(0));
  std::vector<std::string> contigs;
  for (const Bin& bin : bins) contigs.push_back(bin.contig);
  EXPECT_EQ(contigs, (std::vector<std::string>{"2", "1", "2", "HLA-A*01:01", "1"}));
  EXPECT_EQ(render(bins, "\n"), text);
}

TEST(BinBuilder, FilesLinesWithoutAPlaceWithTheirNeighbours) {
  const std::string record = "chr7\t50\t.\tA\tC\t.\t.\t.\n";
  struct Case {
    std::string text;
    std::vector<std::string> contigs;
    std::int64_t last;
  };
  for (const Case& c : {Case{"\nfoo\n" + record, {"chr7"}, 49}, Case{record + "\n", {"chr7"}, 49},
                        Case{record + "8\t3\tx\n\n", {"chr7", "8"}, 2}, Case{"\n", {"."}, 0}}) {
    const std::vector<Bin> bins = build(c.text, 1 << 16, header_of(0));
    std::vector<std::string> contigs;
    for (const Bin& bin : bins) contigs.push_back(bin.contig);
    EXPECT_EQ(contigs, c.contigs);
    EXPECT_EQ(bins.back().sites.back().pos, c.last);
    EXPECT_EQ(render(bins, "\n"), c.text);
  }
  // Line by line: what comes behind the first slab cannot count.
  EXPECT_EQ(build(record + "\n\n", 1, header_of(0)).size(), 1U);
}

TEST(BinBuilder, CountsRawRecordsAndKnowsTheLastLineEnd) {
  const Header header = header_of(0);
  const chunk::PositionSampleStrategy grid(0);
  BinBuilder builder(header, grid, [](const Bin&) {});
  EXPECT_TRUE(builder.final_newline());
  builder.add(
      parse_slab({.text = Buffer::copy_of(as_bytes("x\n1\t1\t.\tA\tC\t.\t.\t.\ny\n"))}, header));
  EXPECT_EQ(builder.raw_records(), 2U);
  EXPECT_TRUE(builder.final_newline());
  builder.add(parse_slab({.text = Buffer::copy_of(as_bytes("z"))}, header));
  builder.finish();
  EXPECT_EQ(builder.raw_records(), 3U);
  EXPECT_FALSE(builder.final_newline());
}

TEST(BinBuilder, KeepsResidualsWithTheirRecords) {
  const Header header = header_of(0);
  const chunk::PositionSampleStrategy grid(0);
  std::vector<Bin> bins;
  BinBuilder builder(header, grid, [&](Bin bin) { bins.push_back(std::move(bin)); });
  const std::string_view lines = "1\t1\t.\tA\tC\t.\t.\t.\n2\t1\t.\tA\tC\t.\t.\t.\n";
  builder.add(
      parse_slab({.text = Buffer::copy_of(as_bytes(lines)), .residuals = {"a", "b"}}, header));
  builder.finish();
  ASSERT_EQ(bins.size(), 2U);
  EXPECT_EQ(bins[0].residuals, (std::vector<std::string>{"a"}));
  EXPECT_EQ(bins[1].residuals, (std::vector<std::string>{"b"}));
}

// A text of random records, some of them odd, that has enough genotype texts to need escapes.
std::string random_text(std::mt19937& random, std::size_t samples, const std::string& end) {
  const auto pick = [&](std::size_t n) { return random() % n; };
  std::string text;
  const std::size_t texts = pick(3) == 0 ? 400 : 5;
  for (std::size_t record = 0, records = pick(300); record < records; ++record) {
    if (pick(20) == 0) {
      text += std::string(pick(3), 'x') + (end == "\n" || pick(2) == 0 ? end : "\n");
      continue;
    }
    const std::size_t kind = pick(4);
    const char* const formats[] = {"GT", "GT:DP", "DP:GT", "GT"};
    text +=
        "c" + std::to_string(record / 40) + "\t" + std::to_string(record) + "\t.\tA\tC\t.\t.\t.\t";
    text += formats[kind];
    for (std::size_t s = 0; s < samples; ++s) {
      text += "\t" + std::to_string(pick(texts)) + "/0";
      if (kind == 1 || (kind == 3 && pick(50) == 0)) text += ":" + std::to_string(pick(100));
    }
    text += end;
  }
  return text;
}

TEST(BinBuilder, MakesTheSameBinsOfAnySlabs) {
  const std::uint32_t seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  for (int round = 0; round < 40; ++round) {
    const bool crlf = random() % 4 == 0;
    const Header header = header_of(1 + random() % 9, crlf);
    const std::string end = crlf ? "\r\n" : "\n";
    const std::string text = random_text(random, header.samples.size(), end);
    const std::vector<Bin> whole = build(text, text.size() + 1, header);
    EXPECT_EQ(render(whole, end), text);
    const std::vector<Bin> pieces = build(text, 1 + random() % 2000, header);
    // Lines without a place at the very beginning may be filed elsewhere; all else is the same.
    if (whole.size() != pieces.size() || text.empty() || text[0] != 'c') continue;
    for (std::size_t i = 0; i < whole.size(); ++i) expect_equal(whole[i], pieces[i]);
  }
}

}  // namespace
}  // namespace cnf::vcfs3
