// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/harness.h"
#include "fuzz/seeds.h"

#include "cnf/core/compress/stream_set.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/chunk_footer.h"
#include "cnf/formats/vcfs3/genotype_tile.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/sample_table.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/site_page.h"
#include "cnf/formats/vcfs3/zones.h"

namespace cnf::fuzz {
namespace {

/// Records × samples with texts by a number that mixes both, as vcfs3_genotypes_fuzz.cc takes them.
void write_genotypes(const SeedWriter& seeds, std::string_view name,
                     std::initializer_list<std::string> texts, std::uint8_t samples,
                     std::uint8_t records) {
  vcfs3::Genotypes bin{.records = records, .samples = samples, .texts = texts};
  bin.present.resize(records, 1);
  for (std::size_t record = 0; record < records; ++record) {
    if (record % 8 == 7) bin.present[record] = 0;
    for (std::size_t i = 0; i < samples; ++i) {
      const std::size_t hash = (record * 31 + i * i * 7) % 61;
      bin.codes.push_back(bin.present[record] == 0 || hash >= 2 * texts.size()
                              ? std::uint8_t{0}
                              : static_cast<std::uint8_t>(hash / 2));
    }
  }
  const Buffer tile = vcfs3::encode_genotypes(bin, {0, samples});
  Buffer seed;
  ByteWriter out(seed);
  out.put(samples);
  out.put(records);
  out.put_bytes(tile.span().first(tile.size() - 4));
  seeds.write("vcfs3_genotypes", name, seed);
}

constexpr std::string_view kColumns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";

/// A file with two samples; as vcfs3_text_fuzz.cc and vcfs3_source_fuzz.cc take it.
void write_text(const SeedWriter& seeds, std::string_view name, std::string_view meta,
                std::string_view end, std::initializer_list<std::string_view> lines) {
  std::string text(meta);
  text.append(kColumns).append("\tFORMAT\tA\tB").append(end);
  for (const std::string_view line : lines) text.append(line).append(end);
  for (const std::string_view target : {"vcfs3_text", "vcfs3_source"}) {
    seeds.write(target, name, text);
  }
}

void write_text_files(const SeedWriter& seeds) {
  write_text(seeds, "usual",
             "##fileformat=VCFv4.2\n##INFO=<ID=AC,Number=A,Type=Integer,Description=\"a, \\\"b\">\n"
             "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"\">\n##contig=<ID=1,length=9>\n",
             "\n",
             {"1\t5\trs1\tA\tC\t9.5\tPASS\tAC=1\tGT\t0|1\t./.",
              "1\t6\t.\tA\t<DEL>\t.\t.\tEND=8\tGT:DP\t0/1:3\t.",
              "2\t0\t.\tA\tC,G\t.\t.\t.\tDP:GT\t3:0\t.:.:"});
  write_text(seeds, "carriage_returns", "##fileformat=VCFv4.3\r\n", "\r\n",
             {"1\t5\t.\tA\tC\t.\t.\t.\tGT\t0|1\t1", "1\t5\n2", "\r"});
  write_text(seeds, "raw_lines", "", "\n",
             {"", "x", "1\t05\t.\tA\tC\t.\t.\t.\tGT\t0|1\t1", "#late", "1\t5\tshort"});
}

/// The streams of a section as parts; returns how many.
std::size_t put_streams(ByteSpan section, Buffer& parts) {
  if (section.empty()) return 0;
  compress::StreamSet streams(section.subspan(4), std::uint64_t{1} << 20U, "seed");
  for (std::size_t i = 0; i < streams.size(); ++i) put_part(streams.get(i), parts);
  return streams.size();
}

/// A page as vcfs3_page_fuzz.cc takes it.
void write_page(const SeedWriter& seeds, std::string_view name, std::span<const vcfs3::Site> sites,
                std::span<const std::string> residuals = {}) {
  constexpr std::size_t kSamples = 20;
  vcfs3::Genotypes genotypes{.records = sites.size(), .samples = kSamples, .texts = {"0|0", "0|1"}};
  genotypes.present.resize(sites.size(), 1);
  for (std::size_t i = 0; i < sites.size() * kSamples; ++i) {
    genotypes.codes.push_back(i * i % 13 == 1 ? std::uint8_t{1} : std::uint8_t{0});
  }
  const vcfs3::EncodedPage page = vcfs3::encode_page(sites, residuals, genotypes, 0, 9);
  Buffer streams;
  const std::size_t core = put_streams(page.core, streams);
  const std::size_t info = put_streams(page.info, streams);
  put_streams(page.carriers, streams);
  Buffer head;
  ByteWriter out(head);
  for (const std::size_t number : {sites.size(), kSamples, core, info}) out.put_varint(number);
  Buffer seed;
  put_part(head, seed);
  seed.append(streams);
  seeds.write("vcfs3_page", name, seed);
}

void write_pages(const SeedWriter& seeds) {
  constexpr std::size_t kRecords = 260;  // from 256 on INFO is always taken apart
  std::vector<std::string> texts;
  texts.reserve(4 * kRecords);
  const auto keep = [&](std::string text) { return std::string_view(texts.emplace_back(text)); };
  std::vector<vcfs3::Site> panel;
  std::vector<vcfs3::Site> blocks;
  for (std::size_t i = 0; i < kRecords; ++i) {
    const std::size_t count = i * i % 61;
    const auto pos = static_cast<std::int64_t>(1000 + 97 * i + i % 7);
    panel.push_back({.pos = pos,
                     .id = keep("rs" + std::to_string(i * 7919 % 100'003)),
                     .ref = i % 9 == 0 ? "CAT" : "C",
                     .alt = i % 9 == 0 ? "C" : "T",
                     .qual = i % 3 == 0 ? "." : "29.50",
                     .filter = i % 4 == 0 ? "q10" : "PASS",
                     .info = keep("AC=" + std::to_string(count) + ";AN=200;AF=" +
                                  std::to_string(static_cast<double>(count) / 200).substr(0, 5) +
                                  (i % 5 == 0 ? ";DB" : ";DP4=1,2," + std::to_string(count * 3)))});
    blocks.push_back({.pos = pos,
                      .id = keep("chr1:" + std::to_string(pos + 1) + ":G"),
                      .ref = "G",
                      .alt = "<NON_REF>",
                      .qual = ".",
                      .filter = ".",
                      .info = keep("END=" + std::to_string(pos + 97) + ";MQ=2.75" +
                                   std::to_string(count % 10) + "00e+01"),
                      .format = "GT:DP"});
  }
  write_page(seeds, "panel", panel);
  write_page(seeds, "blocks", blocks);
  write_page(seeds, "few", std::span(panel).first(5));
  const std::vector<vcfs3::Site> odd = {
      {.pos = -1,
       .ref = "N",
       .alt = "A,,T",
       .qual = "1e3",
       .info = ";AC=1;AC=2;;X=",
       .format = "."},
      {.pos = 4, .raw = "x\ty\r", .is_raw = true},
      {.pos = 4, .id = "a;b", .ref = "", .alt = ".", .qual = "-0.0", .info = "END=9;AF=nan"}};
  const std::vector<std::string> residuals = {"\n", "", "\x01\x02"};
  write_page(seeds, "odd", odd, residuals);
}

void write_index(const SeedWriter& seeds) {
  const vcfs3::PageZones zones =
      vcfs3::cover({.qual = {1, 99.5}, .alts = {0, 2}, .info = {{}, {-0.25, 1e9}}});
  std::vector<vcfs3::BinRow> rows(2);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].key = {0, -1, 1'000'000};
    rows[i].bin = i;
    for (std::size_t p = 0; p <= i; ++p) {
      rows[i].pages.push_back({.records = 100 + p,
                               .min_start = static_cast<std::int64_t>(1'000 * i + p),
                               .max_end = static_cast<std::int64_t>(5'000 * i + 9'000),
                               .core_length = 300,
                               .info_length = 200 * p,
                               .carriers_length = 50,
                               .zones = zones});
    }
    rows[i].tiles = {{.genotypes_length = 4'000, .format_length = 70'000},
                     {.genotypes_length = 3'000},
                     {.format_length = 9}};
  }
  vcfs3::place_parts(rows);
  const Buffer footer = vcfs3::ChunkFooter::of(rows).encode();
  seeds.write("vcfs3_index", "footer", footer);
  seeds.write("vcfs3_index", "footer_body",
              footer.span().first(footer.size() - vcfs3::kTrailerBytes));
  for (const vcfs3::BinRow& row : rows) {
    Buffer columns;
    ByteWriter out(columns);
    for (const std::uint64_t value : vcfs3::BinRowLayout(2, 3).encode(row)) out.put_varint(value);
    seeds.write("vcfs3_index", "row_" + std::to_string(row.bin), columns);
  }
  vcfs3::SampleTable table{.names = {"A", "B", "C"}};
  seeds.write("vcfs3_index", "names", table.encode());
  table.attributes = {{"sex", {"male", std::nullopt, "x"}}};
  seeds.write("vcfs3_index", "attributes", table.encode());
  seeds.write("vcfs3_index", "panel", as_bytes("sample\tpop\nA\tGBR\nZ\tFIN\nB\t.\n"));
  seeds.write("vcfs3_index", "ped", as_bytes("F A 0 0 1 -9\nF B A 0 2 1\n"));
  seeds.write("vcfs3_index", "name", as_bytes("HLA-A*01:01%25%ff"));
}

}  // namespace

void write_vcfs3_seeds(const SeedWriter& seeds) {
  write_text_files(seeds);
  write_genotypes(seeds, "phased", {"0|0", "0|1", "1|0", "1|1"}, 40, 60);
  write_genotypes(seeds, "unphased", {"0/0", "0/1", "1/1", "./.", "1/2"}, 20, 50);
  write_genotypes(seeds, "haploid", {"0", "1", ".", "0|0", "0|1"}, 12, 30);
  write_genotypes(seeds, "ploidies", {"0/0/0/0", "0/0/1/1", "0/1", "2", "0/0/0/3"}, 9, 40);
  write_genotypes(seeds, "odd", {"0/0", "/0/1", "|0", "0|1/2", "", "00", "63/1"}, 9, 40);
  write_genotypes(seeds, "missing", {"./.", "0/0", "0/1"}, 30, 40);
  write_pages(seeds);
  write_index(seeds);
}

}  // namespace cnf::fuzz
