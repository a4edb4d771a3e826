// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/index/btree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/import.h"
#include "cnf/formats/cryoem/import_labels_internal.h"
#include "cnf/formats/cryoem/import_parts_internal.h"
#include "cnf/formats/cryoem/import_plan_internal.h"
#include "cnf/formats/cryoem/import_session_internal.h"
#include "cnf/formats/cryoem/layout.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/ome.h"

namespace cnf::cryoem {
namespace {

using Json = nlohmann::json;

/// The image that is labelled.
struct Labelled {
  std::optional<metadata::Committed> committed;  // there always is one
  Custom custom;
  zarr::Multiscale image;
};

Labelled load_image(const std::shared_ptr<storage::Storage>& root, const Context& context) {
  Labelled found{.committed = metadata::Manager(root).load(context, metadata::Place::group),
                 .custom = {},
                 .image = {}};
  const metadata::Committed& committed = *found.committed;
  metadata::require_format(committed.metadata, kFormat, 1, root->uri());
  found.custom = parse_custom(committed.metadata.custom, root->uri());
  auto image =
      zarr::parse_multiscale(committed.group.value("attributes", Json::object()), root->uri());
  if (!image) throw Error(Errc::corrupt_data, "read", root->uri(), "it is no image of OME-Zarr");
  found.image = std::move(*image);
  return found;
}

void check_name(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
  if (name.empty() || name.size() > 64 || !plain || name.front() == '.' || name.starts_with("__")) {
    throw Error(Errc::invalid_argument, "import", "the labels",
                fmt::format("'{}' is no name for them", name),
                "use letters, digits, '_', '-' and '.'");
  }
}

/// Level by level the same shapes, whatever they are cut into.
void check_shapes(const ImportPlan& plan, const Labelled& labelled,
                  const std::shared_ptr<storage::Storage>& root, const Context& context) {
  for (std::size_t level = 0; level < plan.levels.size(); ++level) {
    const Shape& mine = plan.arrays[level].shape;
    const Shape theirs =
        zarr::Array::open(root, labelled.image.levels[level].path, context).shape();
    if (mine == theirs) continue;
    throw Error(Errc::invalid_argument, "import", "the labels",
                fmt::format("level {} of them has {} voxels, that of the image {}", level,
                            to_string(mine), to_string(theirs)));
  }
}

/// Chunks of the dataset as it is, but those of the label that is replaced.
void list_others(const metadata::Metadata& manifest, const std::shared_ptr<storage::Storage>& root,
                 const std::string& base, query::NewDataset& dataset, const Context& context) {
  if (manifest.chunks.num_chunks == 0) return;
  const auto& object = manifest.object(metadata::kChunkIndex);
  index::BTree::open(root, object.path, context)
      .for_each(
          [&](const index::BTree::Row& row) {
            if (row.key.starts_with(base)) return;
            dataset.list(row.key, row.columns.at(0), static_cast<std::uint32_t>(row.columns.at(1)));
          },
          context);
}

/// Objects of the dataset as it is that stay, and are not among the new ones.
void keep_others(const metadata::Metadata& before, const std::string& base,
                 metadata::Metadata& after) {
  for (const metadata::ObjectInfo& object : before.objects) {
    const bool is_new =
        std::any_of(after.objects.begin(), after.objects.end(),
                    [&](const metadata::ObjectInfo& other) { return other.name == object.name; });
    if (is_new || object.path.starts_with(base)) continue;
    metadata::ObjectInfo kept{.name = object.name,
                              .path = object.path,
                              .length = object.length,
                              .crc32c = object.crc32c,
                              .root = Buffer::copy_of(object.root),
                              .inlined = Buffer::copy_of(object.inlined),
                              .unknown = object.unknown};
    after.storage.total_size += object.length;
    after.objects.push_back(std::move(kept));
  }
}

/// The root group with the labels' nodes in its consolidated metadata.
Json with_nodes(Json group, const std::string& base, const Nodes& nodes) {
  Json& consolidated = group["consolidated_metadata"];
  if (!consolidated.is_object())
    consolidated = zarr::group_json({}, nodes)["consolidated_metadata"];
  Json& metadata = consolidated["metadata"];
  std::vector<std::string> gone;
  for (const auto& [path, node] : metadata.items())
    if (path.starts_with(base)) gone.push_back(path);
  for (const std::string& path : gone) metadata.erase(path);
  for (const auto& [path, node] : nodes) metadata[path] = node;
  return group;
}

void commit_label(const ImportPlan& plan, ImportSession& session, Labelled labelled,
                  const std::shared_ptr<storage::Storage>& root, const std::string& name,
                  const Context& context) {
  const std::string base = "labels/" + name + "/";
  query::NewDataset dataset(root, root, context);
  zarr::Multiscale image = labelled.image;
  image.name = name;
  image.downscaling = "mode";
  image.window.reset();
  for (std::size_t level = 0; level < image.levels.size(); ++level)
    image.levels[level].path = session.prefix() + std::to_string(level);
  Nodes nodes = put_arrays(plan, session, base, dataset);
  std::vector<std::string>& names = labelled.custom.labels;
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  nodes.emplace_back("labels/" + name, zarr::group_json({{"ome", zarr::label_json(image)}}, {}));
  nodes.emplace_back("labels", zarr::group_json({{"ome", zarr::labels_json(names)}}, {}));
  const metadata::Metadata& before = labelled.committed->metadata;
  list_others(before, root, base, dataset, context);
  for (const auto& [key, object] : session.objects())
    dataset.list(key, object.length, object.crc32c);
  session.confirm();
  // From here on others see the labels, which are whole.
  for (std::size_t last = nodes.size() - 2; last < nodes.size(); ++last)
    put_node("group/" + nodes[last].first, nodes[last].first, nodes[last].second, dataset);
  metadata::Metadata after =
      dataset.finish_listed(chunk::GridStrategy(before.chunks.chunk_size),
                            std::string(kExtras) + session.id() + "-chunks.idx");
  keep_others(before, base, after);
  after.format = before.format;
  after.version = before.version;
  after.created = before.created;
  after.created_by = before.created_by;
  after.description = before.description;
  after.compression = before.compression;
  after.unknown = before.unknown;
  after.custom = to_json(labelled.custom);
  dataset.commit(after, labelled.committed, with_nodes(labelled.committed->group, base, nodes));
}

}  // namespace

ImportReport import_label(const em::Source& source, const std::shared_ptr<storage::Storage>& root,
                          const ImportOptions& options, const Context& context) {
  const std::string& name = *options.label;
  check_name(name);
  Labelled labelled = load_image(root, context);
  const auto& names = labelled.custom.labels;
  if (options.existing == query::Existing::refuse &&
      std::find(names.begin(), names.end(), name) != names.end()) {
    throw Error(Errc::already_exists, "import", root->uri("labels/" + name),
                "there are labels of that name", "replace them with --overwrite");
  }
  ImportOptions mine = options;
  mine.levels = labelled.image.levels.size();  // OME-Zarr: as many as the image has
  const ImportPlan plan = plan_import(source.info(), mine);
  check_shapes(plan, labelled, root, context);
  ImportSession session(source, plan, root, mine, "labels/" + name + "/", context);
  try {
    static_cast<void>(session.run());
    commit_label(plan, session, std::move(labelled), root, name, context);
  } catch (const Error& error) {
    session.give_up(error);
    throw;
  }
  session.close();
  return report_of(plan, session);
}

}  // namespace cnf::cryoem
