// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/cli/session.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/util/error.h"

namespace cnf::cli {

/// How much `cnf validate` looks at.
enum class Depth {
  normal,  ///< Decodes everything; counts against the index.
  deep,    ///< And the digests of the records against the manifest's.
};

/// What a format knows of its own datasets beyond what the core knows of all.
struct FormatChecks {
  std::string_view format;  ///< As the manifest spells it: "BAMS3".
  /// Findings besides those of query::validate_objects, which ran before. Damage is a finding, not
  /// an exception. Called by `cnf validate` only.
  std::vector<query::Finding> (*validate)(const query::Dataset& dataset, Depth depth,
                                          Session& session);
};

/// The findings of a format's own validation. \param run  is given what takes a complaint (object,
/// what); damage that it throws is a finding about the manifest, which lies at `manifest`. Throws
/// what is no damage.
template <typename Run>
[[nodiscard]] std::vector<query::Finding> findings_of(
    const Run& run, std::string_view manifest = metadata::kManifestKey) {
  std::vector<query::Finding> findings;
  const auto complain = [&findings](const std::string& object, const std::string& what) {
    findings.push_back({query::Finding::Severity::error, object, what});
  };
  try {
    run(complain);
  } catch (const Error& error) {
    if (error.code() != Errc::corrupt_data && error.code() != Errc::not_found) throw;
    complain(std::string(manifest), error.what());
  }
  return findings;
}

/// The formats of this program.
[[nodiscard]] std::span<const FormatChecks> format_checks();

}  // namespace cnf::cli
