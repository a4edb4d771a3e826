// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/query/executor.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/bcf_header.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/view.h"

namespace cnf::vcfs3 {

/// "\n" or "\r\n", as the source had it.
[[nodiscard]] std::string_view line_end(const Dataset& dataset) noexcept;

/// The header of an answer: the dataset's own bytes, with the #CHROM line of the samples asked for;
/// without FORMAT and samples if there are none left (-G).
[[nodiscard]] std::string answer_header(const Dataset& dataset, const ViewQuery& query,
                                        bool with_samples, const Context& context);

/// Keys that records of the answer have and its header lacks, by kind and name, each once. What
/// BCF must have in its header before the first record. Contigs are known without a look; for the
/// other keys the records' site columns are read once: of all records in the query's place, or
/// of just those that it selects if it has a limit.
[[nodiscard]] std::vector<std::pair<Definition, std::string>> undefined_keys(
    const Dataset& dataset, const ViewQuery& query, const std::string& header,
    const query::ExecutorOptions& options, const Context& context);

}  // namespace cnf::vcfs3
