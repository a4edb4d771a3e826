// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/site.h"

namespace cnf::vcfs3 {

/// One cohort's record of a site: its columns, and its sample columns with the tabs between them.
struct CohortRecord {
  Site site;
  std::string_view cells;  ///< Empty without samples.
};

/// Takes a line of VCF apart, without its end; views into it. Throws Error unsupported, naming
/// `subject` and the line's beginning, unless it has nine columns and more (eight if there are no
/// samples), and a POS.
[[nodiscard]] CohortRecord split_record(std::string_view line, std::size_t samples,
                                        std::string_view subject);

/// Joins the records that several cohorts have of one site into one line of all their samples.
///
/// ID, QUAL, FILTER and INFO are those of the first cohort that has the record; an ID "." gives way
/// to the next one's. FORMAT has the keys of the first, then those that others add; where a cohort
/// lacks a key its cells have "." there, and where it lacks the record "./." (without GT "."), as
/// bcftools merge writes them. Trailing "." of a cell that was written anew are dropped.
/// Immutable. Threads: concurrent use is fine.
class RecordJoiner {
 public:
  /// \param samples  of each cohort, in the order of the columns to be.
  explicit RecordJoiner(std::vector<std::size_t> samples) : samples_(std::move(samples)) {}

  /// Appends the line, without an end. \param records  one per cohort; nullptr where it has none,
  /// but not all.
  void append(std::string_view contig, std::span<const CohortRecord* const> records,
              Buffer& out) const;

 private:
  std::vector<std::size_t> samples_;
};

}  // namespace cnf::vcfs3
