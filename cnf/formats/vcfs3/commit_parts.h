// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/convert.h"

namespace cnf::vcfs3 {

/// Makes one dataset of the parts that convert() with ConvertOptions::part left at the root of
/// `target`: each part's newest. No data is read, only the parts' indices. Of `options` counts what
/// exists, memory and temporary. Then the parts wait no longer, and their own indices are removed.
/// On any error the parts stay as they are: run it again.
/// Throws Error not_found (parts are missing; it says which), invalid_argument (parts of several
/// inputs or options), already_exists, precondition_failed, corrupt_data, and what stores throw.
/// Memory: the manifests of all parts, the rows of bins, `memory` / 16 for IDs.
[[nodiscard]] ConvertReport commit_parts(const std::shared_ptr<storage::Storage>& target,
                                         const ConvertOptions& options, const Context& context);

}  // namespace cnf::vcfs3
