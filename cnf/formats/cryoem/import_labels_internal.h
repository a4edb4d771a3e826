// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/import.h"

namespace cnf::cryoem {

/// import_source() of labels: into labels/NAME of the dataset at the root, with its levels, by a
/// commit that replaces the manifest. Throws Error not_found without a dataset, invalid_argument
/// for another shape or a name that is none.
[[nodiscard]] ImportReport import_label(const em::Source& source,
                                        const std::shared_ptr<storage::Storage>& root,
                                        const ImportOptions& options, const Context& context);

}  // namespace cnf::cryoem
