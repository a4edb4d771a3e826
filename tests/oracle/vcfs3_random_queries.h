// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/oracle/vcfs3_numbered_vcf.h"
#include <fmt/format.h>

#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/selection.h"

namespace cnf::oracle {

/// Makes expressions, selections and format strings of what stands in a file. What bcftools 1.16
/// answers from stale memory is left out: lists in one calculation, indices behind a list's end.
class RandomQueries {
 public:
  RandomQueries(const NumberedVcf& vcf, std::mt19937_64& random) : vcf_(vcf), random_(random) {
    for (const auto& [key, definition] : vcf.header.info) {
      if (is_plain(key) && key != "cnfrow") info_.push_back(key);
    }
    for (const auto& [key, definition] : vcf.header.format) {
      if (is_plain(key) && key != "GT" && !vcf.header.samples.empty()) format_.push_back(key);
    }
    std::ranges::sort(info_);
    std::ranges::sort(format_);
    genotypes_ = !vcf.header.samples.empty() && vcf.header.format.contains("GT");
  }

  std::string expression(int depth = 2) {
    if (depth == 0 || below(3) == 0) return condition();
    const std::string left = expression(depth - 1), right = expression(depth - 1);
    const std::string both = left + pick({" && ", " || ", " & ", " | "}) + right;
    return below(2) == 0 ? "(" + both + ")" : both;
  }

  /// A condition on samples, for N_PASS and its like.
  std::string sample_condition() {
    if (format_.empty() || (genotypes_ && below(2) == 0)) return genotype();
    return of_format();
  }

  struct Selection {
    vcfs3::SiteSelection selection;
    std::string options;
  };
  Selection selection() {
    Selection result;
    for (int i = 0; i < 2; ++i) {
      if (below(2) == 0) {
        add_bound(result);
      } else {
        add_kind(result);
      }
    }
    return result;
  }

  /// One line per record.
  std::string format() {
    std::string text = "%cnfrow";
    for (std::uint64_t i = 1 + below(4); i > 0; --i) {
      text += ' ';
      text += site_tag();
    }
    if (!vcf_.header.samples.empty() && below(3) != 0) {
      text += "[;%SAMPLE";
      for (std::uint64_t i = 1 + below(3); i > 0; --i) text += " " + sample_tag();
      text += "]";
    }
    if (genotypes_ && below(4) == 0) text += " %N_PASS(" + sample_condition() + ")";
    return text + "\\n";
  }

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

 private:
  static bool is_plain(std::string_view key) {
    return !key.empty() && std::isalpha(static_cast<unsigned char>(key[0])) != 0 &&
           std::ranges::all_of(key, [](char c) {
             return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
           });
  }
  std::string pick(std::initializer_list<const char*> choices) {
    return *(choices.begin() + below(choices.size()));
  }
  const std::string& pick(const std::vector<std::string>& choices) {
    return choices[below(choices.size())];
  }

  std::string value_of(const std::string& name) {
    const auto found = vcf_.values.find(name);
    return found == vcf_.values.end() ? std::string() : pick(found->second);
  }
  /// A number that stands in the column, or nearly.
  std::string number_near(const std::string& name) {
    std::string text = value_of(name);
    text = text.substr(0, text.find(','));
    double number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || stop != text.data() + text.size() ||
        !(number > -1e9 && number < 1e9)) {
      return pick({"0", "1", "2", "10", "0.5", "-1"});
    }
    switch (below(4)) {
      case 0:
        return fmt::format("{}", number + 1);
      case 1:
        return fmt::format("{}", number / 2);
      default:
        return text;
    }
  }
  /// A text that can stand in quotes.
  std::string quotable(const std::string& name) {
    std::string text = value_of(name);
    if (text.empty() || text.size() > 40 || text.find_first_of("\"'\\") != std::string::npos)
      return "\"A\"";
    return "\"" + text + "\"";
  }
  /// A regular expression of letters that stand in the column.
  std::string pattern(const std::string& name) {
    std::string text = value_of(name);
    text = text.substr(0, text.find(','));
    std::erase_if(text, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
    text = text.substr(0, 1 + below(4));
    if (text.empty()) text = "A";
    return "\"" + pick({"", "^", ""}) + text + pick({"", "$", ".*", "/i", "*"}) + "\"";
  }
  std::string order() { return pick({"=", "!=", "<", "<=", ">", ">=", "=="}); }
  std::string equality() { return pick({"=", "!="}); }
  std::string likeness() { return pick({"~", "!~"}); }

  static std::string add(Selection& selection, std::string_view option, const std::string& value) {
    selection.options += fmt::format(" {} {}", option, quoted(value));
    return value;
  }

  void add_bound(Selection& selection) {
    // Of a record without ALT bcftools counts another record's first one.
    const auto& alts = vcf_.values.at("ALT");
    const bool has_alts = std::ranges::find(alts, ".") == alts.end() && vcf_.lines.size() < 200;
    const std::string alleles = has_alts && below(4) == 0
                                    ? std::string(":alt1")
                                    : pick({"", ":nref", ":minor", ":major", ":nonmajor"});
    const std::string count = std::to_string(below(6)) + alleles;
    const std::string frequency = pick({"0.1", "0.5", "0.05", "0.01", "0"}) + alleles;
    vcfs3::SiteSelection& s = selection.selection;
    switch (below(6)) {
      case 0:
        s.min_count = vcfs3::AlleleLimit::parse_count(add(selection, "-c", count));
        break;
      case 1:
        s.max_count = vcfs3::AlleleLimit::parse_count(add(selection, "-C", count));
        break;
      case 2:
        s.min_frequency = vcfs3::AlleleLimit::parse_frequency(add(selection, "-q", frequency));
        break;
      case 3:
        s.max_frequency = vcfs3::AlleleLimit::parse_frequency(add(selection, "-Q", frequency));
        break;
      case 4:
        s.min_alleles = 1 + below(4);
        add(selection, "-m", std::to_string(s.min_alleles));
        break;
      default:
        s.max_alleles = 1 + below(4);
        add(selection, "-M", std::to_string(s.max_alleles));
        break;
    }
  }

  void add_kind(Selection& selection) {
    using S = vcfs3::SiteSelection;
    S& s = selection.selection;
    switch (below(6)) {
      case 0:
        s.types = S::parse_types(add(selection, "-v", types()));
        break;
      case 1:
        s.excluded_types = S::parse_types(add(selection, "-V", types()));
        break;
      case 2:
        if (s.known != S::Known::any) break;
        s.known = below(2) == 0 ? S::Known::known : S::Known::novel;
        selection.options += s.known == S::Known::known ? " -k" : " -n";
        break;
      case 3:
        s.filters = S::parse_filters(add(selection, "-f", pick({"PASS", "PASS,.", "."})));
        break;
      case 4:
        s.genotype = S::parse_genotype(
            add(selection, "-g", pick({"hom", "het", "miss", "^hom", "^het", "^miss"})));
        break;
      default:
        add_calls(selection);
        break;
    }
  }

  void add_calls(Selection& selection) {
    using S = vcfs3::SiteSelection;
    S& s = selection.selection;
    if (s.called != S::Called::any || s.phased != S::Phased::any) return;
    if (below(2) == 0) {
      s.called = below(2) == 0 ? S::Called::uncalled : S::Called::called;
      selection.options += s.called == S::Called::uncalled ? " -u" : " -U";
    } else {
      s.phased = below(2) == 0 ? S::Phased::phased : S::Phased::unphased;
      selection.options += s.phased == S::Phased::phased ? " -p" : " -P";
    }
  }

  std::string condition() {
    switch (below(12)) {
      case 0:
        return "QUAL" + (below(6) == 0 ? equality() + "\".\"" : order() + number_near("QUAL"));
      case 1:
        return below(2) == 0 ? "POS" + order() + number_near("POS")
                             : "CHROM" + equality() + quotable("CHROM");
      case 2:
        return "TYPE" + pick({"=", "!=", "~", "!~"}) + "\"" +
               pick({"snp", "indels", "mnp", "other", "ref", "bnd", "overlap"}) + "\"";
      case 3:
        return filter();
      case 4:
        return below(2) == 0 ? "ID" + equality() + quotable("ID")
                             : "ID" + likeness() + pattern("ID");
      case 5:
        return allele();
      case 6:
        return computed();
      case 7:
        if (genotypes_) return genotype();
        [[fallthrough]];
      case 8:
      case 9:
        if (!format_.empty()) return of_format();
        [[fallthrough]];
      default:
        return info_.empty() ? "N_ALT" + order() + "1" : of_info();
    }
  }

  std::string filter() {
    std::string text = value_of("FILTER");
    for (std::size_t at = 0; text != "." && at < text.size();) {
      const std::size_t end = std::min(text.find(';', at), text.size());
      const std::string name = text.substr(at, end - at);
      if (name != "PASS" && !vcf_.header.filters.contains(name)) text = "PASS";
      at = end + 1;
    }
    if (below(3) == 0) text = pick({".", "PASS"});
    return "FILTER" + pick({"=", "!=", "~", "!~"}) + "\"" + text + "\"";
  }

  std::string allele() {
    const bool is_key = vcf_.header.info.contains("ALT") || vcf_.header.format.contains("ALT");
    const std::string name =
        is_key ? pick({"REF", "ALT"}) : pick({"REF", "ALT", "ALT[0]", "ALT[1]", "ALT[*]"});
    const std::string column = name.substr(0, 3);
    switch (below(4)) {
      case 0:
        return name + likeness() + pattern(column);
      case 1:
        return "STRLEN(" + name + ")" + order() + pick({"1", "2", "5"});
      case 2:
        return "ILEN" + order() + pick({"0", "1", "-1", "3"});
      default:
        return name + equality() + (below(5) == 0 ? "\".\"" : quotable(column));
    }
  }

  /// What bcftools takes from INFO if the header has it, and counts itself if not.
  std::string computed() {
    const std::string name =
        pick({"N_ALT", "AN", "AC", "AF", "MAF", "MAC", "N_MISSING", "F_MISSING", "N_SAMPLES"});
    const bool defined = vcf_.header.info.contains(name) || vcf_.header.format.contains(name);
    // Counts in INFO that the header does not define are texts to bcftools, which then gives up.
    if (defined || vcf_.values.contains("INFO/AC") || vcf_.values.contains("INFO/AN"))
      return "N_ALT" + order() + std::to_string(below(3));
    // Where the header defines both AC and AN, query looks at no genotypes (view does).
    const bool frequency = name == "AF" || name == "MAF" || name == "MAC";
    if (frequency && vcf_.header.info.contains("AC") && vcf_.header.info.contains("AN"))
      return "N_MISSING" + order() + "1";
    const bool list = name == "AC" || name == "AF" || name == "MAF" || name == "MAC";
    return name + (list ? pick({"", "[0]", "[1]", "[*]"}) : "") + order() +
           pick({"0", "1", "2", "0.5", "0.1", "4"});
  }

  std::string scope(const std::string& key, const char* prefix) {
    const bool both = vcf_.header.info.contains(key) && vcf_.header.format.contains(key);
    static constexpr std::string_view kColumns =
        " QUAL TYPE FILTER ID CHROM POS REF ALT N_ALT N_SAMPLES N_MISSING F_MISSING ";
    std::string upper = " ";
    for (const char c : key)
      upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const bool is_short = kColumns.find(upper) != std::string_view::npos;
    return !both && !is_short && below(2) == 0 ? key : prefix + key;
  }

  std::string of_info() {
    using Type = vcfs3::FieldDefinition::Type;
    const std::string& key = pick(info_);
    const vcfs3::FieldDefinition& definition = vcf_.header.info.at(key);
    const std::string name = "INFO/" + key;
    std::string field = scope(key, "INFO/");
    if (definition.type == Type::flag) return field + "=" + pick({"0", "1"});
    const bool single =
        definition.count == vcfs3::FieldDefinition::Count::fixed && definition.number == 1;
    const bool text = definition.type == Type::string || definition.type == Type::character;
    std::string subscript;
    const auto found = vcf_.shortest.find(name);
    if (!single && found != vcf_.shortest.end())
      subscript = below(3) == 0 ? "[*]" : fmt::format("[{}]", below(found->second));
    if (below(2) == 0) subscript.clear();
    if (text) {
      if (below(4) == 0) return field + subscript + likeness() + pattern(name);
      if (below(5) == 0) return "STRLEN(" + field + subscript + ")" + order() + pick({"1", "3"});
      return field + subscript + equality() + (below(5) == 0 ? "\".\"" : quotable(name));
    }
    if (below(8) == 0) return field + subscript + equality() + "\".\"";
    if (below(4) == 0) {
      return pick({"MAX", "MIN", "AVG", "MEAN", "SUM", "MEDIAN", "STDEV", "COUNT", "ABS", "sMAX"}) +
             "(" + field + subscript + ")" + order() + number_near(name);
    }
    const bool scalar = single || (!subscript.empty() && subscript != "[*]");
    if (scalar && below(4) == 0) {
      return pick({"2*", "-", "100-", "1+", "QUAL-"}) + field + subscript + order() +
             number_near(name);
    }
    return below(6) == 0 ? number_near(name) + order() + field + subscript
                         : field + subscript + order() + number_near(name);
  }

  std::string sample_index() {
    const auto last = vcf_.header.samples.size() - 1;
    switch (below(4)) {
      case 0:
        return std::to_string(below(last + 1));
      case 1:
        return std::to_string(below(last + 1)) + "-";
      case 2:
        return "0-" + std::to_string(below(last + 1));
      default:
        return "*";
    }
  }

  std::string of_format() {
    using Type = vcfs3::FieldDefinition::Type;
    const std::string& key = pick(format_);
    const vcfs3::FieldDefinition& definition = vcf_.header.format.at(key);
    const std::string name = "FMT/" + key;
    std::string field = scope(key, pick({"FMT/", "FORMAT/"}).c_str());
    if (definition.type == Type::flag) return "POS>0";
    const bool single =
        definition.count == vcfs3::FieldDefinition::Count::fixed && definition.number == 1;
    const bool text = definition.type == Type::string || definition.type == Type::character;
    if (below(2) == 0) {
      field += single && below(2) == 0
                   ? "[" + sample_index() + "]"
                   : "[" + sample_index() + ":" + pick({"0", "1", "*", "0", "1-"}) + "]";
    }
    if (text) {
      return below(4) == 0 ? field + likeness() + pattern(name)
                           : field + equality() + (below(5) == 0 ? "\".\"" : quotable(name));
    }
    // Of a field that is not in a record some look at the values of the one before, and arithmetic
    // forgets which samples it is about.
    const auto found = vcf_.records_with.find(key);
    const bool everywhere = found != vcf_.records_with.end() && found->second == vcf_.lines.size();
    switch (below(10)) {
      case 0:
        return field + equality() + "\".\"";
      case 1:
        if (everywhere && below(3) == 0) return "COUNT(" + field + ")>" + std::to_string(below(9));
        return pick({"MAX", "MIN", "AVG", "SUM", "MEDIAN", "STDEV"}) + "(" + field + ")" + order() +
               number_near(name);
      case 2:
        if (!everywhere) return "ABS(" + field + ")" + order() + number_near(name);
        return pick({"SMPL_MAX", "sMIN", "sAVG", "sSUM", "SMPL_MEDIAN", "sSTDEV", "ABS"}) + "(" +
               field + ")" + order() + number_near(name);
      case 3:
        return pick({"N_PASS(", "F_PASS(", "COUNT("}) + field + order() + number_near(name) + ")" +
               order() + pick({"0", "1", "2", "0.5"});
      case 4:
        if (!everywhere) return field + "!=" + number_near(name);
        return pick({"2*", "-", "100-", "1+", "QUAL+"}) + field + order() + number_near(name);
      default:
        return field + order() + number_near(name);
    }
  }

  std::string genotype() {
    const std::string index = below(3) == 0 ? "[" + sample_index() + "]" : "";
    switch (below(6)) {
      case 0:
        return "GT" + index + equality() + quotable("FMT/GT");
      case 1:
        return "GT" + index + likeness() + pick({"\"1\"", "\"0/1\"", "\"|\"", "\"^0\"", "\"2$\""});
      case 2:
        return pick({"N_PASS(", "F_PASS(", "COUNT("}) + "GT=" + quotable("FMT/GT") + ")" + order() +
               pick({"0", "1", "0.5"});
      default:
        return "GT" + index + equality() + "\"" +
               pick({"het", "hom", "hap", "ref", "alt", "mis", "rr", "ra", "aa", "aA", "R", "A",
                     "HET", "."}) +
               "\"";
    }
  }

  std::string types() {
    return pick({"snps", "indels", "mnps", "other", "bnd", "snps,indels", "mnps,other"});
  }

  std::string site_tag() {
    if (!info_.empty() && below(2) == 0) {
      const std::string& key = pick(info_);
      const std::string index = below(2) == 0 ? "{" + std::to_string(below(3)) + "}" : "";
      return "%INFO/" + key + index;
    }
    // Where the header does not say what END is bcftools does not know it.
    if (below(8) == 0 && (!vcf_.values.contains("INFO/END") || vcf_.header.info.contains("END")))
      return pick({"%END", "%END0"});
    return pick({"%CHROM", "%POS", "%POS0", "%ID", "%REF", "%ALT", "%ALT{0}", "%ALT{1}",
                 "%FIRST_ALT", "%QUAL", "%FILTER", "%TYPE", "%_CHROM_POS_ID", "%INFO",
                 "a\\tb\\\\"});
  }
  std::string sample_tag() {
    if (!format_.empty() && below(2) == 0) {
      const std::string index = below(2) == 0 ? "{" + std::to_string(below(3)) + "}" : "";
      return "%" + pick(format_) + index;
    }
    if (genotypes_ && below(4) != 0)
      return pick({"%GT", vcf_.strange_alleles ? "%GT" : "%TGT",
                   vcf_.strange_alleles ? "%GT" : "%IUPACGT"});
    return pick({"%SAMPLE", "%CHROM", "%POS", "%QUAL"});
  }

  const NumberedVcf& vcf_;
  std::mt19937_64& random_;
  std::vector<std::string> info_, format_;
  bool genotypes_ = false;
};

}  // namespace cnf::oracle
