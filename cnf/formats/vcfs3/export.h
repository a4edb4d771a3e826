// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cnf/core/query/executor.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/sink.h"

namespace cnf::vcfs3 {

struct ExportOptions {
  int level = 6;  ///< Of BGZF.
  query::ExecutorOptions executor = {};
  Progress* progress = nullptr;
};

/// Writes all of a dataset as a file: as VCF exactly the bytes that were converted (decompressed),
/// held against the manifest's SHA-256; as BCF the same records.
/// Returns the number of records. Throws Error corrupt_data before `out` has got the file's end.
std::uint64_t export_dataset(const Dataset& dataset, FileFormat format, ByteSink out,
                             const ExportOptions& options, const Context& context);

}  // namespace cnf::vcfs3
