// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/sample_table.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::vcfs3 {
namespace {

using Fields = std::vector<std::string_view>;

constexpr std::array<std::string_view, 9> kSampleColumns = {
    "sample", "sample_id", "sample_name", "individual_id", "id",
    "iid",    "name",      "sample id",   "individual id"};
constexpr std::size_t kPedColumns = 6;

// What an object is believed to expand to: names are much alike.
constexpr std::uint64_t kMinText = std::uint64_t{16} << 20;
constexpr std::uint64_t kMaxExpansion = 1024;

[[noreturn]] void fail(std::string_view subject, std::string_view why) {
  throw Error(Errc::invalid_argument, "read sample table", subject, why,
              "give a TSV whose first line names the columns, one of them 'sample', or a PED file");
}

Fields split(std::string_view line, bool by_tabs) {
  Fields fields;
  while (true) {
    if (!by_tabs) line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    const std::size_t end = line.find(by_tabs ? '\t' : ' ');
    if (by_tabs || !line.empty()) fields.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return fields;
    line.remove_prefix(end + 1);
  }
}

std::vector<Fields> rows_of(std::string_view text) {
  std::vector<Fields> rows;
  std::optional<bool> by_tabs;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (!by_tabs) by_tabs = line.find('\t') != std::string_view::npos;
    rows.push_back(split(line, *by_tabs));
  }
  return rows;
}

bool names_samples(std::string_view column) {
  std::string lower(column);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(kSampleColumns, lower) != kSampleColumns.end();
}

std::optional<std::string> value_of(std::string_view text) {
  if (text.empty() || text == ".") return std::nullopt;
  return std::string(text);
}

std::optional<std::string> ped_value(std::size_t column, std::string_view text) {
  switch (column) {
    case 2:
    case 3:
      return text == "0" ? std::nullopt : value_of(text);
    case 4:
      if (text == "1") return "male";
      if (text == "2") return "female";
      return std::nullopt;
    default:
      return value_of(text);
  }
}

/// How the rows of a table are to be read.
struct Shape {
  std::size_t sample = 0;                                       // column
  std::vector<std::pair<std::size_t, std::string>> attributes;  // column, name
  std::size_t first_row = 0;
  bool ped = false;
};

Shape shape_of(std::vector<Fields>& rows, std::string_view subject) {
  if (rows.empty()) fail(subject, "it is empty");
  Fields& head = rows.front();
  if (head.front().starts_with('#')) head.front().remove_prefix(1);
  const auto found = std::ranges::find_if(head, names_samples);
  Shape shape;
  if (found == head.end()) {
    if (head.size() < kPedColumns) fail(subject, "no column of its first line names samples");
    shape = {
        .sample = 1,
        .attributes = {{0, "family"}, {2, "father"}, {3, "mother"}, {4, "sex"}, {5, "phenotype"}},
        .first_row = 0,
        .ped = true};
    return shape;
  }
  shape.sample = static_cast<std::size_t>(found - head.begin());
  shape.first_row = 1;
  for (std::size_t column = 0; column < head.size(); ++column) {
    // Trailing tabs make columns without a name.
    if (column != shape.sample && !head[column].empty())
      shape.attributes.emplace_back(column, head[column]);
  }
  return shape;
}

}  // namespace

SampleTable SampleTable::parse(std::string_view text, std::vector<std::string> names,
                               std::string_view subject) {
  std::vector<Fields> rows = rows_of(text);
  const Shape shape = shape_of(rows, subject);
  SampleTable table{.names = std::move(names)};
  std::unordered_map<std::string_view, std::vector<std::size_t>> ordinals;
  for (std::size_t i = 0; i < table.names.size(); ++i) ordinals[table.names[i]].push_back(i);
  for (const auto& [column, name] : shape.attributes) {
    if (std::ranges::count(table.attributes, name, &Attribute::name) != 0)
      fail(subject, fmt::format("two columns are named {}", name));
    table.attributes.push_back({name, {}});
    table.attributes.back().values.resize(table.names.size());
  }
  std::vector<bool> seen(table.names.size());
  bool any = false;
  for (std::size_t i = shape.first_row; i < rows.size(); ++i) {
    const Fields& row = rows[i];
    const std::size_t needed = shape.ped ? kPedColumns : shape.sample + 1;
    if (row.size() < needed) fail(subject, fmt::format("row {} has {} columns", i + 1, row.size()));
    const auto sample = ordinals.find(row[shape.sample]);
    if (sample == ordinals.end()) continue;
    any = true;
    for (const std::size_t ordinal : sample->second) {
      if (seen[ordinal]) fail(subject, fmt::format("sample {} is there twice", sample->first));
      seen[ordinal] = true;
      for (std::size_t a = 0; a < shape.attributes.size(); ++a) {
        const std::size_t column = shape.attributes[a].first;
        const std::string_view field = column < row.size() ? row[column] : std::string_view();
        table.attributes[a].values[ordinal] =
            shape.ped ? ped_value(column, field) : value_of(field);
      }
    }
  }
  if (!any) fail(subject, "no sample of the input is in it");
  return table;
}

Buffer SampleTable::encode() const {
  nlohmann::ordered_json attributes_json = nlohmann::ordered_json::object();
  for (const Attribute& attribute : attributes) {
    nlohmann::ordered_json& values = attributes_json[attribute.name];
    values = nlohmann::ordered_json::array();
    for (const auto& value : attribute.values)
      values.push_back(value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json());
  }
  nlohmann::ordered_json json;
  json["samples"] = names;
  if (!attributes.empty()) json["attributes"] = std::move(attributes_json);
  // A name may be of bytes that are no UTF-8; the header has it exactly.
  const std::string text =
      json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  Buffer out;
  const auto encoder = compress::make_codec({.algorithm = "zstd", .level = 9})->make_encoder();
  encoder->write(as_bytes(text), out);
  encoder->finish(out);
  return out;
}

SampleTable SampleTable::decode(ByteSpan object, std::string_view subject) {
  const auto fail_corrupt = [&] {
    throw Error(Errc::corrupt_data, "read sample table", subject, "it is not as it was written");
  };
  Buffer text;
  const auto decoder = compress::make_decoder(compress::CodecId::zstd, std::string(subject),
                                              kMinText + kMaxExpansion * object.size());
  decoder->write(object, text);
  decoder->finish();
  const nlohmann::ordered_json json = nlohmann::ordered_json::parse(as_text(text), nullptr, false);
  if (!json.is_object() || !json.contains("samples") || !json["samples"].is_array()) fail_corrupt();
  SampleTable table;
  for (const auto& name : json["samples"]) {
    if (!name.is_string()) fail_corrupt();
    table.names.push_back(name.get<std::string>());
  }
  if (!json.contains("attributes")) return table;
  if (!json["attributes"].is_object()) fail_corrupt();
  for (const auto& [name, values] : json["attributes"].items()) {
    if (!values.is_array() || values.size() != table.names.size()) fail_corrupt();
    Attribute& attribute = table.attributes.emplace_back(Attribute{name, {}});
    for (const auto& value : values) {
      if (!value.is_string() && !value.is_null()) fail_corrupt();
      attribute.values.push_back(value.is_null() ? std::nullopt
                                                 : std::optional(value.get<std::string>()));
    }
  }
  return table;
}

}  // namespace cnf::vcfs3
