// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "cnf/core/query/zones.h"
#include "cnf/formats/vcfs3/site.h"

namespace cnf::vcfs3 {

/// Core's notion, so that zones of every format mean the same (cnf/core/query/zones.h).
using query::Zone;

/// What the index tells of the records of a page, so that a filter need not read it.
///
/// A zone covers every number that stands in the field, of all values of all records; what is no
/// number (".", text) is in none. NaN makes a zone everything.
struct PageZones {
  Zone qual = {};
  Zone alts = {};               ///< Number of ALT alleles; 0 for ".".
  std::vector<Zone> info = {};  ///< One per key of the dataset's zone keys, in their order.
  bool operator==(const PageZones&) const = default;
};

/// INFO keys with zones: the first of the header's numeric ones, at most kMaxZoneKeys.
inline constexpr std::size_t kMaxZoneKeys = 24;

/// A raw record makes every zone everything.
[[nodiscard]] PageZones zones_of(std::span<const Site> sites, std::span<const std::string> keys);

}  // namespace cnf::vcfs3
