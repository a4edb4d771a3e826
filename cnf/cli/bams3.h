// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cnf/cli/formats.h"
#include "cnf/cli/session.h"
#include "cnf/core/query/dataset.h"
#include "cnf/formats/bams3/dataset.h"

namespace cnf::cli {

class Verb;

// The verbs of `cnf bams3`, each in the file of its name.
void add_bams3_convert(Verb& bams3);
void add_bams3_export(Verb& bams3);
void add_bams3_stats(Verb& bams3);  // flagstat, idxstats
void add_bams3_view(Verb& bams3);

/// Opens the BAMS3 dataset at `uri`.
[[nodiscard]] bams3::Dataset open_bams3(Session& session, const std::string& uri);

/// What `cnf validate` asks of BAMS3 beyond what it asks of all datasets; see FormatChecks.
[[nodiscard]] std::vector<query::Finding> validate_bams3(const query::Dataset& dataset, Depth depth,
                                                         Session& session);

}  // namespace cnf::cli
