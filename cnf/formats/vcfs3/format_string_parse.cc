// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/expression.h"
#include "cnf/formats/vcfs3/format_string_internal.h"
#include "cnf/formats/vcfs3/header.h"

namespace cnf::vcfs3 {
namespace {

using What = FormatPart::What;

constexpr std::array<std::pair<std::string_view, What>, 15> kColumns{
    {{"CHROM", What::chrom},
     {"POS", What::pos},
     {"POS0", What::pos0},
     {"END", What::end},
     {"END0", What::end0},
     {"ID", What::id},
     {"REF", What::ref},
     {"ALT", What::alt},
     {"FIRST_ALT", What::first_alt},
     {"QUAL", What::qual},
     {"FILTER", What::filter},
     {"TYPE", What::type},
     {"LINE", What::line},
     {"MASK", What::mask},
     {"_CHROM_POS_ID", What::chrom_pos_id}}};
constexpr std::array<std::string_view, 10> kUnsupported{
    "TBCSQ",        "PBINOM",       "IS_TS",        "RSX",        "VKX",
    "_GT_TO_PROB3", "_PL_TO_PROB3", "_GP_TO_PROB3", "_GT_TO_HAP", "_GT_TO_HAP2"};

class Parser {
 public:
  Parser(std::string_view text, const Header& header) : text_(text), header_(header) {}

  std::vector<FormatPart> parse() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '[') {
        in_brackets_ = true;
        ++at_;
      } else if (c == ']') {
        in_brackets_ = false;
        ++at_;
        // Two pairs of brackets side by side are two loops over the samples.
        add({.what = What::literal});
      } else if (c == '%') {
        parse_tag();
      } else {
        parse_literal();
      }
    }
    if (in_brackets_) refuse("a ']' is missing");
    return std::move(parts_);
  }

 private:
  [[noreturn]] void refuse(std::string_view why) const {
    throw Error(Errc::invalid_argument, "read the format string at character",
                fmt::format("{}", at_ + 1), why);
  }

  void add(FormatPart part) {
    part.per_sample = in_brackets_;
    parts_.push_back(std::move(part));
  }

  void parse_literal() {
    std::string literal;
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == '[' || c == ']' || c == '%') break;
      if (c == '\\' && at_ + 1 < text_.size()) {
        c = text_[++at_];
        c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
      }
      literal += c;
    }
    add({.what = What::literal, .text = std::move(literal)});
  }

  std::string_view take_name() {
    std::size_t end = at_;
    while (end < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[end])) != 0 ||
                                  text_[end] == '_' || text_[end] == '.')) {
      ++end;
    }
    if (end == at_) refuse("the name of a tag is expected");
    const std::string_view name = text_.substr(at_, end - at_);
    at_ = end;
    return name;
  }

  /// "{2}" behind a tag; anything else is literal text.
  std::optional<std::size_t> take_subscript() {
    if (!text_.substr(at_).starts_with('{')) return std::nullopt;
    std::size_t index = 0;
    const char* const last = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + at_ + 1, last, index);
    if (error != std::errc() || stop == last || *stop != '}') return std::nullopt;
    at_ = static_cast<std::size_t>(stop - text_.data()) + 1;
    return index;
  }

  void parse_tag() {
    ++at_;
    const std::string_view name = take_name();
    if (std::ranges::find(kUnsupported, name) != kUnsupported.end()) {
      throw Error(Errc::unsupported, "read the format string", fmt::format("%{}", name),
                  "this tag is not supported");
    }
    if (name == "INFO") return parse_info();
    if (name == "N_PASS") return parse_n_pass();
    if (in_brackets_) return parse_sample_tag(name);
    if (add_column(name)) return;
    if (name == "FORMAT") return add({.what = What::format, .text = "FORMAT"});
    add_info_tag(name);
  }

  void parse_info() {
    if (text_.substr(at_).starts_with('/')) {
      ++at_;
      return add_info_tag(take_name());
    }
    if (in_brackets_) refuse("%INFO/TAG is expected within brackets");
    add({.what = What::info, .text = "INFO"});
  }

  bool add_column(std::string_view name) {
    const auto* const column =
        std::ranges::find(kColumns, name, &std::pair<std::string_view, What>::first);
    if (column == kColumns.end()) return false;
    FormatPart part{.what = column->second, .text = std::string(name)};
    // In brackets bcftools reads an index behind any tag, and uses it where there are values.
    if (part.what == What::alt || in_brackets_) part.subscript = take_subscript();
    add(std::move(part));
    return true;
  }

  void add_info_tag(std::string_view name) {
    const auto found = header_.info.find(std::string(name));
    if (found == header_.info.end()) {
      const bool of_format = header_.format.contains(std::string(name));
      refuse(fmt::format(
          "the header defines no INFO/{}{}", name,
          of_format ? "; FORMAT fields stand in brackets: [%" + std::string(name) + "]" : ""));
    }
    FormatPart part{.what = What::info_tag, .text = std::string(name)};
    const auto type = found->second.type;
    part.is_text =
        type != FieldDefinition::Type::integer && type != FieldDefinition::Type::floating;
    part.subscript = take_subscript();
    add(std::move(part));
  }

  void parse_n_pass() {
    if (in_brackets_) refuse("N_PASS() must stand outside of brackets");
    if (!text_.substr(at_).starts_with('(')) refuse("a '(' is expected");
    const std::size_t begin = ++at_;
    for (std::size_t open = 1; open > 0; ++at_) {
      if (at_ == text_.size()) refuse("a ')' is missing");
      if (text_[at_] == '(') ++open;
      if (text_[at_] == ')') --open;
    }
    FormatPart part{.what = What::n_pass};
    part.text = text_.substr(begin, at_ - begin - 1);
    part.condition = std::make_shared<const Expression>(
        Expression::parse(part.text, header_, Expression::Logic::include));
    const Needs& needs = part.condition->needs();
    if (!needs.genotypes && !needs.format) refuse("N_PASS() needs a condition on FORMAT fields");
    add(std::move(part));
  }

  void parse_sample_tag(std::string_view name) {
    if (name == "SAMPLE") return add({.what = What::sample, .text = "SAMPLE"});
    const What genotype = name == "GT"        ? What::genotype
                          : name == "TGT"     ? What::alleles
                          : name == "IUPACGT" ? What::iupac
                                              : What::literal;
    if (genotype != What::literal) {
      if (!header_.format.contains("GT")) refuse("the header defines no FORMAT/GT");
      return add({.what = genotype, .text = "GT"});
    }
    if (!header_.format.contains(std::string(name))) {
      if (add_column(name)) return;
      if (header_.info.contains(std::string(name))) return add_info_tag(name);
      refuse(fmt::format("the header defines no FORMAT/{}", name));
    }
    FormatPart part{.what = What::format_tag, .text = std::string(name)};
    part.subscript = take_subscript();
    add(std::move(part));
  }

  std::string_view text_;
  const Header& header_;
  std::size_t at_ = 0;
  bool in_brackets_ = false;
  std::vector<FormatPart> parts_;
};

}  // namespace

std::vector<FormatPart> parse_format_string(std::string_view text, const Header& header) {
  return Parser(text, header).parse();
}

}  // namespace cnf::vcfs3
