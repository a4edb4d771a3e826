// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cnf/core/query/executor.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/source.h"

namespace cnf::vcfs3 {

/// The header of several cohorts side by side: the lines of the first, then those of each other
/// that define what was not defined before, then all samples.
///
/// \param samples  of the merged file. Throws Error corrupt_data if what comes out is no header.
[[nodiscard]] Header merge_headers(std::span<const Header* const> headers,
                                   const std::vector<std::string>& samples);

/// Reads datasets as one file: contig by contig, by position.
///
/// Cohorts of different samples stand side by side: records of one CHROM, POS, REF and ALT join, as
/// RecordJoiner says; nothing is normalised, and sites with other alleles stay records of their
/// own. Datasets of the same samples (in the same order) follow one another: all records of all of
/// them come, by position. Lines end in LF.
/// Memory: options.memory for all of them together.
/// Throws Error invalid_argument (no dataset, samples of which some are in two of them, or in
/// another order), unsupported (records out of order, or kept as lines), and what reading throws.
[[nodiscard]] std::unique_ptr<Source> open_merged(std::vector<Dataset> datasets,
                                                  const query::ExecutorOptions& options,
                                                  const Context& context);

}  // namespace cnf::vcfs3
