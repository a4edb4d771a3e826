// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"

namespace cnf::zarr {

struct Sharding;

/// One codec of a chain, in the order of encoding. What a field holds is read for its kind only.
struct Codec {
  enum class Kind : std::uint8_t {
    bytes,      ///< array → bytes, in `little` endian or big.
    transpose,  ///< array → array by `order`.
    blosc,      ///< By `blosc`; the frame's own header decides when it is decoded.
    zstd,
    gzip,
    zlib,
    bz2,
    lz4,  ///< At `level`; lz4 is numcodecs' (u32 length, raw block).
    crc32c,
    sharding,
    identity,  ///< Changes values when written, and nothing when read: bitround, checksums off.
    shuffle,   ///< Of elements of `level` bytes.
    delta,
    fixed_scale_offset,  ///< numcodecs' filters of Zarr v2, by `configuration`.
    fletcher32,          ///< numcodecs' sum behind the bytes.
  };
  Kind kind = Kind::bytes;
  bool little = true;
  int level = 0;
  std::vector<std::size_t> order = {};
  compress::BloscOptions blosc = {};
  std::shared_ptr<const Sharding> sharding = {};
  nlohmann::json configuration = nlohmann::json::object();  ///< As it was written.
};

/// The chunks inside a shard: the codec `sharding_indexed`.
struct Sharding {
  Shape chunk = {};                      ///< Of an inner chunk; divides the shard.
  std::vector<Codec> codecs = {};        ///< Of an inner chunk.
  std::vector<Codec> index_codecs = {};  ///< Fixed size only: bytes, crc32c.
  bool index_at_end = true;
  /// What a missing chunk holds, one element; empty: zeros. Needed to decode a shard as a whole.
  std::vector<std::byte> fill = {};
};

/// What an array is: `zarr.json` of Zarr v3, `.zarray` (and `.zattrs`) of v2.
struct ArrayMetadata {
  int zarr_format = 3;
  Shape shape = {};
  DataType type = DataType::uint8;
  Shape chunk = {};  ///< Of the grid: a shard where there is one.
  char separator = '/';
  bool v2_keys = false;              ///< "0.0" and "0/0" without "c".
  std::vector<std::byte> fill = {};  ///< One element, little-endian.
  std::vector<Codec> codecs = {};
  std::vector<std::string> dimension_names = {};  ///< Empty, or one an axis ("" where null).
  nlohmann::json attributes = nlohmann::json::object();
  /// CRC32C sums stand before each chunk of a shard, where only readers that know of them look: the
  /// attribute `{"cnf": {"chunk_sums": "crc32c"}}`. What is read is then checked, in parts too.
  bool has_chunk_sums = false;

  /// The codec of shards, if there is one. Its chunk, or the grid's: what decodes by itself.
  [[nodiscard]] const Sharding* sharding() const noexcept;
  [[nodiscard]] const Shape& inner_chunk() const noexcept;
  /// Below the array's own path: "c/0/1/2", "0.1.2". `at` is the place in the grid.
  [[nodiscard]] std::string chunk_key(const Shape& at) const;
};

/// A chunk that decodes by itself has less: what a frame of Blosc can hold, and every reader.
inline constexpr std::uint64_t kMaxChunkBytes = (std::uint64_t{1} << 31) - 1;
/// No document that describes arrays is longer: a bound for read_all.
inline constexpr std::uint64_t kMaxDocumentBytes = std::uint64_t{64} << 20;

/// The JSON of an object from outside. Throws Error corrupt_data with `subject`: not JSON, or
/// nested deeper than 64.
[[nodiscard]] nlohmann::json parse_document(ByteSpan text, std::string_view subject);

/// Throws Error corrupt_data (not what the specification says), unsupported (a codec, data type,
/// extension or grid that is not read here; the message names it) with `subject`.
[[nodiscard]] ArrayMetadata parse_array(const nlohmann::json& document, std::string_view subject);
/// \param zattrs  null where there is none.
[[nodiscard]] ArrayMetadata parse_array_v2(const nlohmann::json& zarray,
                                           const nlohmann::json& zattrs, std::string_view subject);
/// Of v3, with every required member, codecs as objects; what every peer reads.
[[nodiscard]] nlohmann::json to_json(const ArrayMetadata& array);

/// A group's zarr.json: attributes, and the metadata of all nodes below it ("0", "labels/x")
/// inline, as zarr-python's consolidated metadata has them, so that one GET opens everything. A
/// node in a group that is no node itself makes zarr-python refuse all. Without nodes nothing is
/// said of them.
[[nodiscard]] nlohmann::json group_json(
    const nlohmann::json& attributes,
    const std::vector<std::pair<std::string, nlohmann::json>>& nodes);

}  // namespace cnf::zarr
