// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <regex.h>

#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/expression_internal.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/variant_text_internal.h"

namespace cnf::vcfs3::expression {
namespace {

struct Column {
  std::string_view name;
  Kind kind;
  bool is_text = false;
};
/// In the order in which bcftools tries them: it takes "A" for ALT.
constexpr std::array<Column, 12> kColumns{{{"QUAL", Kind::qual},
                                           {"TYPE", Kind::type},
                                           {"FILTER", Kind::filter},
                                           {"ID", Kind::id},
                                           {"CHROM", Kind::chrom, true},
                                           {"POS", Kind::pos},
                                           {"REF", Kind::ref, true},
                                           {"ALT", Kind::alt, true},
                                           {"N_ALT", Kind::n_alt},
                                           {"N_SAMPLES", Kind::number},
                                           {"N_MISSING", Kind::n_missing},
                                           {"F_MISSING", Kind::f_missing}}};
/// What is computed where the header defines no such key.
constexpr std::array<Column, 7> kComputed{{{"ALT", Kind::alt, true},
                                           {"AN", Kind::an},
                                           {"AC", Kind::ac},
                                           {"MAC", Kind::mac},
                                           {"AF", Kind::af},
                                           {"MAF", Kind::maf},
                                           {"ILEN", Kind::ilen}}};

std::optional<std::size_t> read_index(std::string_view text) {
  std::size_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  if (value > Subscript::kLargest) return std::nullopt;
  return value;
}

/// "2", "0,3", "1-3", "1-", "*" or nothing (which is all).
Subscript read_subscript(std::string_view text, std::size_t place) {
  if (text.empty() || text == "*") return Subscript::all();
  if (const auto index = read_index(text)) return {.index = *index};
  Subscript result{.form = Subscript::Form::some};
  ListReader list(text);
  std::string_view item;
  while (list.next(item)) {
    const std::size_t dash = item.find('-');
    const auto first = read_index(item.substr(0, dash));
    auto last = first;
    const bool open = dash != std::string_view::npos && dash + 1 == item.size();
    if (dash != std::string_view::npos && !open) last = read_index(item.substr(dash + 1));
    if (result.open || !first || !last || *first > *last)
      refuse(place, fmt::format("[{}] is no index, list or range", text));
    if (*last >= result.chosen.size()) result.chosen.resize(*last + 1, 0);
    for (std::size_t i = *first; i <= *last; ++i) result.chosen[i] = 1;
    result.open = open;
  }
  return result;
}

std::vector<std::uint8_t> choose_samples(const Subscript& subscript, std::size_t samples,
                                         std::size_t place) {
  const std::size_t named =
      subscript.form == Subscript::Form::one ? subscript.index + 1 : subscript.chosen.size();
  if (!subscript.is_all() && named > samples)
    refuse(place, fmt::format("a sample's index is too large: there are {}", samples));
  std::vector<std::uint8_t> result(samples, 0);
  for (std::size_t i = 0; i < samples; ++i) result[i] = subscript.wants(i) ? 1 : 0;
  return result;
}

bool is_single(const FieldDefinition& definition) {
  return definition.count == FieldDefinition::Count::fixed && definition.number == 1;
}
bool is_text(const FieldDefinition& definition) {
  return definition.type == FieldDefinition::Type::string ||
         definition.type == FieldDefinition::Type::character;
}

/// A word taken apart: "FMT/AD[0:1]" is of FORMAT, its key "AD", its subscript "0:1".
struct Word {
  enum class Scope : std::uint8_t { any, info, format } scope = Scope::any;
  std::string_view key;
  std::optional<std::string_view> subscript = {};
};

Word take_apart(std::string_view word) {
  Word result;
  const std::size_t slash = word.find('/');
  if (slash != std::string_view::npos) {
    result.scope = equal_ignoring_case(word.substr(0, slash), "INFO") ? Word::Scope::info
                                                                      : Word::Scope::format;
    word.remove_prefix(slash + 1);
  }
  const std::size_t bracket = word.find('[');
  result.key = word.substr(0, bracket);
  if (bracket != std::string_view::npos)
    result.subscript = word.substr(bracket + 1, word.size() - bracket - 2);
  return result;
}

Step format_field(const Word& word, const FieldDefinition& definition, std::size_t place,
                  const Header& header) {
  if (definition.type == FieldDefinition::Type::flag)
    refuse_unsupported(place, "a FORMAT field of type Flag");
  Step step{.place = place};
  step.text = word.key;
  step.is_text = word.key == "GT" || is_text(definition);
  step.kind = word.key == "GT" ? Kind::genotype
              : step.is_text   ? Kind::format_texts
                               : Kind::format_numbers;
  step.is_float = definition.type == FieldDefinition::Type::floating;
  step.subscript = is_single(definition) ? Subscript{} : Subscript::all();
  Subscript samples = Subscript::all();
  if (word.subscript) {
    const std::size_t colon = word.subscript->rfind(':');
    if (word.subscript->starts_with('@')) refuse_unsupported(place, "a list of samples in a file");
    samples = read_subscript(word.subscript->substr(0, colon), place);
    if (colon != std::string_view::npos) {
      step.subscript = read_subscript(word.subscript->substr(colon + 1), place);
    } else if (samples.is_all()) {
      step.subscript = Subscript::all();
    } else if (!is_single(definition)) {
      refuse(place, fmt::format("{0} can have several values: write {0}[sample:value]", word.key));
    }
  }
  step.samples = choose_samples(samples, header.samples.size(), place);
  return step;
}

Step info_field(const Word& word, const FieldDefinition& definition, std::size_t place) {
  Step step{.place = place};
  step.text = word.key;
  const bool single = is_single(definition);
  if (definition.type == FieldDefinition::Type::flag) {
    step.kind = Kind::info_flag;
    return step;
  }
  step.is_text = is_text(definition);
  step.is_float = definition.type == FieldDefinition::Type::floating;
  step.kind = step.is_text ? (single ? Kind::info_text : Kind::info_texts)
                           : (single ? Kind::info_number : Kind::info_numbers);
  step.subscript = word.subscript ? read_subscript(*word.subscript, place) : Subscript::all();
  return step;
}

}  // namespace

Step resolve_field(std::string_view text, std::size_t place, const Header& header) {
  const Word word = take_apart(text);
  if (word.scope == Word::Scope::any && !word.subscript) {
    for (const Column& column : kColumns) {
      if (word.key.size() > column.name.size() ||
          !equal_ignoring_case(word.key, column.name.substr(0, word.key.size()))) {
        continue;
      }
      if (word.key.size() < column.name.size()) {
        refuse(place, fmt::format("\"{}\" is short for {}: write that, or INFO/{}", word.key,
                                  column.name, word.key));
      }
      Step step{.kind = column.kind, .place = place};
      step.is_text = column.is_text;
      step.subscript = Subscript::all();  // of ALT
      if (column.kind == Kind::number) step.constant = static_cast<double>(header.samples.size());
      return step;
    }
  }
  const auto in_info = header.info.find(std::string(word.key));
  const auto in_format = header.format.find(std::string(word.key));
  const bool of_info = word.scope != Word::Scope::format && in_info != header.info.end();
  const bool of_format = word.scope != Word::Scope::info && in_format != header.format.end();
  if (of_info && of_format) {
    refuse(place, fmt::format("{0} may be INFO/{0} or FORMAT/{0}: write which", word.key));
  }
  if (of_format) return format_field(word, in_format->second, place, header);
  if (of_info) return info_field(word, in_info->second, place);
  for (const Column& column : kComputed) {
    if (word.scope == Word::Scope::format || !equal_ignoring_case(word.key, column.name)) continue;
    Step step{.kind = column.kind, .place = place};
    step.is_text = column.is_text;
    if (word.subscript) step.subscript = read_subscript(*word.subscript, place);
    return step;
  }
  refuse(place, fmt::format("the header defines no {}{}",
                            word.scope == Word::Scope::format ? "FORMAT/"
                            : word.scope == Word::Scope::info ? "INFO/"
                                                              : "INFO or FORMAT key ",
                            word.key));
}

std::shared_ptr<const regex_t> compile_regex(std::string_view pattern, std::size_t place) {
  constexpr std::size_t kLongest = 4096;
  constexpr std::size_t kMostRepeats = 1000;
  if (pattern.size() > kLongest)
    refuse_unsupported(place, "a pattern of more than 4096 characters");
  // The C library unrolls "\{n\}", nested ones to their product.
  std::size_t repeats = 1;
  for (std::size_t at = pattern.find("\\{"); at != std::string_view::npos;
       at = pattern.find("\\{", at + 2)) {
    for (const char c : {',', '{'}) {
      const std::size_t from = pattern.find(c, at);
      std::size_t count = 0;
      if (from == std::string_view::npos) continue;
      std::from_chars(pattern.data() + from + 1, pattern.data() + pattern.size(), count);
      repeats *= std::clamp<std::size_t>(count, 1, kMostRepeats + 1);
      if (repeats > kMostRepeats) refuse_unsupported(place, "repeating more than 1000 times");
    }
  }
  int flags = REG_NOSUB;
  std::string text(pattern);
  if (text.size() > 2 && text.ends_with("/i") && text[text.size() - 3] != '\\') {
    text.resize(text.size() - 2);
    flags |= REG_ICASE;
  }
  if (text.find('\0') != std::string::npos) refuse(place, "a pattern cannot hold a NUL");
  auto regex = std::make_unique<regex_t>();
  if (regcomp(regex.get(), text.c_str(), flags) != 0)
    refuse(place, fmt::format("\"{}\" is no regular expression", text));
  return {regex.release(), RegexDeleter()};
}

std::shared_ptr<const std::unordered_set<std::string>> read_ids(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw Error(Errc::not_found, "read the list of IDs", path, "the file cannot be opened");
  auto ids = std::make_shared<std::unordered_set<std::string>>();
  std::string line;
  while (std::getline(in, line)) ids->insert(line.substr(0, line.find_first_of(" \t\r\v\f")));
  return ids;
}

}  // namespace cnf::vcfs3::expression
