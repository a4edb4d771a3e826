// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/json_internal.h"
#include "cnf/zarr/metadata.h"

// "Array metadata" of the specification of Zarr v3.

namespace cnf::zarr {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 12> kMembers{"zarr_format",
                                                    "node_type",
                                                    "shape",
                                                    "data_type",
                                                    "chunk_grid",
                                                    "chunk_key_encoding",
                                                    "fill_value",
                                                    "codecs",
                                                    "attributes",
                                                    "dimension_names",
                                                    "storage_transformers",
                                                    "consolidated_metadata"};

/// Anything else is an extension, which must be understood unless it says otherwise.
void check_members(const Json& document, std::string_view subject) {
  for (const auto& [name, value] : document.items()) {
    if (std::ranges::find(kMembers, name) != kMembers.end()) continue;
    const Json* must = optional_member(value, "must_understand");
    if (must == nullptr || *must != false) {
      not_read_here(subject, fmt::format("the member {} is not known here", in_quotes(name)));
    }
  }
  const Json* transformers = optional_member(document, "storage_transformers");
  if (transformers != nullptr && !transformers->empty()) {
    not_read_here(subject, "storage transformers are not known here");
  }
}

DataType parse_type(const Json& value, std::string_view subject) {
  const Named type = named(value, "data_type", subject);
  const std::optional<DataType> known = data_type(type.name);
  if (!known || !type.configuration.empty()) {
    not_read_here(subject, fmt::format("the data type {} is not known here", in_quotes(type.name)));
  }
  return *known;
}

Shape parse_grid(const Json& value, std::string_view subject) {
  const Named grid = named(value, "chunk_grid", subject);
  if (grid.name != "regular") {
    not_read_here(subject,
                  fmt::format("the chunk grid {} is not known here", in_quotes(grid.name)));
  }
  return shape_of(member(grid.configuration, "chunk_shape", subject), "chunk_shape", 1, subject);
}

void parse_keys(const Json& value, ArrayMetadata& array, std::string_view subject) {
  const Named keys = named(value, "chunk_key_encoding", subject);
  if (keys.name != "default" && keys.name != "v2") {
    not_read_here(subject,
                  fmt::format("the chunk key encoding {} is not known here", in_quotes(keys.name)));
  }
  array.v2_keys = keys.name == "v2";
  array.separator = array.v2_keys ? '.' : '/';
  if (const Json* separator = optional_member(keys.configuration, "separator")) {
    array.separator = parse_separator(*separator, subject);
  }
}

std::vector<std::string> parse_names(const Json& document, std::size_t axes,
                                     std::string_view subject) {
  const Json* names = optional_member(document, "dimension_names");
  if (names == nullptr) return {};
  if (!names->is_array() || names->size() != axes) {
    refuse(subject, "dimension_names does not have one name an axis");
  }
  std::vector<std::string> result;
  for (const Json& name : *names) {
    result.push_back(name.is_null() ? "" : text_of(name, "a dimension's name", subject));
  }
  return result;
}

}  // namespace

char parse_separator(const Json& value, std::string_view subject) {
  const std::string& text = text_of(value, "the separator of chunk keys", subject);
  if (text != "/" && text != ".") {
    refuse(subject, fmt::format("the separator of chunk keys is {}", in_quotes(text)));
  }
  return text.front();
}

void check_sizes(const ArrayMetadata& array, std::string_view subject) {
  if (array.chunk.size() != array.shape.size()) {
    refuse(subject, "a chunk has not the axes of the array");
  }
  const auto within = [&](const Shape& shape, std::uint64_t most) {
    std::uint64_t left = most / size_of(array.type);
    for (const std::uint64_t count : shape) {
      if (count == 0) return true;
      left /= count;
    }
    return left > 0;
  };
  if (!within(array.shape, std::uint64_t{1} << 62)) {
    not_read_here(subject, fmt::format("an array of {} {} has over 2^62 bytes",
                                       to_string(array.shape), to_string(array.type)));
  }
  if (!within(array.inner_chunk(), kMaxChunkBytes)) {
    not_read_here(subject, fmt::format("a chunk of {} {} has over 2 GiB",
                                       to_string(array.inner_chunk()), to_string(array.type)));
  }
}

ArrayMetadata parse_array(const Json& document, std::string_view subject) {
  if (member(document, "zarr_format", subject) != 3) refuse(subject, "zarr_format is not 3");
  if (member(document, "node_type", subject) != "array") refuse(subject, "it is no array");
  check_members(document, subject);
  ArrayMetadata array;
  array.shape = shape_of(member(document, "shape", subject), "shape", 0, subject);
  array.type = parse_type(member(document, "data_type", subject), subject);
  array.chunk = parse_grid(member(document, "chunk_grid", subject), subject);
  parse_keys(member(document, "chunk_key_encoding", subject), array, subject);
  array.fill = parse_fill(member(document, "fill_value", subject), array.type, subject);
  if (array.chunk.size() == array.shape.size()) {
    array.codecs = parse_codecs(member(document, "codecs", subject), array, subject);
  }
  check_sizes(array, subject);
  array.dimension_names = parse_names(document, array.shape.size(), subject);
  if (const Json* attributes = optional_member(document, "attributes")) {
    if (!attributes->is_object()) refuse(subject, "attributes is no object");
    array.attributes = *attributes;
    const Json* const ours = optional_member(*attributes, "cnf");
    const Json* const sums =
        ours != nullptr && ours->is_object() ? optional_member(*ours, "chunk_sums") : nullptr;
    array.has_chunk_sums = sums != nullptr && *sums == "crc32c";
  }
  return array;
}

}  // namespace cnf::zarr
