// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "cnf/cli/session.h"
#include "cnf/core/query/dataset.h"

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

/// The formats of this program.
[[nodiscard]] std::span<const FormatChecks> format_checks();

}  // namespace cnf::cli
