// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/query/new_dataset.h"
#include "cnf/formats/cryoem/import.h"
#include "cnf/formats/cryoem/import_plan_internal.h"
#include "cnf/formats/cryoem/import_session_internal.h"

// What an import of an image and one of labels share.
namespace cnf::cryoem {

/// Nodes below a group and their zarr.json.
using Nodes = std::vector<std::pair<std::string, nlohmann::json>>;

/// Puts the zarr.json of a session's arrays on the store. \param base  "" or "labels/NAME/".
[[nodiscard]] Nodes put_arrays(const ImportPlan& plan, const ImportSession& session,
                               const std::string& base, query::NewDataset& dataset);
/// Puts a node's zarr.json on the store and lists it as the manifest's object `name`.
void put_node(const std::string& name, const std::string& path, const nlohmann::json& json,
              query::NewDataset& dataset);

[[nodiscard]] ImportReport report_of(const ImportPlan& plan, const ImportSession& session);

}  // namespace cnf::cryoem
