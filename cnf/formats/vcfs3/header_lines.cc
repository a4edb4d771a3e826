// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/header_lines_internal.h"

namespace cnf::vcfs3 {
namespace {

template <typename T>
std::optional<T> number_of(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// What stands between the quotes, backslashes taken away; other text as it is.
std::string unquoted(std::string_view text) {
  if (text.size() < 2 || !text.starts_with('"') || !text.ends_with('"')) return std::string(text);
  std::string result;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) ++i;
    result.push_back(text[i]);
  }
  return result;
}

// Takes the next "key=value" from the fields of a structured line; commas in quotes separate
// nothing.
std::string_view take_field(std::string_view& fields) {
  bool in_quotes = false;
  std::size_t end = 0;
  for (; end < fields.size(); ++end) {
    if (fields[end] == '\\' && in_quotes) {
      ++end;
    } else if (fields[end] == '"') {
      in_quotes = !in_quotes;
    } else if (fields[end] == ',' && !in_quotes) {
      break;
    }
  }
  const std::string_view field = fields.substr(0, std::min(end, fields.size()));
  fields.remove_prefix(std::min(end + 1, fields.size()));
  return field;
}

// The fields that mean something here; of a key that is there twice the first.
struct Fields {
  std::optional<std::string> id = {}, number = {}, type = {}, length = {};
};

Fields read_fields(std::string_view text) {
  while (text.ends_with('\r') || text.ends_with(' ')) text.remove_suffix(1);
  if (text.ends_with('>')) text.remove_suffix(1);
  Fields fields;
  while (!text.empty()) {
    const std::string_view field = take_field(text);
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view key = field.substr(0, equals);
    while (key.starts_with(' ')) key.remove_prefix(1);
    std::optional<std::string>* const place = key == "ID"       ? &fields.id
                                              : key == "Number" ? &fields.number
                                              : key == "Type"   ? &fields.type
                                              : key == "length" ? &fields.length
                                                                : nullptr;
    if (place != nullptr && !*place) *place = unquoted(field.substr(equals + 1));
  }
  return fields;
}

std::optional<FieldDefinition::Type> type_of(std::string_view text) {
  using Type = FieldDefinition::Type;
  if (text == "Integer") return Type::integer;
  if (text == "Float") return Type::floating;
  if (text == "Flag") return Type::flag;
  if (text == "Character") return Type::character;
  if (text == "String") return Type::string;
  return std::nullopt;
}

std::optional<FieldDefinition> definition_of(const Fields& fields) {
  const auto type = fields.type ? type_of(*fields.type) : std::nullopt;
  if (!type) return std::nullopt;
  FieldDefinition definition{.type = *type};
  const std::string number = fields.number.value_or(".");
  using Count = FieldDefinition::Count;
  if (number == "A") definition.count = Count::per_alt;
  if (number == "R") definition.count = Count::per_allele;
  if (number == "G") definition.count = Count::per_genotype;
  if (const auto fixed = number_of<std::uint32_t>(number)) {
    definition.count = Count::fixed;
    definition.number = *fixed;
  }
  return definition;
}

}  // namespace

void read_meta_lines(Header& header) {
  std::unordered_set<std::string> contigs;
  for (std::size_t at = 0; at < header.text.size();) {
    const std::size_t newline = std::min(header.text.find('\n', at), header.text.size());
    const std::string_view line = std::string_view(header.text).substr(at, newline - at);
    at = newline + 1;
    const auto after = [&](std::string_view start) -> std::optional<Fields> {
      if (!line.starts_with(start)) return std::nullopt;
      Fields fields = read_fields(line.substr(start.size()));
      if (!fields.id || fields.id->empty()) return std::nullopt;
      return fields;
    };
    if (auto contig = after("##contig=<"); contig && contigs.insert(*contig->id).second) {
      header.contigs.push_back(
          {.name = *contig->id, .length = number_of<std::uint64_t>(contig->length.value_or(""))});
    } else if (auto info = after("##INFO=<")) {
      const auto definition = definition_of(*info);
      if (definition && header.info.try_emplace(*info->id, *definition).second) {
        header.info_keys.push_back(*info->id);
      }
    } else if (auto format = after("##FORMAT=<")) {
      const auto definition = definition_of(*format);
      if (definition) header.format.try_emplace(*format->id, *definition);
    } else if (auto filter = after("##FILTER=<")) {
      header.filters.insert(*filter->id);
    }
  }
}

}  // namespace cnf::vcfs3
