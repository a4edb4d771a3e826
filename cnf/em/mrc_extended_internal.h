// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/em/mrc.h"

namespace cnf::em {

/// What an extended header says, as far as it is understood; one that is not understood says
/// nothing, for it is kept as it is anyway.
struct MrcExtended {
  nlohmann::json fields = nlohmann::json::object();  ///< For people.
  std::vector<double> tilts;  ///< Degrees, one a section; empty if it does not tell.
  double pixel = 0;           ///< Å; 0 if it does not tell.
};

/// `file` has at least the two headers. Its work is bounded by the extended header's size.
[[nodiscard]] MrcExtended parse_mrc_extended(const MrcHeader& header, ByteSpan file);

/// The main header for people, by the specification's names.
[[nodiscard]] nlohmann::json mrc_fields(const MrcHeader& header);

}  // namespace cnf::em
