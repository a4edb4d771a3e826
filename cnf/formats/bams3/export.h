// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "cnf/core/query/executor.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"
#include "cnf/formats/bams3/dataset.h"
#include "cnf/formats/bams3/sink.h"

namespace cnf::bams3 {

/// Writes all of a dataset as an alignment file: the header's bytes and every record, exactly, in
/// the dataset's order. For BAM and CRAM the records are held against the manifest's SHA-256.
/// Returns the number of records. Throws Error corrupt_data before `out` has got the file's end.
std::uint64_t export_dataset(const Dataset& dataset, FileFormat format, ByteSink out,
                             const SinkOptions& sink_options, const query::ExecutorOptions& options,
                             const Context& context, Progress* progress = nullptr);

}  // namespace cnf::bams3
