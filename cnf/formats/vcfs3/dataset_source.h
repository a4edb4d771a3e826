// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "cnf/core/query/executor.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/source.h"

namespace cnf::vcfs3 {

/// A dataset as the file that it was made of, to be converted anew: into another grid, with another
/// effort. Records, raw ones and what a BCF's floats need included, come as they came.
/// Throws what reading the dataset throws.
[[nodiscard]] std::unique_ptr<Source> open_dataset_source(Dataset dataset,
                                                          const query::ExecutorOptions& options,
                                                          const Context& context);

}  // namespace cnf::vcfs3
