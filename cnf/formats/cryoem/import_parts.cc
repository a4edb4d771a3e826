// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string>

#include <nlohmann/json.hpp>

#include "cnf/core/query/new_dataset.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/formats/cryoem/import.h"
#include "cnf/formats/cryoem/import_parts_internal.h"
#include "cnf/formats/cryoem/import_plan_internal.h"
#include "cnf/formats/cryoem/import_session_internal.h"
#include "cnf/zarr/metadata.h"

namespace cnf::cryoem {

void put_node(const std::string& name, const std::string& path, const nlohmann::json& json,
              query::NewDataset& dataset) {
  dataset.put(name, path + "/zarr.json", as_bytes(json.dump(2)), query::NewDataset::Carry::nothing);
}

Nodes put_arrays(const ImportPlan& plan, const ImportSession& session, const std::string& base,
                 query::NewDataset& dataset) {
  Nodes nodes;
  const std::string folder = base + session.prefix();
  if (!session.prefix().empty()) {
    // Readers that list a group want each folder in it to be a node; zarr-python reads no group of
    // whose consolidated nodes a parent is missing.
    const std::string group = folder.substr(0, folder.size() - 1);
    nodes.emplace_back(group, zarr::group_json(nlohmann::json::object(), {}));
    put_node("group/" + group, group, nodes.back().second, dataset);
  }
  for (std::size_t level = 0; level < plan.arrays.size(); ++level) {
    const std::string path = folder + std::to_string(level);
    nodes.emplace_back(path, zarr::to_json(plan.arrays[level]));
    put_node("array/" + path, path, nodes.back().second, dataset);
  }
  return nodes;
}

ImportReport report_of(const ImportPlan& plan, const ImportSession& session) {
  ImportReport report{.chunk = plan.pyramid.chunk,
                      .shard = plan.levels.front().shard,
                      .levels = plan.levels.size(),
                      .codec = plan.codec,
                      .voxels = plan.voxels(),
                      .raw_bytes = plan.voxels() * size_of(plan.type)};
  report.resumed = session.resumed();
  for (const auto& [key, object] : session.objects()) report.stored_bytes += object.length;
  return report;
}

}  // namespace cnf::cryoem
