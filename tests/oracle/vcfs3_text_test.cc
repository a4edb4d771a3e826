// SPDX-License-Identifier: Apache-2.0

// Oracles: gzip, whose output is the text of a VCF; bcftools 1.16, which tells a BCF as text; and
// htslib, which reads that text back. A file that is read comes out of bins byte for byte.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/oracle/command.h"
#include <gtest/gtest.h>
#include <htslib/hts.h>
#include <htslib/kstring.h>
#include <htslib/vcf.h>

#include "cnf/core/chunk/position_sample.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/bin.h"
#include "cnf/formats/vcfs3/bin_builder.h"
#include "cnf/formats/vcfs3/float_residuals.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/line.h"
#include "cnf/formats/vcfs3/parse.h"
#include "cnf/formats/vcfs3/source.h"

namespace cnf::vcfs3 {
namespace {

namespace fs = std::filesystem;
using oracle::quoted;
using oracle::run;

/// What a file holds, by way of bins.
struct Contents {
  std::string header;
  std::vector<std::string> lines = {};  // with their ends
  std::vector<std::string> residuals = {};
  std::uint64_t raw_records = 0;
};

void append_bin(const Bin& bin, std::string_view end, Contents& contents) {
  for (std::size_t record = 0; record < bin.sites.size(); ++record) {
    std::vector<std::string> cells;
    for (std::size_t s = 0; s < bin.genotypes.samples; ++s) {
      std::string cell;
      if (bin.genotypes.present[record] != 0) cell = bin.genotypes.text(record, s);
      cells.push_back(cell.append(bin.cells.rest(record, s)));
    }
    const std::vector<std::string_view> views(cells.begin(), cells.end());
    Buffer line;
    append_line({.contig = bin.contig, .site = bin.sites[record], .cells = views}, end, line);
    contents.lines.emplace_back(as_text(line));
    contents.residuals.push_back(bin.residuals.empty() ? std::string() : bin.residuals[record]);
  }
}

Contents read_all(const fs::path& file) {
  const auto source = open_source(file.string(), {.threads = 2}, {});
  const Header& header = source->header();
  const std::string_view end = header.crlf ? "\r\n" : "\n";
  Contents contents{.header = header.text};
  const chunk::PositionSampleStrategy grid(header.samples.size());
  BinBuilder builder(header, grid, [&](const Bin& bin) { append_bin(bin, end, contents); });
  while (auto slab = source->next()) builder.add(parse_slab(std::move(*slab), header));
  builder.finish();
  contents.raw_records = builder.raw_records();
  if (!builder.final_newline()) {
    contents.lines.back().resize(contents.lines.back().size() - end.size());
  }
  return contents;
}

std::string text_of(const Contents& contents) {
  std::string text = contents.header;
  for (const std::string& line : contents.lines) text += line;
  return text;
}

bool no_files(const std::vector<fs::path>& files) {
  if (files.empty()) {
    std::cout << "no folder of real files (CNF_SHARED_DATA): nothing was compared\n";
  }
  return files.empty();
}

bool begins_as_vcf(const std::string& text) {
  const bool starts = text.starts_with("##fileformat=VCF") || text.starts_with("#CHROM");
  return starts && ("\n" + text).find("\n#CHROM") != std::string::npos;
}

TEST(Vcfs3Text, GivesEveryVcfBackByteForByte) {
  const auto files = oracle::real_variant_files();
  if (no_files(files)) return;
  std::size_t same = 0, refused = 0, with_raw = 0;
  std::uint64_t raw = 0, records = 0;
  for (const fs::path& file : files) {
    if (file.extension() == ".bcf") continue;
    SCOPED_TRACE(file.string());
    const oracle::Output expected = run("gzip -cdf " + quoted(file.string()));
    std::optional<Contents> contents;
    try {
      contents = read_all(file);
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      EXPECT_TRUE(expected.status != 0 || !begins_as_vcf(expected.text)) << error.what();
      std::cout << "refused: " << error.what() << "\n";
      ++refused;
      continue;
    }
    EXPECT_EQ(expected.status, 0) << "gzip rejects it";
    const bool equal = text_of(*contents) == expected.text;
    EXPECT_TRUE(equal) << "other bytes than gzip -cd";
    if (equal) ++same;
    raw += contents->raw_records;
    records += contents->lines.size();
    if (contents->raw_records != 0) ++with_raw;
  }
  std::cout << same << " files identical, " << refused << " refused; " << raw << " of " << records
            << " records kept raw, in " << with_raw << " files\n";
  EXPECT_NE(same, 0U);
}

struct CloseFile {
  void operator()(htsFile* file) const { (void)hts_close(file); }
};
using BcfHeader = std::unique_ptr<bcf_hdr_t, decltype(&bcf_hdr_destroy)>;
using BcfRecord = std::unique_ptr<bcf1_t, decltype(&bcf_destroy)>;

// The bits of all floats that a record's text shows: QUAL, then those of vectors before their end.
std::vector<std::uint32_t> float_bits(bcf1_t& record) {
  bcf_unpack(&record, BCF_UN_ALL);
  std::vector<std::uint32_t> bits(1);
  std::memcpy(bits.data(), &record.qual, sizeof(record.qual));
  const auto add = [&](const std::uint8_t* at, int count) {
    for (int i = 0; i < count; ++i) {
      std::uint32_t value = 0;
      std::memcpy(&value, at + static_cast<std::size_t>(i) * sizeof(value), sizeof(value));
      if (value == bcf_float_vector_end) break;
      bits.push_back(value);
    }
  };
  for (unsigned i = 0; i < record.n_info; ++i) {
    const bcf_info_t& info = record.d.info[i];
    if (info.type == BCF_BT_FLOAT && info.len > 0) add(info.vptr, info.len);
  }
  for (unsigned i = 0; i < record.n_fmt; ++i) {
    const bcf_fmt_t& format = record.d.fmt[i];
    if (format.type != BCF_BT_FLOAT) continue;
    for (unsigned s = 0; s < record.n_sample; ++s)
      add(format.p + std::size_t{s} * static_cast<std::size_t>(format.size), format.n);
  }
  return bits;
}

// Holds the records of a BCF against what htslib makes of our text and residuals.
void compare_floats(const fs::path& file, const Contents& contents) {
  const std::unique_ptr<htsFile, CloseFile> input(hts_open(file.c_str(), "r"));
  ASSERT_TRUE(input);
  const BcfHeader header(bcf_hdr_read(input.get()), &bcf_hdr_destroy);
  const BcfRecord original(bcf_init(), &bcf_destroy), parsed(bcf_init(), &bcf_destroy);
  for (std::size_t i = 0; i < contents.lines.size(); ++i) {
    ASSERT_EQ(bcf_read(input.get(), header.get(), original.get()), 0);
    std::string line = contents.lines[i].substr(0, contents.lines[i].size() - 1);
    kstring_t text{.l = line.size(), .m = line.size() + 1, .s = line.data()};
    ASSERT_EQ(vcf_parse(&text, header.get(), parsed.get()), 0) << contents.lines[i];
    bcf_unpack(parsed.get(), BCF_UN_ALL);
    apply_float_residuals(contents.residuals[i], *header, *parsed, "residuals");
    EXPECT_EQ(float_bits(*original), float_bits(*parsed)) << contents.lines[i];
  }
}

TEST(Vcfs3Text, TellsBcfAsBcftoolsDoesAndKeepsEveryFloat) {
  const auto files = oracle::real_variant_files();
  if (no_files(files)) return;
  std::size_t same = 0, refused = 0;
  std::uint64_t records = 0, with_residuals = 0;
  for (const fs::path& file : files) {
    if (file.extension() != ".bcf") continue;
    SCOPED_TRACE(file.string());
    const oracle::Output expected = run("bcftools view -H --no-version " + quoted(file.string()));
    std::optional<Contents> contents;
    try {
      contents = read_all(file);
    } catch (const Error& error) {
      EXPECT_NE(expected.status, 0) << "bcftools reads it, but: " << error.what();
      ++refused;
      continue;
    }
    EXPECT_EQ(expected.status, 0) << "bcftools rejects it";
    const bool equal = text_of(*contents).substr(contents->header.size()) == expected.text;
    EXPECT_TRUE(equal) << "other lines than bcftools view";
    if (equal) ++same;
    compare_floats(file, *contents);
    records += contents->lines.size();
    for (const std::string& residual : contents->residuals)
      if (!residual.empty()) ++with_residuals;
  }
  std::cout << same << " files told alike, " << refused << " refused alike; " << with_residuals
            << " of " << records << " records have floats that need more than their text\n";
  EXPECT_NE(same, 0U);
}

}  // namespace
}  // namespace cnf::vcfs3
