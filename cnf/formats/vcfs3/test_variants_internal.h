// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3::testing {

/// A line of VCF text as a Variant, for tests. Where records come from otherwise, nothing is copied
/// either: `line` must outlive it.
class LineVariant {
 public:
  explicit LineVariant(std::string_view line) {
    std::vector<std::string_view> columns;
    while (true) {
      const std::size_t tab = line.find('\t');
      columns.push_back(line.substr(0, tab));
      if (tab == std::string_view::npos) break;
      line.remove_prefix(tab + 1);
    }
    columns.resize(columns.size() < 8 ? 8 : columns.size());
    variant_.contig = columns[0];
    variant_.site.pos = std::stoll("0" + std::string(columns[1])) - 1;
    variant_.site.id = columns[2];
    variant_.site.ref = columns[3];
    variant_.site.alt = columns[4];
    variant_.site.qual = columns[5];
    variant_.site.filter = columns[6];
    variant_.site.info = columns[7];
    if (columns.size() > 8) variant_.site.format = columns[8];
    if (columns.size() > 9) cells_.assign(columns.begin() + 9, columns.end());
    variant_.cells = cells_;
    variant_.end = end_of(variant_.site);
  }
  LineVariant(const LineVariant&) = delete;
  LineVariant& operator=(const LineVariant&) = delete;

  [[nodiscard]] const Variant& variant() const noexcept { return variant_; }

 private:
  std::vector<std::string_view> cells_;
  Variant variant_;
};

/// A header that defines fields of every type and number, with the samples s0 to s2.
inline Header small_header() {
  return Header::parse(
      "##fileformat=VCFv4.2\n"
      "##FILTER=<ID=q10,Description=\"low, ID=no\">\n"
      "##FILTER=<Description=\"x\",ID=s50>\n"
      "##INFO=<ID=DP,Number=1,Type=Integer,Description=\"\">\n"
      "##INFO=<ID=AC,Number=A,Type=Integer,Description=\"\">\n"
      "##INFO=<ID=AN,Number=1,Type=Integer,Description=\"\">\n"
      "##INFO=<ID=AF,Number=A,Type=Float,Description=\"\">\n"
      "##INFO=<ID=MQ,Number=1,Type=Float,Description=\"\">\n"
      "##INFO=<ID=DB,Number=0,Type=Flag,Description=\"\">\n"
      "##INFO=<ID=GENE,Number=1,Type=String,Description=\"\">\n"
      "##INFO=<ID=CSQ,Number=.,Type=String,Description=\"\">\n"
      "##INFO=<ID=BOTH,Number=1,Type=Integer,Description=\"\">\n"
      "##FORMAT=<ID=BOTH,Number=1,Type=Integer,Description=\"\">\n"
      "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"\">\n"
      "##FORMAT=<ID=DP,Number=1,Type=Integer,Description=\"\">\n"
      "##FORMAT=<ID=AD,Number=R,Type=Integer,Description=\"\">\n"
      "##FORMAT=<ID=GQ,Number=1,Type=Float,Description=\"\">\n"
      "##FORMAT=<ID=FT,Number=1,Type=String,Description=\"\">\n"
      "##FORMAT=<ID=ST,Number=.,Type=String,Description=\"\">\n"
      "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\ts0\ts1\ts2\n",
      "header");
}

}  // namespace cnf::vcfs3::testing
