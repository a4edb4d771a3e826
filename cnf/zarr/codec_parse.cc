// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/codec_internal.h"
#include "cnf/zarr/json_internal.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {
namespace {

using Json = nlohmann::json;
using Kind = Codec::Kind;

/// Shards within shards: two are known to be written; each level is a recursion.
constexpr int kMaxShardLevels = 4;

/// What a chain is parsed for.
struct Chain {
  Shape chunk;
  DataType type{};
  std::span<const std::byte> fill;
  int shard_levels = 0;
  std::string_view subject;
};

std::vector<Codec> parse_chain(const Json& value, Chain chain);

struct NamedKind {
  std::string_view name;
  Kind kind;
};
// "numcodecs." stands before what zarr-python writes into v3 from the codecs of v2; "endian" is
// what drafts of v3 called "bytes".
constexpr std::array kKinds{
    NamedKind{"bytes", Kind::bytes},
    NamedKind{"endian", Kind::bytes},
    NamedKind{"transpose", Kind::transpose},
    NamedKind{"blosc", Kind::blosc},
    NamedKind{"zstd", Kind::zstd},
    NamedKind{"gzip", Kind::gzip},
    NamedKind{"zlib", Kind::zlib},
    NamedKind{"bz2", Kind::bz2},
    NamedKind{"lz4", Kind::lz4},
    NamedKind{"crc32c", Kind::crc32c},
    NamedKind{"bitround", Kind::identity},
    NamedKind{"shuffle", Kind::shuffle},
    NamedKind{"fletcher32", Kind::fletcher32},
    NamedKind{"sharding_indexed", Kind::sharding},
};

Kind kind_of(std::string_view name, std::string_view subject) {
  std::string_view bare = name;
  if (bare.starts_with("numcodecs.")) bare.remove_prefix(std::string_view("numcodecs.").size());
  for (const NamedKind& known : kKinds) {
    if (known.name == bare) return known.kind;
  }
  not_read_here(subject, fmt::format("the codec {} is not known here", in_quotes(name)));
}

void parse_bytes(Codec& codec, const Chain& chain) {
  const Json* endian = optional_member(codec.configuration, "endian");
  if (endian == nullptr) {
    if (word_of(chain.type) > 1) {
      refuse(chain.subject,
             fmt::format("the codec bytes has no endian, which {} needs", to_string(chain.type)));
    }
    return;
  }
  const std::string& order = text_of(*endian, "endian", chain.subject);
  if (order != "little" && order != "big") {
    refuse(chain.subject, fmt::format("endian is {}, neither little nor big", in_quotes(order)));
  }
  codec.little = order == "little";
}

void parse_transpose(Codec& codec, Chain& chain) {
  const std::size_t axes = chain.chunk.size();
  const Json& order = member(codec.configuration, "order", chain.subject);
  if (order == "C" || order == "F") {  // as drafts of v3 had it
    for (std::size_t axis = 0; axis < axes; ++axis) {
      codec.order.push_back(order == "C" ? axis : axes - 1 - axis);
    }
  } else {
    const Shape places = shape_of(order, "the order of transpose", 0, chain.subject);
    codec.order.assign(places.begin(), places.end());
  }
  std::vector<std::size_t> sorted = codec.order;
  std::ranges::sort(sorted);
  for (std::size_t axis = 0; axis < sorted.size(); ++axis) {
    if (sorted[axis] != axis) sorted.clear();
  }
  if (sorted.size() != axes) {
    refuse(chain.subject, "the order of transpose does not name each axis once");
  }
  const Shape before = chain.chunk;
  for (std::size_t axis = 0; axis < axes; ++axis) chain.chunk[axis] = before[codec.order[axis]];
}

void parse_shuffle(Codec& codec, const Chain& chain) {
  const Json* size = optional_member(codec.configuration, "elementsize");
  codec.level = size == nullptr
                    ? 4  // numcodecs' own default
                    : static_cast<int>(integer_of(*size, "elementsize", 1, 1 << 20, chain.subject));
}

void parse_sharding(Codec& codec, const Chain& chain) {
  if (chain.shard_levels == kMaxShardLevels) {
    not_read_here(chain.subject,
                  fmt::format("shards lie within more than {} shards", kMaxShardLevels));
  }
  auto sharding = std::make_shared<Sharding>();
  const Json& config = codec.configuration;
  sharding->chunk =
      shape_of(member(config, "chunk_shape", chain.subject), "chunk_shape", 1, chain.subject);
  if (sharding->chunk.size() != chain.chunk.size()) {
    refuse(chain.subject, "a shard's chunk_shape has not the axes of the shard");
  }
  std::uint64_t chunks = 1;
  for (std::size_t axis = 0; axis < chain.chunk.size(); ++axis) {
    if (chain.chunk[axis] % sharding->chunk[axis] != 0) {
      refuse(chain.subject, fmt::format("chunks of {} do not fill a shard of {}",
                                        to_string(sharding->chunk), to_string(chain.chunk)));
    }
    const std::uint64_t count = chain.chunk[axis] / sharding->chunk[axis];
    if (count > kMaxShardChunks / chunks) {
      not_read_here(chain.subject, fmt::format("a shard has over {} chunks", kMaxShardChunks));
    }
    chunks *= count;
  }
  Chain inner = chain;
  inner.chunk = sharding->chunk;
  ++inner.shard_levels;
  sharding->codecs = parse_chain(member(config, "codecs", chain.subject), inner);
  inner.chunk = chain.chunk;
  inner.type = DataType::uint64;
  sharding->index_codecs = parse_chain(member(config, "index_codecs", chain.subject), inner);
  for (const Codec& of_index : sharding->index_codecs) {
    if (of_index.kind != Kind::bytes && of_index.kind != Kind::crc32c) {
      not_read_here(chain.subject, "index_codecs hold others than bytes and crc32c");
    }
  }
  if (const Json* location = optional_member(config, "index_location")) {
    const std::string& where = text_of(*location, "index_location", chain.subject);
    if (where != "start" && where != "end") {
      refuse(chain.subject, fmt::format("index_location is {}", in_quotes(where)));
    }
    sharding->index_at_end = where == "end";
  }
  sharding->fill.assign(chain.fill.begin(), chain.fill.end());
  codec.sharding = std::move(sharding);
}

void parse_fields(Codec& codec, Chain& chain) {
  switch (codec.kind) {
    case Kind::bytes:
      return parse_bytes(codec, chain);
    case Kind::transpose:
      return parse_transpose(codec, chain);
    case Kind::sharding:
      return parse_sharding(codec, chain);
    case Kind::shuffle:
      return parse_shuffle(codec, chain);
    case Kind::blosc:
      codec.blosc = parse_blosc(codec.configuration, chain.type, chain.subject);
      return;
    case Kind::zstd:
    case Kind::gzip:
    case Kind::zlib:
    case Kind::bz2:
    case Kind::lz4:
      codec.level = parse_level(codec.configuration, chain.subject);
      return;
    default:
      return;
  }
}

std::vector<Codec> parse_chain(const Json& value, Chain chain) {
  if (!value.is_array()) refuse(chain.subject, "codecs is not a list");
  std::vector<Codec> codecs;
  for (const Json& item : value) {
    Named parts = named(item, "a codec", chain.subject);
    Codec codec;
    codec.kind = kind_of(parts.name, chain.subject);
    codec.configuration = std::move(parts.configuration);
    parse_fields(codec, chain);
    codecs.push_back(std::move(codec));
  }
  check_chain(codecs, chain.subject);
  return codecs;
}

}  // namespace

compress::BloscOptions parse_blosc(const Json& config, DataType type, std::string_view subject) {
  constexpr std::array<std::string_view, 6> kNames{"blosclz", "lz4",  "snappy",
                                                   "zlib",    "zstd", "lz4hc"};
  constexpr std::array<std::string_view, 3> kShuffles{"noshuffle", "shuffle", "bitshuffle"};
  compress::BloscOptions options;
  if (const Json* cname = optional_member(config, "cname")) {
    const auto found = std::ranges::find(kNames, text_of(*cname, "cname", subject));
    if (found == kNames.end()) {
      not_read_here(subject,
                    fmt::format("blosc's cname {} is not known", in_quotes(cname->dump())));
    }
    options.codec = *found == "lz4hc" ? compress::BloscCodec::lz4
                                      : static_cast<compress::BloscCodec>(found - kNames.begin());
  }
  if (const Json* level = optional_member(config, "clevel")) {
    options.level = static_cast<int>(integer_of(*level, "clevel", 0, 9, subject));
  }
  options.typesize = size_of(type);
  if (const Json* size = optional_member(config, "typesize")) {
    options.typesize = static_cast<std::size_t>(integer_of(*size, "typesize", 0, 255, subject));
  }
  if (const Json* size = optional_member(config, "blocksize")) {
    options.blocksize = static_cast<std::size_t>(
        integer_of(*size, "blocksize", 0, std::numeric_limits<std::int32_t>::max(), subject));
  }
  options.shuffle = compress::BloscShuffle::none;
  const Json* shuffle = optional_member(config, "shuffle");
  if (shuffle != nullptr && shuffle->is_string()) {
    const auto found = std::ranges::find(kShuffles, shuffle->get_ref<const std::string&>());
    if (found == kShuffles.end()) {
      refuse(subject, fmt::format("blosc's shuffle is {}", in_quotes(shuffle->dump())));
    }
    options.shuffle = static_cast<compress::BloscShuffle>(found - kShuffles.begin());
  } else if (shuffle != nullptr) {
    // As numcodecs counts them in v2; -1 lets the size of the elements decide.
    const std::int64_t number = integer_of(*shuffle, "shuffle", -1, 2, subject);
    const std::int64_t automatic = options.typesize == 1 ? 2 : 1;
    options.shuffle = static_cast<compress::BloscShuffle>(number == -1 ? automatic : number);
  }
  return options;
}

int parse_level(const Json& config, std::string_view subject) {
  const Json* level = optional_member(config, "level");
  if (level == nullptr) return 1;
  return static_cast<int>(integer_of(*level, "level", -(1 << 20), 100, subject));
}

void check_chain(const std::vector<Codec>& codecs, std::string_view subject) {
  enum class Side : std::uint8_t { arrays, bytes };
  Side side = Side::arrays;
  bool is_compressed = false;
  for (const Codec& codec : codecs) {
    switch (codec.kind) {
      case Kind::identity:
        break;
      case Kind::transpose:
        if (side != Side::arrays) refuse(subject, "transpose stands behind what makes bytes");
        break;
      case Kind::bytes:
      case Kind::sharding:
        if (side != Side::arrays) refuse(subject, "two codecs make bytes of arrays");
        side = Side::bytes;
        is_compressed = codec.kind == Kind::sharding;
        break;
      case Kind::blosc:
      case Kind::zstd:
      case Kind::gzip:
      case Kind::zlib:
      case Kind::bz2:
      case Kind::lz4:
        if (side != Side::bytes) refuse(subject, "a codec of bytes stands before they are made");
        // What the inner one gives has no length that could be checked before it is made.
        if (is_compressed) not_read_here(subject, "what is compressed is compressed again");
        is_compressed = true;
        break;
      default:
        if (side != Side::bytes) refuse(subject, "a codec of bytes stands before they are made");
        break;
    }
  }
  if (side != Side::bytes) refuse(subject, "no codec makes bytes of arrays");
}

std::vector<Codec> parse_codecs(const Json& value, const ArrayMetadata& array,
                                std::string_view subject) {
  return parse_chain(value, {.chunk = array.chunk,
                             .type = array.type,
                             .fill = array.fill,
                             .shard_levels = 0,
                             .subject = subject});
}

}  // namespace cnf::zarr
