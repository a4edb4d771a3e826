// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "cnf/cli/session.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/storage/storage.h"

namespace cnf::cli {

/// --threads and --memory, as the executor takes them.
[[nodiscard]] query::ExecutorOptions executor_options(const Session& session);

/// Prints what a plan would read and cost, where --output says, as JSON with --json; returns the
/// exit status. \param unit  what the format calls a unit, in the plural: "bins".
int explain_plan(const query::Plan& plan, const storage::Storage& chunks, const std::string& unit,
                 Session& session);

/// The text of a file of any store, such as a list of samples; at most 1 GiB.
[[nodiscard]] std::string read_text(const std::string& uri, Session& session);

}  // namespace cnf::cli
