// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/metadata/metadata.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cnf/core/metadata/manifest_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::metadata {
namespace {

using Json = nlohmann::json;
using Ordered = nlohmann::ordered_json;  // fields come out in the order they went in

// What we know wins over what we do not.
void add_unknown(Ordered& into, const Json& unknown) {
  if (!unknown.is_object()) return;
  for (const auto& [key, value] : unknown.items()) {
    if (!into.contains(key)) into[key] = value;
  }
}

Json unknown_of(const Metadata& metadata, const char* section) {
  return metadata.unknown.is_object() ? metadata.unknown.value(section, Json()) : Json();
}

Ordered chunks_to_json(const Metadata::Chunks& chunks, const Json& unknown) {
  Ordered out{{"strategy", chunks.strategy},
              {"num_chunks", chunks.num_chunks},
              {"chunk_size", chunks.chunk_size},
              {"runs", Ordered::array()}};
  for (const ChunkRun& run : chunks.runs) {
    Ordered item{{"first", run.first}, {"count", run.count}, {"id", run.id}};
    add_unknown(item, run.unknown);
    out["runs"].push_back(std::move(item));
  }
  add_unknown(out, unknown);
  return out;
}

Ordered object_to_json(const ObjectInfo& object) {
  Ordered out{{"name", object.name},
              {"path", object.path},
              {"length", object.length},
              {"crc32c", fmt::format("{:08x}", object.crc32c)}};
  if (!object.root.empty()) out["root"] = to_base64(object.root);
  if (!object.inlined.empty()) out["inlined"] = to_base64(object.inlined);
  add_unknown(out, object.unknown);
  return out;
}

Ordered document_of(const Metadata& metadata) {
  Ordered storage{{"total_size", metadata.storage.total_size},
                  {"sharding_bits", metadata.storage.sharding_bits}};
  add_unknown(storage, unknown_of(metadata, "storage"));
  Ordered compression{{"algorithm", metadata.compression.algorithm},
                      {"level", metadata.compression.level},
                      {"ratio", metadata.compression.ratio}};
  add_unknown(compression, unknown_of(metadata, "compression"));

  Ordered out{{"format", metadata.format},
              {"version", metadata.version},
              {"created", format_time(metadata.created)},
              {"dataset_id", metadata.dataset_id},
              {"created_by", metadata.created_by},
              {"description", metadata.description},
              {"storage", std::move(storage)},
              {"chunks", chunks_to_json(metadata.chunks, unknown_of(metadata, "chunks"))},
              {"compression", std::move(compression)},
              {"objects", Ordered::array()}};
  for (const ObjectInfo& object : metadata.objects) {
    out["objects"].push_back(object_to_json(object));
  }
  out["custom"] = metadata.custom;
  add_unknown(out, metadata.unknown);
  return out;
}

}  // namespace

std::string to_json(const Metadata& metadata) {
  try {
    std::string text = document_of(metadata).dump(2);
    text += '\n';
    static_cast<void>(parse_metadata(as_bytes(text), metadata.format));
    return text;
  } catch (const Error& error) {
    throw Error(Errc::invalid_argument, "write manifest", metadata.format, error.what());
  } catch (const Json::exception&) {
    throw Error(Errc::invalid_argument, "write manifest", metadata.format,
                "it holds text that is not UTF-8");
  }
}

std::string Metadata::Chunks::path(std::uint64_t number) const {
  const auto found = std::ranges::find_if(runs, [&](const ChunkRun& run) {
    return number >= run.first && number - run.first < run.count;
  });
  if (found == runs.end()) {
    throw Error(Errc::corrupt_data, "find", fmt::format("chunk {}", number),
                "the manifest has no run with it");
  }
  return chunk_name(number, found->id);
}

const ObjectInfo& Metadata::object(std::string_view name) const {
  const auto found = std::ranges::find(objects, name, &ObjectInfo::name);
  if (found == objects.end()) {
    throw Error(Errc::corrupt_data, "find", fmt::format("object '{}'", name),
                "the manifest does not list it");
  }
  return *found;
}

void require_format(const Metadata& metadata, std::string_view format, int major,
                    std::string_view subject) {
  if (metadata.format != format) {
    throw Error(Errc::unsupported, "open", subject,
                fmt::format("it is a {} dataset, not {}", metadata.format, format));
  }
  const std::optional<int> found = major_version(metadata.version);
  if (found == major) return;
  const bool newer = found && *found > major;
  throw Error(
      Errc::unsupported, "open", subject,
      fmt::format("it is {} {}, and this program reads {}.x", format, metadata.version, major),
      newer ? "use a newer version of cnf" : "convert it anew");
}

}  // namespace cnf::metadata
