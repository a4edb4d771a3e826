// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "cnf/cli/bams3.h"
#include "cnf/cli/formats.h"
#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/core/query/dataset.h"
#include "cnf/formats/bams3/dataset.h"
#include "cnf/formats/bams3/validate.h"

namespace cnf::cli {

std::vector<query::Finding> validate_bams3(const query::Dataset& dataset, Depth depth,
                                           Session& session) {
  return findings_of([&](const bams3::Complaint& complain) {
    const bams3::Dataset opened = bams3::Dataset::open(dataset.root, session.context());
    bams3::validate(opened, depth == Depth::deep ? bams3::Depth::records : bams3::Depth::counts,
                    complain, executor_options(session), session.context());
  });
}

}  // namespace cnf::cli
