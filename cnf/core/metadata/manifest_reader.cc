// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cnf/core/metadata/manifest_internal.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

// The schema has been checked when these run: what a field's type is, and that it is there.

namespace cnf::metadata {
namespace {

using Json = nlohmann::json;

// Takes a field out of `object`, so that what is left at the end is what we do not know.
template <typename T>
T take(Json& object, const char* field, T otherwise = {}) {
  const auto found = object.find(field);
  if (found == object.end()) return otherwise;
  T value = found->get<T>();
  object.erase(found);
  return value;
}

Json take_section(Json& document, const char* field) {
  return take<Json>(document, field, Json::object());
}

Buffer take_base64(Json& object, const char* field, const std::string& where,
                   std::string_view subject) {
  const auto text = take<std::string>(object, field);
  try {
    return from_base64(text);
  } catch (const Error&) {
    throw_field(subject, fmt::format("{}.{}", where, field), "it is not base64");
  }
}

std::uint32_t take_crc32c(Json& object, const std::string& where, std::string_view subject) {
  const auto text = take<std::string>(object, "crc32c");
  std::uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (fmt::format("{:08x}", value) != text) {
    throw_field(subject, where + ".crc32c", "it is not eight lower-case hexadecimal digits");
  }
  return value;
}

Metadata::Storage read_storage(Json& section) {
  Metadata::Storage storage;
  storage.total_size = take<std::uint64_t>(section, "total_size");
  storage.sharding_bits = take<int>(section, "sharding_bits");
  return storage;
}

ChunkRun read_run(Json& item, const std::string& where, std::string_view subject) {
  ChunkRun run;
  run.first = take<std::uint64_t>(item, "first");
  run.count = take<std::uint64_t>(item, "count");
  run.id = take<std::string>(item, "id");
  run.unknown = std::move(item);
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  if (!std::ranges::all_of(run.id, is_plain)) {
    throw_field(subject, where + ".id", "it has others than letters and digits");
  }
  if (run.count == 0) throw_field(subject, where + ".count", "a run of no chunks");
  return run;
}

// Sizes are below 2^53 by the schema, so sums of two do not overflow.
void check_runs(const Metadata::Chunks& chunks, std::string_view subject) {
  if (chunks.runs.empty()) return;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> spans;
  for (const ChunkRun& run : chunks.runs) spans.emplace_back(run.first, run.first + run.count);
  std::ranges::sort(spans);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    if (i != 0 && spans[i].first < spans[i - 1].second) {
      throw_field(subject, "chunks.runs", fmt::format("two runs have chunk {}", spans[i].first));
    }
    total += spans[i].second - spans[i].first;
  }
  if (total != chunks.num_chunks) {
    throw_field(subject, "chunks.num_chunks",
                fmt::format("it is {}, but the runs have {}", chunks.num_chunks, total));
  }
}

Metadata::Chunks read_chunks(Json& section, std::string_view subject) {
  Metadata::Chunks chunks;
  chunks.strategy = take<std::string>(section, "strategy");
  chunks.num_chunks = take<std::uint64_t>(section, "num_chunks");
  chunks.chunk_size = take<std::uint64_t>(section, "chunk_size");
  for (Json& item : take<std::vector<Json>>(section, "runs")) {
    chunks.runs.push_back(
        read_run(item, fmt::format("chunks.runs[{}]", chunks.runs.size()), subject));
  }
  check_runs(chunks, subject);
  return chunks;
}

Metadata::Compression read_compression(Json& section) {
  Metadata::Compression compression;
  compression.algorithm = take<std::string>(section, "algorithm");
  compression.level = take<int>(section, "level");
  compression.ratio = take<double>(section, "ratio");
  return compression;
}

ObjectInfo read_object(Json& item, const std::string& where, std::string_view subject) {
  ObjectInfo object;
  object.name = take<std::string>(item, "name");
  object.path = take<std::string>(item, "path");
  object.length = take<std::uint64_t>(item, "length");
  object.crc32c = take_crc32c(item, where, subject);
  object.root = take_base64(item, "root", where, subject);
  object.inlined = take_base64(item, "inlined", where, subject);
  object.unknown = std::move(item);
  if (!is_safe_path(object.path) || object.path == kManifestKey || object.path == kGroupKey) {
    throw_field(subject, where + ".path", "it is not a path within the dataset");
  }
  if (!object.inlined.empty() &&
      (object.inlined.size() != object.length || crc32c(object.inlined) != object.crc32c)) {
    throw_field(subject, where + ".inlined", "its length or CRC32C is not the object's");
  }
  return object;
}

std::vector<ObjectInfo> read_objects(std::vector<Json> items, std::string_view subject) {
  std::vector<ObjectInfo> objects;
  std::set<std::string> names;
  std::set<std::string> paths;
  for (Json& item : items) {
    const std::string where = fmt::format("objects[{}]", objects.size());
    objects.push_back(read_object(item, where, subject));
    if (!names.insert(objects.back().name).second) {
      throw_field(subject, where + ".name", "another object has it");
    }
    if (!paths.insert(objects.back().path).second) {
      throw_field(subject, where + ".path", "another object has it");
    }
  }
  return objects;
}

void read_identity(Json& document, Metadata& metadata, std::string_view subject) {
  metadata.format = take<std::string>(document, "format");
  metadata.version = take<std::string>(document, "version");
  metadata.dataset_id = take<std::string>(document, "dataset_id");
  metadata.created_by = take<std::string>(document, "created_by");
  metadata.description = take<std::string>(document, "description");
  if (!major_version(metadata.version)) {
    throw_field(subject, "version", "it is not a semantic version like 1.0.0");
  }
  const auto created = parse_time(take<std::string>(document, "created"));
  if (!created) throw_field(subject, "created", "it is not a time like 2025-01-31T12:00:00Z");
  metadata.created = *created;
}

}  // namespace

Metadata read_metadata(Json document, std::string_view subject) {
  validate_manifest(document, subject);

  Metadata metadata;
  read_identity(document, metadata, subject);
  Json storage = take_section(document, "storage");
  Json chunks = take_section(document, "chunks");
  Json compression = take_section(document, "compression");
  metadata.storage = read_storage(storage);
  metadata.chunks = read_chunks(chunks, subject);
  metadata.compression = read_compression(compression);
  metadata.objects = read_objects(take<std::vector<Json>>(document, "objects"), subject);
  metadata.custom = take_section(document, "custom");
  metadata.unknown = std::move(document);
  if (!storage.empty()) metadata.unknown["storage"] = std::move(storage);
  if (!chunks.empty()) metadata.unknown["chunks"] = std::move(chunks);
  if (!compression.empty()) metadata.unknown["compression"] = std::move(compression);
  return metadata;
}

Metadata parse_metadata(ByteSpan text, std::string_view subject) {
  return read_metadata(parse_json(text, subject), subject);
}

}  // namespace cnf::metadata
