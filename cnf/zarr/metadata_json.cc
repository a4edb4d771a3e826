// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/float16.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {
namespace {

using Json = nlohmann::json;

Json to_json(const Shape& shape) {
  return Json(std::vector<std::uint64_t>(shape.begin(), shape.end()));
}

template <typename T>
T value_of(ByteSpan bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

// Numbers that JSON has none for are strings; a NaN other than the usual one keeps its bits.
Json float_to_json(double value, std::uint64_t bits, std::uint64_t usual_nan, std::size_t digits) {
  if (std::isnan(value)) {
    return bits == usual_nan ? Json("NaN") : Json(fmt::format("0x{:0{}x}", bits, digits));
  }
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return value;
}

Json float16_to_json(ByteSpan bytes) {
  const auto bits = value_of<std::uint16_t>(bytes);
  return float_to_json(static_cast<double>(float16_value(bits)), bits, 0x7E00, 4);
}

Json float32_to_json(ByteSpan bytes) {
  return float_to_json(value_of<float>(bytes), value_of<std::uint32_t>(bytes), 0x7FC00000, 8);
}

Json float64_to_json(ByteSpan bytes) {
  return float_to_json(value_of<double>(bytes), value_of<std::uint64_t>(bytes), 0x7FF8000000000000,
                       16);
}

Json fill_to_json(DataType type, ByteSpan fill) {
  switch (type) {
    case DataType::bool8:
      return value_of<std::uint8_t>(fill) != 0;
    case DataType::int8:
      return value_of<std::int8_t>(fill);
    case DataType::int16:
      return value_of<std::int16_t>(fill);
    case DataType::int32:
      return value_of<std::int32_t>(fill);
    case DataType::int64:
      return value_of<std::int64_t>(fill);
    case DataType::uint8:
      return value_of<std::uint8_t>(fill);
    case DataType::uint16:
      return value_of<std::uint16_t>(fill);
    case DataType::uint32:
      return value_of<std::uint32_t>(fill);
    case DataType::uint64:
      return value_of<std::uint64_t>(fill);
    case DataType::float16:
      return float16_to_json(fill);
    case DataType::float32:
      return float32_to_json(fill);
    case DataType::float64:
      return float64_to_json(fill);
    case DataType::complex64:
      return Json::array({float32_to_json(fill.first(4)), float32_to_json(fill.subspan(4))});
    case DataType::complex128:
      return Json::array({float64_to_json(fill.first(8)), float64_to_json(fill.subspan(8))});
  }
  throw Error(Errc::internal, "write", "zarr.json", "a data type without a name");
}

std::string_view blosc_name(compress::BloscCodec codec) {
  switch (codec) {
    case compress::BloscCodec::blosclz:
      return "blosclz";
    case compress::BloscCodec::lz4:
      return "lz4";
    case compress::BloscCodec::snappy:
      return "snappy";
    case compress::BloscCodec::zlib:
      return "zlib";
    case compress::BloscCodec::zstd:
      return "zstd";
  }
  throw Error(Errc::internal, "write", "zarr.json", "a codec of Blosc without a name");
}

std::string_view shuffle_name(compress::BloscShuffle shuffle) {
  switch (shuffle) {
    case compress::BloscShuffle::none:
      return "noshuffle";
    case compress::BloscShuffle::byte:
      return "shuffle";
    case compress::BloscShuffle::bit:
      return "bitshuffle";
  }
  throw Error(Errc::internal, "write", "zarr.json", "a shuffle of Blosc without a name");
}

Json named(std::string_view name, Json configuration) {
  return {{"name", name}, {"configuration", std::move(configuration)}};
}

Json to_json(const Codec& codec);

Json to_json(const std::vector<Codec>& codecs) {
  Json chain = Json::array();
  for (const Codec& codec : codecs) chain.push_back(to_json(codec));
  return chain;
}

Json to_json(const Codec& codec) {
  switch (codec.kind) {
    case Codec::Kind::bytes:
      return named("bytes", {{"endian", codec.little ? "little" : "big"}});
    case Codec::Kind::transpose:
      return named("transpose", {{"order", codec.order}});
    case Codec::Kind::blosc:
      return named("blosc", {{"cname", blosc_name(codec.blosc.codec)},
                             {"clevel", codec.blosc.level},
                             {"shuffle", shuffle_name(codec.blosc.shuffle)},
                             {"typesize", codec.blosc.typesize},
                             {"blocksize", codec.blosc.blocksize}});
    case Codec::Kind::zstd:
      return named("zstd", {{"level", codec.level}, {"checksum", false}});
    case Codec::Kind::gzip:
      return named("gzip", {{"level", codec.level}});
    case Codec::Kind::crc32c:
      return {{"name", "crc32c"}};
    case Codec::Kind::sharding:
      return named("sharding_indexed",
                   {{"chunk_shape", to_json(codec.sharding->chunk)},
                    {"codecs", to_json(codec.sharding->codecs)},
                    {"index_codecs", to_json(codec.sharding->index_codecs)},
                    {"index_location", codec.sharding->index_at_end ? "end" : "start"}});
    default:
      throw Error(Errc::unsupported, "write", "zarr.json",
                  "a codec that not every reader of Zarr v3 has");
  }
}

Json names_to_json(const std::vector<std::string>& names) {
  Json out = Json::array();
  for (const std::string& name : names) out.push_back(name.empty() ? Json() : Json(name));
  return out;
}

}  // namespace

Json to_json(const ArrayMetadata& array) {
  if (array.fill.size() != size_of(array.type)) {
    throw Error(Errc::invalid_argument, "write", "zarr.json", "the fill value is not one element");
  }
  Json out{{"zarr_format", 3},
           {"node_type", "array"},
           {"shape", to_json(array.shape)},
           {"data_type", to_string(array.type)},
           {"chunk_grid", named("regular", {{"chunk_shape", to_json(array.chunk)}})},
           {"chunk_key_encoding", named(array.v2_keys ? "v2" : "default",
                                        {{"separator", std::string(1, array.separator)}})},
           {"fill_value", fill_to_json(array.type, array.fill)},
           {"codecs", to_json(array.codecs)},
           {"attributes", array.attributes}};
  if (array.has_chunk_sums) out["attributes"]["cnf"]["chunk_sums"] = "crc32c";
  if (!array.dimension_names.empty()) {
    out["dimension_names"] = names_to_json(array.dimension_names);
  }
  return out;
}

Json group_json(const Json& attributes, const std::vector<std::pair<std::string, Json>>& nodes) {
  Json group{{"zarr_format", 3}, {"node_type", "group"}, {"attributes", attributes}};
  if (nodes.empty()) return group;  // an empty list would say that there are none
  Json metadata = Json::object();
  for (const auto& [path, node] : nodes) metadata[path] = node;
  group["consolidated_metadata"] = {
      {"kind", "inline"}, {"must_understand", false}, {"metadata", std::move(metadata)}};
  return group;
}

}  // namespace cnf::zarr
