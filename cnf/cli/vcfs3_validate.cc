// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include "cnf/cli/formats.h"
#include "cnf/cli/queries.h"
#include "cnf/cli/session.h"
#include "cnf/cli/vcfs3.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/validate.h"

namespace cnf::cli {

std::vector<query::Finding> validate_vcfs3(const query::Dataset& dataset, Depth depth,
                                           Session& session) {
  std::vector<query::Finding> findings;
  const auto complain = [&findings](const std::string& object, const std::string& what) {
    findings.push_back({query::Finding::Severity::error, object, what});
  };
  try {
    const vcfs3::Dataset opened = vcfs3::Dataset::open(dataset.root, session.context());
    vcfs3::validate(opened, depth == Depth::deep ? vcfs3::Depth::text : vcfs3::Depth::sites,
                    complain, executor_options(session), session.context());
  } catch (const Error& error) {
    if (error.code() != Errc::corrupt_data && error.code() != Errc::not_found) throw;
    complain(std::string(metadata::kManifestKey), error.what());
  }
  return findings;
}

}  // namespace cnf::cli
