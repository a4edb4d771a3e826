// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"

namespace cnf::metadata {

/// The name of the object that lists every chunk: an index::BTree keyed by
/// big_endian_key(chunk number) with the columns length (summed) and CRC32C.
inline constexpr std::string_view kChunkIndex = "chunks";

/// The object that makes a dataset exist; it is written last.
inline constexpr std::string_view kManifestKey = "_metadata.json";
/// Nothing larger is read as a manifest.
inline constexpr std::uint64_t kMaxManifestBytes = std::uint64_t{64} << 20;

/// An object besides the chunks: an index, a header.
struct ObjectInfo {
  std::string name;  ///< What it is to the format: "chunks", "spatial", "header"; unique.
  std::string path;  ///< Unlike any that an earlier commit used, for objects are never overwritten.
  std::uint64_t length = 0;
  std::uint32_t crc32c = 0;
  Buffer root{};    ///< Of a paged tree: its root page, so that opening costs no request. May be empty.
  Buffer inlined{}; ///< The whole object, where it is small; the object still exists by itself.
};

/// Chunks that one writing session made: numbers [first, first + count) are named by `id`.
struct ChunkRun {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::string id;
};

/// What a dataset is (`_metadata.json`). Fields of the file that this version does not know are kept
/// in `unknown` and written back.
struct Metadata {
  std::string format;       ///< "BAMS3", "VCFS3", …
  std::string version;      ///< Semantic version of the format.
  std::chrono::sys_seconds created{};
  std::string dataset_id;   ///< Random; new with every conversion.
  std::string created_by;   ///< "cnf 0.1.0"
  std::string description;

  struct Storage {
    std::uint64_t total_size = 0;  ///< Bytes of all objects but the manifest.
    int sharding_bits = 0;         ///< 0: not sharded; else the HashSharding of the chunks.
  } storage;
  struct Chunks {
    std::string strategy;          ///< "fixed", "coordinate", "temporal", "grid", …
    std::uint64_t num_chunks = 0;
    std::uint64_t chunk_size = 0;  ///< What the strategy aimed at, in its own unit.
    std::vector<ChunkRun> runs;
  } chunks;
  struct Compression {
    std::string algorithm;
    int level = 0;
    double ratio = 0;              ///< Raw bytes over stored bytes.
  } compression;
  std::vector<ObjectInfo> objects;
  nlohmann::json custom = nlohmann::json::object();  ///< The format's own; it has a schema for it.
  nlohmann::json unknown = nlohmann::json::object();

  /// The object of that name; throws Error corrupt_data if the manifest does not list it.
  [[nodiscard]] const ObjectInfo& object(std::string_view name) const;
};

/// Throws Error corrupt_data, naming `subject` and the field, if `text` is not a manifest by the
/// core's JSON schema; unsupported if its major version is newer than `subject`'s reader.
[[nodiscard]] Metadata parse_metadata(ByteSpan text, std::string_view subject);
[[nodiscard]] std::string to_json(const Metadata& metadata);

/// Throws Error unsupported unless format and major version are these.
void require_format(const Metadata& metadata, std::string_view format, int major,
                    std::string_view subject);

/// Validates `document` against a JSON schema (draft 7). Throws Error corrupt_data with the path of
/// the first field that is wrong and why.
void validate_json(const nlohmann::json& document, const nlohmann::json& schema,
                   std::string_view subject);

}  // namespace cnf::metadata
