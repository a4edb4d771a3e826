// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "cnf/cli/formats.h"
#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/cli/vcfs3.h"
#include "cnf/core/query/dataset.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/validate.h"

namespace cnf::cli {

std::vector<query::Finding> validate_vcfs3(const query::Dataset& dataset, Depth depth,
                                           Session& session) {
  return findings_of([&](const vcfs3::Complaint& complain) {
    const vcfs3::Dataset opened = vcfs3::Dataset::open(dataset.root, session.context());
    vcfs3::validate(opened, depth == Depth::deep ? vcfs3::Depth::text : vcfs3::Depth::sites,
                    complain, executor_options(session), session.context());
  });
}

}  // namespace cnf::cli
