// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <istream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cnf::hts {

/// Finds sequences (references, contigs) by name; of equal names the first counts.
class SequenceNames {
 public:
  SequenceNames() = default;
  /// Gives the name the next number, from 0.
  void add(std::string name);
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view name) const;

 private:
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::uint32_t next_ = 0;
};

/// A stretch of a reference, 0-based half-open; or the records without a reference, or everything.
struct Region {
  enum class Kind : std::uint8_t { interval, unplaced, everything };
  Kind kind = Kind::interval;
  std::uint32_t ref = 0;
  std::int64_t start = 0;
  std::int64_t end = std::numeric_limits<std::int64_t>::max();
};

/// Reads a region as samtools does: "chr1", "chr1:1,000-2,000" (1-based, inclusive), "chr1:1000",
/// "chr1:-500", "{HLA-A*01:01}:1-9", "*" (unplaced), "." (everything).
/// Throws Error not_found (no such reference), invalid_argument (not a region, or ambiguous).
[[nodiscard]] Region parse_region(std::string_view text, const SequenceNames& names);

/// Intervals of a BED file. Immutable after load. Threads: concurrent use is fine.
class Bed {
 public:
  /// Reads BED lines as samtools view -L does: name, start, end, 0-based half-open; a line of a
  /// name and one number is that position, 1-based; a name alone is all of it; track, browser and #
  /// lines are passed over. References that the header lacks are too. Throws Error corrupt_data,
  /// naming `subject` and the line.
  [[nodiscard]] static Bed load(std::istream& in, const SequenceNames& names,
                                std::string_view subject);

  /// True if [start, end) of a reference overlaps an interval.
  [[nodiscard]] bool overlaps(std::uint32_t ref, std::int64_t start,
                              std::int64_t end) const noexcept;
  [[nodiscard]] bool empty() const noexcept { return by_ref_.empty(); }
  /// The intervals, merged, by reference and start.
  [[nodiscard]] std::vector<Region> regions() const;

 private:
  struct Interval {
    std::int64_t start;
    std::int64_t end;
  };
  std::vector<std::vector<Interval>> by_ref_;  // merged, ascending
};

}  // namespace cnf::hts
