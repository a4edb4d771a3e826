// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/codec_internal.h"
#include "cnf/zarr/json_internal.h"
#include "cnf/zarr/metadata.h"

// .zarray of the specification of Zarr v2, and the codecs that numcodecs writes into it.

namespace cnf::zarr {
namespace {

using Json = nlohmann::json;
using Kind = Codec::Kind;

struct TypeCode {
  std::string_view code;  ///< Behind the byte order, as NumPy has it.
  DataType type;
};
constexpr std::array kTypes{
    TypeCode{"b1", DataType::bool8},     TypeCode{"i1", DataType::int8},
    TypeCode{"i2", DataType::int16},     TypeCode{"i4", DataType::int32},
    TypeCode{"i8", DataType::int64},     TypeCode{"u1", DataType::uint8},
    TypeCode{"u2", DataType::uint16},    TypeCode{"u4", DataType::uint32},
    TypeCode{"u8", DataType::uint64},    TypeCode{"f2", DataType::float16},
    TypeCode{"f4", DataType::float32},   TypeCode{"f8", DataType::float64},
    TypeCode{"c8", DataType::complex64}, TypeCode{"c16", DataType::complex128},
};

[[nodiscard]] Codec plain(Kind kind) {
  Codec codec;
  codec.kind = kind;
  return codec;
}

/// Of a filter: element types must be told, and be numbers.
std::string type_text(const Json& config, const char* name, const std::string& otherwise,
                      std::string_view subject) {
  const Json* value = optional_member(config, name);
  std::string text = value == nullptr ? otherwise : text_of(*value, name, subject);
  static_cast<void>(parse_dtype(text, subject));
  return text;
}

Codec parse_filter(const Json& config, std::string_view subject) {
  const std::string& id = text_of(member(config, "id", subject), "a filter's id", subject);
  Codec codec;
  codec.configuration = config;
  if (id == "bitround") {
    codec.kind = Kind::identity;
  } else if (id == "shuffle") {
    codec.kind = Kind::shuffle;
    const Json* size = optional_member(config, "elementsize");
    codec.level = size == nullptr
                      ? 4  // numcodecs' own default
                      : static_cast<int>(integer_of(*size, "elementsize", 1, 1 << 20, subject));
  } else if (id == "fletcher32") {
    codec.kind = Kind::fletcher32;
  } else if (id == "delta" || id == "fixedscaleoffset") {
    codec.kind = id == "delta" ? Kind::delta : Kind::fixed_scale_offset;
    const std::string type = type_text(
        config, "dtype", text_of(member(config, "dtype", subject), "dtype", subject), subject);
    codec.configuration["dtype"] = type;
    codec.configuration["astype"] = type_text(config, "astype", type, subject);
    check_filter(codec, subject);
  } else {
    not_read_here(subject, fmt::format("the filter {} is not known here", in_quotes(id)));
  }
  return codec;
}

Codec parse_compressor(const Json& config, DataType type, std::string_view subject) {
  constexpr std::array<std::pair<std::string_view, Kind>, 6> kKinds{{{"blosc", Kind::blosc},
                                                                     {"zstd", Kind::zstd},
                                                                     {"gzip", Kind::gzip},
                                                                     {"zlib", Kind::zlib},
                                                                     {"bz2", Kind::bz2},
                                                                     {"lz4", Kind::lz4}}};
  const std::string& id = text_of(member(config, "id", subject), "a compressor's id", subject);
  const auto known =
      std::ranges::find(kKinds, std::string_view(id), &std::pair<std::string_view, Kind>::first);
  if (known == kKinds.end()) {
    not_read_here(subject, fmt::format("the compressor {} is not known here", in_quotes(id)));
  }
  Codec codec = plain(known->second);
  codec.configuration = config;
  if (codec.kind == Kind::blosc) {
    codec.blosc = parse_blosc(config, type, subject);
  } else {
    codec.level = parse_level(config, subject);
  }
  return codec;
}

bool is_fortran(const Json& zarray, std::string_view subject) {
  const Json& order = member(zarray, "order", subject);
  if (order != "C" && order != "F") refuse(subject, "order is neither C nor F");
  return order == "F";
}

std::vector<Codec> parse_chain(const Json& zarray, const TypeAndOrder& type, std::size_t axes,
                               std::string_view subject) {
  std::vector<Codec> codecs;
  if (is_fortran(zarray, subject) && axes > 1) {
    Codec transpose = plain(Kind::transpose);
    for (std::size_t axis = axes; axis > 0; --axis) transpose.order.push_back(axis - 1);
    codecs.push_back(std::move(transpose));
  }
  // Filters see the array's memory, so they stand behind what makes bytes of it.
  Codec bytes = plain(Kind::bytes);
  bytes.little = type.little;
  codecs.push_back(std::move(bytes));
  if (const Json* filters = optional_member(zarray, "filters")) {
    if (!filters->is_array()) refuse(subject, "filters is not a list");
    for (const Json& filter : *filters) codecs.push_back(parse_filter(filter, subject));
  }
  if (const Json* compressor = optional_member(zarray, "compressor")) {
    codecs.push_back(parse_compressor(*compressor, type.type, subject));
  }
  check_chain(codecs, subject);
  return codecs;
}

}  // namespace

TypeAndOrder parse_dtype(std::string_view text, std::string_view subject) {
  const bool has_order =
      !text.empty() && std::string_view("<>|=").find(text.front()) != std::string_view::npos;
  for (const TypeCode& known : kTypes) {
    if (has_order && text.substr(1) == known.code) {
      if (text.front() == '|' && word_of(known.type) > 1) break;
      return {known.type, text.front() != '>'};
    }
  }
  not_read_here(subject, fmt::format("the data type {} is not known here", in_quotes(text)));
}

ArrayMetadata parse_array_v2(const Json& zarray, const Json& zattrs, std::string_view subject) {
  if (member(zarray, "zarr_format", subject) != 2) refuse(subject, "zarr_format is not 2");
  ArrayMetadata array;
  array.zarr_format = 2;
  array.v2_keys = true;
  array.shape = shape_of(member(zarray, "shape", subject), "shape", 0, subject);
  array.chunk = shape_of(member(zarray, "chunks", subject), "chunks", 1, subject);
  const Json& dtype = member(zarray, "dtype", subject);
  if (!dtype.is_string()) not_read_here(subject, "structured data types are not read here");
  const TypeAndOrder type = parse_dtype(dtype.get_ref<const std::string&>(), subject);
  array.type = type.type;
  const Json* separator = optional_member(zarray, "dimension_separator");
  array.separator = separator == nullptr ? '.' : parse_separator(*separator, subject);
  const Json& fill = member(zarray, "fill_value", subject);
  // Null leaves it open; every reader takes zeros.
  if (fill.is_null()) {
    array.fill.resize(size_of(array.type));
  } else {
    array.fill = parse_fill(fill, array.type, subject);
  }
  array.codecs = parse_chain(zarray, type, array.chunk.size(), subject);
  check_sizes(array, subject);
  if (!zattrs.is_null()) {
    if (!zattrs.is_object()) refuse(subject, "its attributes are no object");
    array.attributes = zattrs;
  }
  return array;
}

}  // namespace cnf::zarr
