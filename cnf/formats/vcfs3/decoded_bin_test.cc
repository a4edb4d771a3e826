// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/decoded_bin.h"

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/line.h"
#include "cnf/formats/vcfs3/test_bins_internal.h"

namespace cnf::vcfs3 {
namespace {

using Ordinals = std::vector<std::size_t>;

/// Lines of random cells: GT alone or not, records without GT, texts of any length, raw lines.
std::vector<std::vector<std::string>> random_lines(std::mt19937_64& random, std::size_t records,
                                                   std::size_t samples, bool genotypes_only) {
  const std::vector<std::string> genotypes = {"0|0", "0/1",   "./.",   ".",
                                              "1|1", "0/1/2", "10|11", "0/0/0/0/0"};
  std::vector<std::vector<std::string>> lines;
  for (std::size_t i = 0; i < records; ++i) {
    const bool without = !genotypes_only && random() % 7 == 0;
    const bool more = !genotypes_only && random() % 2 == 0;
    std::vector<std::string> columns = {"chr1",
                                        std::to_string(100 + i),
                                        "rs" + std::to_string(i),
                                        "A",
                                        "C,G",
                                        "10.0",
                                        "PASS",
                                        i % 3 == 0 ? "." : "DP=3;AC=1",
                                        without ? "DP:AD"
                                        : more  ? "GT:DP"
                                                : "GT"};
    for (std::size_t s = 0; s < samples; ++s) {
      std::string cell = without ? "" : genotypes[random() % genotypes.size()];
      if (without) cell = random() % 2 == 0 ? "." : "3:1,2";
      if (more && random() % 4 != 0) cell += ":" + std::to_string(random() % 50);
      columns.push_back(cell);
    }
    lines.push_back(columns);
  }
  return lines;
}

std::string line_of(const std::vector<std::string>& columns,
                    const std::optional<Ordinals>& samples) {
  std::string line = columns[0];
  for (std::size_t i = 1; i < 9; ++i) line += "\t" + columns[i];
  if (samples) {
    for (const std::size_t sample : *samples) line += "\t" + columns[9 + sample];
  } else {
    for (std::size_t i = 9; i < columns.size(); ++i) line += "\t" + columns[i];
  }
  return line + "\n";
}

std::string all_lines(const std::vector<std::vector<std::string>>& lines,
                      const std::optional<Ordinals>& samples) {
  std::string text;
  for (const auto& columns : lines) text += line_of(columns, samples);
  return text;
}

std::string decode(const testing::StoredBin& stored, const std::optional<Ordinals>& samples,
                   bool by_variant) {
  const CellOrder order(stored.groups, samples);
  const BinBytes bytes = stored.bytes(order);
  DecodedBin bin("chr1", stored.row, bytes, order, "test");
  Buffer out;
  for (std::size_t i = 0; i < stored.row.records(); ++i) {
    if (by_variant) {
      append_line(bin.variant(i, Needs::all()), "\n", out);
    } else {
      bin.append_line(i, true, "\n", out);
    }
  }
  return std::string(as_text(out));
}

TEST(DecodedBin, GivesTheLinesOfAnySamplesInAnyOrder) {
  const std::uint64_t seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937_64 random(seed);
  for (const bool genotypes_only : {true, false}) {
    const auto lines = random_lines(random, 60, 23, genotypes_only);
    const auto bins = testing::bins_of(all_lines(lines, {}), testing::header_of(23));
    ASSERT_EQ(bins.size(), 1U);
    const testing::StoredBin stored(bins[0], 16, 5);
    for (const std::optional<Ordinals>& samples :
         {std::optional<Ordinals>(), std::optional(Ordinals{7}),
          std::optional(Ordinals{22, 3, 4, 5, 0}), std::optional(Ordinals{})}) {
      EXPECT_EQ(decode(stored, samples, false), all_lines(lines, samples));
      EXPECT_EQ(decode(stored, samples, true), all_lines(lines, samples));
    }
  }
}

TEST(DecodedBin, DecodesOnlyWhatIsNeeded) {
  const std::string line = "chr1\t5\trs1\tA\tC\t.\t.\tDP=3\tGT:DP\t0/1:7\t0/0:8\n";
  const auto bins = testing::bins_of(line, testing::header_of(2));
  const testing::StoredBin stored(bins[0], 16, 5);
  const CellOrder order(stored.groups, {});
  BinBytes bytes = stored.bytes(order);
  bytes.pages[0].info = {};
  bytes.tiles[0].format = {};
  DecodedBin bin("chr1", stored.row, bytes, order, "test");
  const Variant& genotypes = bin.variant(0, {.id = true, .genotypes = true});
  EXPECT_EQ(genotypes.site.id, "rs1");
  EXPECT_EQ(genotypes.cells[0], "0/1");
  EXPECT_TRUE(bin.variant(0, {.id = true}).cells.empty());
  EXPECT_EQ(bin.position(0), 4);
  EXPECT_TRUE(bin.any_alternate(0));
  std::vector<std::uint32_t> carriers;
  bin.append_carriers(0, carriers);
  EXPECT_EQ(carriers, (std::vector<std::uint32_t>{0}));
}

TEST(DecodedBin, KeepsToSomeRecords) {
  const std::uint64_t seed = std::random_device{}();
  std::cout << "seed " << seed << '\n';
  std::mt19937_64 random(seed);
  for (const bool genotypes_only : {true, false}) {
    const auto lines = random_lines(random, 60, 23, genotypes_only);
    const auto bins = testing::bins_of(all_lines(lines, {}), testing::header_of(23));
    const testing::StoredBin stored(bins.at(0), 16, 5);
    const CellOrder order(stored.groups, {});
    const BinBytes bytes = stored.bytes(order);
    for (const auto& [first, end] :
         {std::pair<std::size_t, std::size_t>{0, 1}, {17, 41}, {59, 60}}) {
      DecodedBin bin("chr1", stored.row, bytes, order, "test");
      bin.keep_to(first, end);
      for (std::size_t i = first; i < end; ++i) {
        Buffer line, by_variant;
        bin.append_line(i, true, "\n", line);
        append_line(bin.variant(i, Needs::all()), "\n", by_variant);
        EXPECT_EQ(as_text(line), line_of(lines[i], {}));
        EXPECT_EQ(as_text(by_variant), line_of(lines[i], {}));
        std::vector<std::uint32_t> carriers;
        bin.append_carriers(i, carriers);
        EXPECT_EQ(bin.any_alternate(i), !carriers.empty());
      }
    }
  }
}

TEST(DecodedBin, KeepsRawLinesWhole) {
  const std::string lines = "chr1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\t0/0\nchr1\tfive\tbroken\n";
  const auto bins = testing::bins_of(lines, testing::header_of(2));
  const testing::StoredBin stored(bins[0], 16, 5);
  const CellOrder order(stored.groups, {});
  const BinBytes bytes = stored.bytes(order);
  DecodedBin bin("chr1", stored.row, bytes, order, "test");
  EXPECT_FALSE(bin.is_raw(0));
  EXPECT_TRUE(bin.is_raw(1));
  EXPECT_FALSE(bin.any_alternate(1));
  EXPECT_EQ(decode(stored, {}, false), lines);
}

TEST(CellOrder, KnowsNeighboursAndTheWhole) {
  const std::vector<SampleRange> groups = {{0, 4}, {4, 4}, {8, 2}};
  const CellOrder all(groups, {});
  EXPECT_TRUE(all.whole());
  EXPECT_EQ(all.cells(), 10U);
  EXPECT_EQ(all.runs().size(), 3U);
  const CellOrder some(groups, Ordinals{5, 6, 9, 4});
  EXPECT_EQ(some.groups(), (Ordinals{1, 2}));
  EXPECT_EQ(some.runs().size(), 3U);
  EXPECT_FALSE(some.whole());
  EXPECT_TRUE(CellOrder(groups, Ordinals{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}).whole());
  EXPECT_THROW(CellOrder(groups, Ordinals{10}), Error);
}

TEST(HasAlternate, TellsAllelesThatAreNoReference) {
  for (const char* text : {"0/1", "1", "10|0", "./2", "0/0/0/3"})
    EXPECT_TRUE(has_alternate(text)) << text;
  for (const char* text : {"0/0", ".", "./.", "0", "", ".|0"})
    EXPECT_FALSE(has_alternate(text)) << text;
}

}  // namespace
}  // namespace cnf::vcfs3
