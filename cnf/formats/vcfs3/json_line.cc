// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/json_line.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/variant_text_internal.h"

namespace cnf::vcfs3 {
namespace {

using Definitions = std::unordered_map<std::string, FieldDefinition>;

void append(Buffer& out, std::string_view text) { out.append(as_bytes(text)); }

bool is_plain(char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }

void append_string(std::string_view text, Buffer& out) {
  if (std::ranges::all_of(text, is_plain)) {
    append(out, "\"");
    append(out, text);
    append(out, "\"");
    return;
  }
  append(out, nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::size_t digits_at(std::string_view text, std::size_t at) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789", at), text.size());
  return end - std::min(at, end);
}

// RFC 8259, section 6.
bool is_json_number(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const std::size_t whole = digits_at(text, at);
  if (whole == 0 || (whole > 1 && text[at] == '0')) return false;
  at += whole;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = digits_at(text, at + 1);
    if (fraction == 0) return false;
    at += 1 + fraction;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t exponent = digits_at(text, at);
    if (exponent == 0) return false;
    at += exponent;
  }
  return at == text.size();
}

void append_value(std::string_view text, bool numeric, Buffer& out) {
  if (text == ".") {
    append(out, "null");
  } else if (numeric && is_json_number(text)) {
    append(out, text);
  } else {
    append_string(text, out);
  }
}

void append_field(std::string_view key, std::string_view value, const Definitions& definitions,
                  Buffer& out) {
  const auto found = definitions.find(std::string(key));
  const bool defined = found != definitions.end();
  using Type = FieldDefinition::Type;
  const bool numeric =
      defined && (found->second.type == Type::integer || found->second.type == Type::floating);
  const bool single = !defined || (found->second.count == FieldDefinition::Count::fixed &&
                                   found->second.number <= 1);
  // A genotype or a free text may have commas that separate nothing.
  if (single && (!numeric || value.find(',') == std::string_view::npos)) {
    append_value(value, numeric, out);
    return;
  }
  append(out, "[");
  ListReader items(value);
  bool first = true;
  for (std::string_view item; items.next(item); first = false) {
    if (!first) append(out, ",");
    append_value(item, numeric, out);
  }
  append(out, "]");
}

void append_list(std::string_view list, char separator, Buffer& out) {
  append(out, "[");
  ListReader items(list, separator);
  bool first = true;
  for (std::string_view item; list != "." && items.next(item); first = false) {
    if (!first) append(out, ",");
    append_string(item, out);
  }
  append(out, "]");
}

void append_info(std::string_view info, const Header& header, Buffer& out) {
  append(out, "{");
  ListReader items(info, ';');
  std::vector<std::string_view> seen;
  for (std::string_view item; info != "." && items.next(item);) {
    const std::size_t equals = item.find('=');
    const std::string_view key = item.substr(0, equals);
    // Of a key that is there twice the first holds: a JSON object has each name once.
    if (key.empty() || std::ranges::find(seen, key) != seen.end()) continue;
    if (!seen.empty()) append(out, ",");
    seen.push_back(key);
    append_string(key, out);
    append(out, ":");
    if (equals == std::string_view::npos) {
      append(out, "true");
    } else {
      append_field(key, item.substr(equals + 1), header.info, out);
    }
  }
  append(out, "}");
}

void append_cell(std::string_view format, std::string_view cell, const Header& header,
                 Buffer& out) {
  append(out, "{");
  ListReader keys(format, ':');
  ListReader values(cell, ':');
  bool first = true;
  for (std::string_view key, value; keys.next(key) && values.next(value); first = false) {
    if (!first) append(out, ",");
    append_string(key, out);
    append(out, ":");
    append_field(key, value, header.format, out);
  }
  append(out, "}");
}

}  // namespace

void append_json_line(const Variant& variant, const Header& header,
                      const std::vector<std::string>& names, Buffer& out) {
  const Site& site = variant.site;
  append(out, "{\"contig\":");
  append_string(variant.contig, out);
  append(out, fmt::format(",\"pos\":{},\"id\":", site.pos + 1));
  append_list(site.id, ';', out);
  append(out, ",\"ref\":");
  append_string(site.ref, out);
  append(out, ",\"alt\":");
  append_list(site.alt, ',', out);
  append(out, ",\"qual\":");
  append_value(site.qual, true, out);
  append(out, ",\"filter\":");
  append_list(site.filter, ';', out);
  append(out, ",\"info\":");
  append_info(site.info, header, out);
  if (!variant.cells.empty()) {
    append(out, ",\"samples\":{");
    for (std::size_t s = 0; s < variant.cells.size() && s < names.size(); ++s) {
      if (s != 0) append(out, ",");
      append_string(names[s], out);
      append(out, ":");
      append_cell(site.format, variant.cells[s], header, out);
    }
    append(out, "}");
  }
  append(out, "}\n");
}

}  // namespace cnf::vcfs3
