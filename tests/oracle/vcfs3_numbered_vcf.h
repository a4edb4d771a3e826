// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/oracle/command.h"
#include <fmt/format.h>

#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/test_variants_internal.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::oracle {

/// A VCF whose records carry their number as INFO/cnfrow, so that an answer of bcftools says which
/// records it is about; and what stands in it, for queries to be made of.
class NumberedVcf {
 public:
  /// nullopt if there is nothing to ask, or if bcftools does not read the file whole.
  static std::optional<NumberedVcf> make(const std::filesystem::path& input,
                                         const std::filesystem::path& output) {
    NumberedVcf vcf;
    vcf.path = output;
    if (!vcf.read(run("gzip -cdf " + quoted(input.string())).text)) return std::nullopt;
    // All columns: query reads no more than it is asked for, and would not tell.
    const Output whole = run("bcftools view -H " + quoted(output.string()));
    const auto rows = static_cast<std::size_t>(std::ranges::count(whole.text, '\n'));
    if (whole.status != 0 || rows != vcf.lines.size()) return std::nullopt;
    vcf.collect();
    return vcf;
  }

  std::filesystem::path path;
  vcfs3::Header header;
  std::vector<std::string> lines;
  /// Texts that stand in a column, by its name ("QUAL", "INFO/DP", "FMT/AD"): whole values.
  std::map<std::string, std::vector<std::string>> values;
  /// The fewest items of any list of more than one, by "INFO/AC".
  std::map<std::string, std::size_t> shortest;
  bool strange_alleles = false;  ///< A genotype names an allele that is not in REF and ALT.
  /// How many records have a FORMAT field, by "AD".
  std::map<std::string, std::size_t> records_with;

 private:
  static constexpr std::size_t kMostRecords = 300;

  static std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> items;
    while (true) {
      const std::size_t end = text.find(separator);
      items.push_back(text.substr(0, end));
      if (end == std::string_view::npos) return items;
      text.remove_prefix(end + 1);
    }
  }

  bool read(const std::string& text) {
    const std::size_t chrom = text.starts_with("#CHROM") ? 0 : text.find("\n#CHROM");
    if (chrom == std::string::npos || text.find('\r') != std::string::npos) return false;
    const std::size_t start = chrom == 0 ? 0 : chrom + 1;
    const std::size_t end = text.find('\n', start);
    if (end == std::string::npos) return false;
    const std::string head = text.substr(0, start) +
                             "##INFO=<ID=cnfrow,Number=1,Type=Integer,Description=\"Row\">\n" +
                             text.substr(start, end + 1 - start);
    try {
      header = vcfs3::Header::parse(head, "header");
    } catch (const Error&) {
      return false;
    }
    std::ofstream out(path, std::ios::binary);
    out << head;
    for (const std::string_view line : split(std::string_view(text).substr(end + 1), '\n')) {
      if (lines.size() == kMostRecords) break;
      std::vector<std::string_view> columns = split(line, '\t');
      if (columns.size() != header.columns || columns.size() < 8) continue;
      if (columns[1].find_first_not_of("0123456789") != std::string_view::npos) continue;
      if (!is_sound(columns)) continue;
      std::string info = columns[7] == "." ? "" : std::string(columns[7]);
      while (info.ends_with(';')) info.pop_back();
      info += fmt::format("{}cnfrow={}", info.empty() ? "" : ";", lines.size());
      columns[7] = info;
      lines.push_back(fmt::format("{}", fmt::join(columns, "\t")));
      out << lines.back() << '\n';
    }
    return !lines.empty();
  }

  /// What bcftools makes up a value for is left out: a QUAL that is no number is 0 to it, a missing
  /// AC -128, a POS of more than 31 bits is cut off. So are lines that no rule allows.
  static bool is_sound(const std::vector<std::string_view>& columns) {
    const std::string_view qual = columns[5];
    if (columns[7].find(' ') != std::string_view::npos ||
        columns[4].find(",,") != std::string_view::npos || columns[6].ends_with(';')) {
      return false;
    }
    for (const std::string_view cell : columns) {
      if (cell.find("::") != std::string_view::npos || cell.ends_with(':')) return false;
    }
    const vcfs3::InfoValue ac = vcfs3::find_info(columns[7], "AC");
    const bool counted =
        !ac.found || ac.value.find_first_of("0123456789") != std::string_view::npos;
    return columns[1].size() < 10 && counted &&
           (qual == "." || qual.find_first_of("0123456789nN") != std::string_view::npos);
  }

  void add(const std::string& name, std::string_view value) {
    auto& list = values[name];
    if (list.size() < 200) list.emplace_back(value);
    const std::size_t items = split(value, ',').size();
    const auto [place, fresh] = shortest.try_emplace(name, items);
    if (items > 1 && (place->second == 1 || items < place->second)) place->second = items;
  }

  void collect() {
    for (const std::string& line : lines) {
      const vcfs3::testing::LineVariant record(line);
      const vcfs3::Site& site = record.variant().site;
      add("CHROM", record.variant().contig);
      add("POS", std::to_string(site.pos + 1));
      add("ID", site.id);
      add("REF", site.ref);
      add("ALT", site.alt);
      add("QUAL", site.qual);
      add("FILTER", site.filter);
      for (const std::string_view entry : split(site.info, ';')) {
        const std::size_t equals = entry.find('=');
        if (equals != std::string_view::npos)
          add("INFO/" + std::string(entry.substr(0, equals)), entry.substr(equals + 1));
      }
      const auto keys = split(site.format, ':');
      for (const std::string_view key : keys) ++records_with[std::string(key)];
      for (std::size_t s = 0; s < std::min<std::size_t>(record.variant().cells.size(), 5); ++s) {
        const auto fields = split(record.variant().cells[s], ':');
        for (std::size_t k = 0; k < std::min(keys.size(), fields.size()); ++k)
          add("FMT/" + std::string(keys[k]), fields[k]);
      }
      const std::size_t alleles = site.alt == "." ? 1 : 1 + split(site.alt, ',').size();
      for (const std::string_view cell : record.variant().cells) {
        for (const char c : cell.substr(0, cell.find(':')))
          strange_alleles = strange_alleles ||
                            (c >= '0' && c <= '9' && static_cast<std::size_t>(c - '0') >= alleles);
      }
    }
  }
};

}  // namespace cnf::oracle
