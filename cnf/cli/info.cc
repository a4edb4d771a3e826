// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/cli/cryoem.h"
#include "cnf/cli/exit_status.h"
#include "cnf/cli/output.h"
#include "cnf/cli/session.h"
#include "cnf/cli/text.h"
#include "cnf/cli/verb.h"
#include "cnf/cli/verbs.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"
#include "cnf/formats/cryoem/layout.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cli {
namespace {

constexpr const char* kDetails =
    R"(Reads the manifest only: one request. --json prints all of it, without the binary
pages that it carries. Of a Zarr image that others wrote, what its metadata says.

Examples:
  cnf info s3://bucket/cohort/dataset
  cnf info --json dataset | jq .custom)";

constexpr std::size_t kLongList = 8;  // longer lists of the format are only counted

std::string format_codec(const metadata::Metadata::Compression& compression) {
  std::string text = compression.algorithm;
  if (compression.level != 0) text += fmt::format(":{}", compression.level);
  if (compression.ratio > 0) text += fmt::format(", {:.2f} times smaller", compression.ratio);
  return text;
}

std::string format_scalar(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : dump_line(value);
}

// What a format says of itself, as indented lines; it is not known here what it means.
void print_custom(const nlohmann::json& object, int depth, Output& out) {
  for (const auto& [name, value] : object.items()) {
    const std::string label = fmt::format("{:{}}{}", "", 2 * depth, name);
    if (value.is_object()) {
      out.line(label);
      print_custom(value, depth + 1, out);
    } else if (value.is_array() &&
               (value.size() > kLongList || (!value.empty() && value.front().is_structured()))) {
      out.line(fmt::format("{:<20} {}", label, fmt::format("{} entries", value.size())));
    } else {
      out.line(fmt::format("{:<20} {}", label, format_scalar(value)));
    }
  }
}

void print_text(const query::Dataset& dataset, Session& session, Output& out) {
  const metadata::Metadata& manifest = dataset.manifest();
  const auto field = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) out.line(fmt::format("{:<20} {}", name, value));
  };
  field("uri", dataset.root->uri());
  field("format", manifest.format + " " + manifest.version);
  field("id", manifest.dataset_id);
  field("created", fmt::format("{} by {}", format_time(manifest.created), manifest.created_by));
  field("description", manifest.description);
  field("size", fmt::format("{} ({} bytes)", format_size(manifest.storage.total_size),
                            manifest.storage.total_size));
  field("chunks", fmt::format("{}, cut by {} {}", manifest.chunks.num_chunks,
                              manifest.chunks.strategy, manifest.chunks.chunk_size));
  if (manifest.storage.sharding_bits != 0) {
    field("sharding", fmt::format("{} bits", manifest.storage.sharding_bits));
  }
  field("codec", format_codec(manifest.compression));
  for (const metadata::ObjectInfo& object : manifest.objects) {
    field(object.path, fmt::format("{} ({} bytes)", format_size(object.length), object.length));
  }
  if (manifest.format == cryoem::kFormat) {
    print_cryoem(cryoem::Volume::open(dataset.root, session.context()), session, out);
  } else {
    print_custom(manifest.custom, 0, out);
  }
}

nlohmann::json to_json(const query::Dataset& dataset) {
  const metadata::Metadata& manifest = dataset.manifest();
  nlohmann::json objects = nlohmann::json::array();
  for (const metadata::ObjectInfo& object : manifest.objects) {
    objects.push_back({{"path", object.path},
                       {"length", object.length},
                       {"crc32c", fmt::format("{:08x}", object.crc32c)}});
  }
  return {{"uri", dataset.root->uri()},
          {"format", manifest.format},
          {"version", manifest.version},
          {"dataset_id", manifest.dataset_id},
          {"created", format_time(manifest.created)},
          {"created_by", manifest.created_by},
          {"description", manifest.description},
          {"storage",
           {{"total_size", manifest.storage.total_size},
            {"sharding_bits", manifest.storage.sharding_bits}}},
          {"chunks",
           {{"strategy", manifest.chunks.strategy},
            {"num_chunks", manifest.chunks.num_chunks},
            {"chunk_size", manifest.chunks.chunk_size}}},
          {"compression",
           {{"algorithm", manifest.compression.algorithm},
            {"level", manifest.compression.level},
            {"ratio", manifest.compression.ratio}}},
          {"objects", std::move(objects)},
          {"custom", manifest.custom}};
}

// A Zarr image that others wrote.
int show_image(const std::shared_ptr<storage::Storage>& root, Session& session) {
  const auto volume = [&] {
    try {
      return cryoem::Volume::open(root, session.context());
    } catch (const Error& error) {
      if (error.code() != Errc::not_found) throw;
      throw Error(Errc::not_found, "open", root->uri(),
                  "there is no dataset and no Zarr image here", "check the path or URI");
    }
  }();
  Output out(session);
  if (session.options().json) {
    out.line(dump_line({{"uri", volume.storage()->uri()},
                        {"format", "Zarr"},
                        {"image", cryoem_json(volume, session)}}));
  } else {
    out.line(fmt::format("{:<20} {}", "uri", volume.storage()->uri()));
    out.line(fmt::format("{:<20} Zarr v{}", "format", volume.level(0).metadata().zarr_format));
    print_cryoem(volume, session, out);
  }
  out.commit();
  return kDone;
}

int show(const std::string& uri, Session& session) {
  if (session.options().explain) {
    Estimate estimate{.what = fmt::format("read the manifest of {}", uri), .store = uri};
    estimate.usage.requests[static_cast<std::size_t>(RequestKind::get)] = 1;
    return print_estimate(session, estimate);
  }
  const std::shared_ptr<storage::Storage> root = session.open(uri);
  auto committed = metadata::Manager(root).try_load(session.context());
  if (!committed) return show_image(root, session);
  const query::Dataset dataset{.root = root, .chunks = {}, .committed = *std::move(committed)};
  Output out(session);
  if (session.options().json) {
    nlohmann::json all = to_json(dataset);
    if (dataset.manifest().format == cryoem::kFormat)
      all["image"] = cryoem_json(cryoem::Volume::open(root, session.context()), session);
    out.line(dump_line(all));
  } else {
    print_text(dataset, session, out);
  }
  out.commit();
  return kDone;
}

}  // namespace

void add_info(Verb& root) {
  auto uri = std::make_shared<std::string>();
  Verb verb = root.add("info", "Say what a dataset is: format, size, chunks, statistics", kDetails);
  verb.argument("URI", *uri, "The dataset");
  verb.run([uri](Session& session) { return show(*uri, session); });
}

}  // namespace cnf::cli
