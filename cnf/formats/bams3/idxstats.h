// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cnf/core/util/context.h"
#include "cnf/formats/bams3/dataset.h"
#include "cnf/formats/bams3/header.h"

namespace cnf::bams3 {

/// Records of a reference, as samtools idxstats counts them.
struct ReferenceCounts {
  std::uint64_t mapped = 0;
  std::uint64_t unmapped = 0;  ///< Placed on the reference, but flagged 0x4.
};
struct Idxstats {
  std::vector<ReferenceCounts> references;  ///< One per reference of the header.
  std::uint64_t unplaced = 0;               ///< Records without a reference.

  /// The text that samtools 1.16 idxstats prints.
  [[nodiscard]] std::string text(const Header& header) const;
};

/// Counts the records of each reference. Reads the index's leaves; where the dataset is not in
/// coordinate order, the core streams of every group.
[[nodiscard]] Idxstats count_by_reference(const Dataset& dataset, const Context& context);

}  // namespace cnf::bams3
