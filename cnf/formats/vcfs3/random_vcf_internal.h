// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include <fmt/format.h>

namespace cnf::vcfs3::testing {

/// VCF text of random records, for tests: three contigs (one that the header lacks), IDs, INFO,
/// FORMAT, indels, records of odd shape.
class RandomVcf {
 public:
  explicit RandomVcf(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] std::string text(std::size_t records, std::size_t samples) {
    std::string out =
        "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=1000000>\n##contig=<ID=chr2>\n"
        "##INFO=<ID=AF,Number=A,Type=Float,Description=\"x\">\n"
        "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"x\">\n"
        "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"x\">\n"
        "##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"x\">\n"
        "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO";
    if (samples != 0) out += "\tFORMAT";
    for (std::size_t i = 0; i < samples; ++i) out += fmt::format("\tS{}", i);
    out += '\n';
    static constexpr const char* kContigs[] = {"chr2", "chr1", "extra"};
    std::int64_t pos = 1;
    for (std::size_t i = 0; i < records; ++i) {
      const std::size_t contig = i * 3 / records;
      if (i != 0 && contig != (i - 1) * 3 / records) pos = 1;
      pos += static_cast<std::int64_t>(random_() % 50);
      add_record(kContigs[contig], pos, samples, out);
    }
    return out;
  }

 private:
  void add_record(const char* contig, std::int64_t pos, std::size_t samples, std::string& out) {
    if (random_() % 200 == 0) {
      out += random_() % 2 == 0 ? "\n" : "a line of no columns\n";
      return;
    }
    out += fmt::format("{}\t{}\t", contig, pos);
    switch (random_() % 4) {
      case 0:
        out += '.';
        break;
      case 1:
        out += fmt::format("rs{};x{}", random_() % 100'000, random_() % 10);
        break;
      default:
        out += fmt::format("rs{}", random_() % 100'000);
    }
    static constexpr const char* kAlleles[] = {"A\tC", "G\tGTT", "TA\tT,TAA", "C\t<DEL>", "G\t."};
    out += fmt::format("\t{}\t{}\tPASS\tDP={};AF={}", kAlleles[random_() % 5], random_() % 100,
                       random_() % 500, static_cast<double>(random_() % 1000) / 1000);
    if (random_() % 300 == 0) out += fmt::format(";END={}", pos + 5'000);
    if (samples == 0) {
      out += '\n';
      return;
    }
    const bool depth = random_() % 3 != 0;
    out += depth ? "\tGT:DP" : "\tGT";
    const std::uint64_t rarity = 2 + random_() % 60;
    for (std::size_t i = 0; i < samples; ++i) {
      static constexpr const char* kGenotypes[] = {"0|1", "1|1", "./.", "1|0", "."};
      out += '\t';
      out += random_() % rarity == 0 ? kGenotypes[random_() % 5] : "0|0";
      if (depth) out += fmt::format(":{}", random_() % 60);
    }
    out += '\n';
  }

  std::mt19937_64 random_;
};

}  // namespace cnf::vcfs3::testing
