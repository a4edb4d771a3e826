// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/seeds.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/genotype_tile.h"
#include "cnf/formats/vcfs3/genotypes.h"

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
  const Buffer tile = vcfs3::encode_genotypes(bin, {0, samples}, 3);
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

}  // namespace

void write_vcfs3_seeds(const SeedWriter& seeds) {
  write_text_files(seeds);
  write_genotypes(seeds, "phased", {"0|0", "0|1", "1|0", "1|1"}, 40, 60);
  write_genotypes(seeds, "unphased", {"0/0", "0/1", "1/1", "./.", "1/2"}, 20, 50);
  write_genotypes(seeds, "haploid", {"0", "1", ".", "0|0", "0|1"}, 12, 30);
  write_genotypes(seeds, "ploidies", {"0/0/0/0", "0/0/1/1", "0/1", "2", "0/0/0/3"}, 9, 40);
  write_genotypes(seeds, "odd", {"0/0", "/0/1", "|0", "0|1/2", "", "00", "63/1"}, 9, 40);
  write_genotypes(seeds, "missing", {"./.", "0/0", "0/1"}, 30, 40);
}

}  // namespace cnf::fuzz
