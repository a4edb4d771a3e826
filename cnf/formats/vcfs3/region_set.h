// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/index/interval.h"

namespace cnf::vcfs3 {

/// All of a contig, a telomere (POS 0) included.
inline constexpr std::int64_t kContigStart = -1;
inline constexpr std::int64_t kContigEnd = std::numeric_limits<std::int64_t>::max();

/// Reads regions as bcftools -r does: "chr1", "chr1:1000" (that position), "chr1:1000-" (to the
/// end), "chr1:1000-2000" (1-based, inclusive), separated by commas; "{HLA-A*01:01}:1-9" where a
/// name has colons or commas.
/// Throws Error not_found (no such contig) or invalid_argument (not a region).
[[nodiscard]] std::vector<index::Interval> parse_regions(std::string_view text,
                                                         std::span<const std::string> contigs);

/// Reads the lines of a file of regions as bcftools -R does: BED (0-based half-open) if `is_bed`,
/// else name, position and perhaps last position, 1-based and inclusive. Lines that begin with '#',
/// "track" or "browser" are passed over, and so are contigs that are not there.
/// Throws Error corrupt_data naming `subject` and the line.
[[nodiscard]] std::vector<index::Interval> read_regions(std::string_view text, bool is_bed,
                                                        std::span<const std::string> contigs,
                                                        std::string_view subject);

/// Intervals, merged within each contig. Immutable.
class RegionSet {
 public:
  explicit RegionSet(const std::vector<index::Interval>& intervals);

  /// True if [start, end) overlaps any; an empty one counts as its position.
  [[nodiscard]] bool overlaps(std::uint32_t contig, std::int64_t start,
                              std::int64_t end) const noexcept;
  /// Contigs are told in the order in which they are first asked for: the place of one of them.
  [[nodiscard]] std::size_t rank(std::uint32_t contig) const noexcept;
  /// The merged intervals.
  [[nodiscard]] const std::vector<index::Interval>& intervals() const noexcept { return merged_; }

 private:
  std::vector<index::Interval> merged_;  // ascending
  std::vector<std::uint32_t> order_;     // contigs as they were first named
};

}  // namespace cnf::vcfs3
