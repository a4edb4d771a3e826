// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cnf/core/util/context.h"
#include "cnf/em/source.h"

namespace cnf::cryoem {

/// Opens whatever can be imported: a file of the field (em::open_source), or a Zarr image or array
/// of version 2 or 3 where no object of that name lies. Throws as both do.
[[nodiscard]] std::unique_ptr<em::Source> open_input(const std::string& uri,
                                                     const em::SourceOptions& options = {},
                                                     const Context& context = {});

}  // namespace cnf::cryoem
