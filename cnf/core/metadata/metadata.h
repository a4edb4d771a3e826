// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Complete, not json_fwd.hpp: formats read and write `custom` as a json value.
#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"

namespace cnf::metadata {

/// The name of the object that lists every chunk: an index::BTree keyed by
/// big_endian_key(chunk number), or by the chunk's path where a format names its chunks itself,
/// with the columns length (summed) and CRC32C.
inline constexpr std::string_view kChunkIndex = "chunks";

/// The object that makes a dataset exist; it is written last.
inline constexpr std::string_view kManifestKey = "_metadata.json";
/// The same of a dataset that is a Zarr group: the group's own document carries the manifest.
inline constexpr std::string_view kGroupKey = "zarr.json";
/// Nothing larger is read as a manifest.
inline constexpr std::uint64_t kMaxManifestBytes = std::uint64_t{64} << 20;

/// An object besides the chunks: an index, a header.
struct ObjectInfo {
  std::string name;  ///< What it is to the format: "chunks", "spatial", "header"; unique.
  std::string path;  ///< Unlike any that an earlier commit used, for objects are never overwritten.
  std::uint64_t length = 0;
  std::uint32_t crc32c = 0;
  Buffer
      root{};  ///< Of a paged tree: its root page, so that opening costs no request. May be empty.
  Buffer inlined{};  ///< The whole object, where it is small; the object still exists by itself.
  nlohmann::json unknown{};  ///< Fields of a later version, kept.
};

/// Chunks that one writing session made: numbers [first, first + count) are named by `id`.
struct ChunkRun {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::string id;            ///< Letters and digits.
  nlohmann::json unknown{};  ///< Fields of a later version, kept.
};

/// What a dataset is (`_metadata.json`). Fields of the file that this version does not know are
/// kept in `unknown` and written back; those of a section stand in it under the section's name.
struct Metadata {
  std::string format;   ///< "BAMS3", "VCFS3", …
  std::string version;  ///< Semantic version of the format.
  std::chrono::sys_seconds created{};
  std::string dataset_id;  ///< Random; new with every conversion.
  std::string created_by;  ///< "cnf 0.1.0"
  std::string description;

  struct Storage {
    std::uint64_t total_size = 0;  ///< Bytes of all objects but the manifest.
    int sharding_bits = 0;         ///< 0: not sharded; else the HashSharding of the chunks.
  } storage;
  struct Chunks {
    std::string strategy;  ///< "fixed", "coordinate", "temporal", "grid", …
    std::uint64_t num_chunks = 0;
    std::uint64_t chunk_size = 0;  ///< What the strategy aimed at, in its own unit.
    /// Apart, and num_chunks in all; empty where a format names its chunks itself.
    std::vector<ChunkRun> runs;

    /// Whether the chunk index is keyed by the chunks' paths.
    [[nodiscard]] bool named_by_format() const noexcept { return runs.empty() && num_chunks != 0; }

    /// Where the chunk of that number lies in the chunk storage. Throws Error corrupt_data if no
    /// run has it.
    [[nodiscard]] std::string path(std::uint64_t number) const;
  } chunks;
  struct Compression {
    std::string algorithm;
    int level = 0;
    double ratio = 0;  ///< Raw bytes over stored bytes.
  } compression;
  std::vector<ObjectInfo> objects;
  nlohmann::json custom = nlohmann::json::object();  ///< The format's own; it has a schema for it.
  nlohmann::json unknown = nlohmann::json::object();

  /// The object of that name; throws Error corrupt_data if the manifest does not list it.
  [[nodiscard]] const ObjectInfo& object(std::string_view name) const;
};

/// Throws Error corrupt_data, naming `subject` and the first field that is wrong, if `text` is not
/// a manifest: not JSON, a key twice in one object, nested deeper than 64, not by the core's
/// schema, a path that leaves the dataset, chunk runs that overlap, inlined bytes of another
/// CRC32C. Pure.
[[nodiscard]] Metadata parse_metadata(ByteSpan text, std::string_view subject);

/// The manifest as text: fields in a fixed order, times in RFC 3339 UTC, two spaces a level. Throws
/// Error invalid_argument if parse_metadata would refuse it.
[[nodiscard]] std::string to_json(const Metadata& metadata);

/// Throws Error unsupported unless format and major version are these.
void require_format(const Metadata& metadata, std::string_view format, int major,
                    std::string_view subject);

/// Validates `document` against a JSON schema (draft 7). Throws Error corrupt_data with the path of
/// the first field that is wrong and why; internal if the schema itself is not one.
///
/// Do not use `pattern` on strings from outside: it runs on std::regex, whose stack grows with the
/// string. Cost: the schema is compiled at each call.
void validate_json(const nlohmann::json& document, const nlohmann::json& schema,
                   std::string_view subject);

}  // namespace cnf::metadata
