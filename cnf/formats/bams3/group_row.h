// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cnf/core/index/interval.h"
#include "cnf/formats/bams3/flagstat.h"
#include "cnf/formats/bams3/group.h"

namespace cnf::bams3 {

/// The sequence under which groups without a reference stand in the index: behind all others.
inline constexpr std::uint32_t kUnplaced = 0xffffffffU;

/// One row of the group index (SPEC.md, "Group index").
///
/// A group has a row per reference in it; what counts for the whole group (bases, flagstat) stands
/// in the first of them, so that sums over rows are right. A long record has a row of its own that
/// counts nothing. In a dataset that is not in coordinate order a group has one row, and its key is
/// (0, group, group + 1).
struct GroupRow {
  index::Interval key;

  // Summed by the index:
  std::uint64_t mapped = 0;    ///< Of this reference.
  std::uint64_t unmapped = 0;  ///< Of this reference, flag 0x4.
  std::uint64_t bases = 0;
  std::uint64_t raw_bytes = 0;
  Flagstat flagstat;

  // Where the group is and what is in it:
  std::uint64_t group = 0;  ///< Its number in the dataset, from 0.
  std::uint64_t chunk = 0;
  std::uint64_t core_offset = 0;
  std::uint64_t core_length = 0;
  std::uint32_t core_crc32c = 0;
  std::uint64_t body_offset = 0;
  std::array<std::uint64_t, kSections> section_lengths{};  ///< Of B's sections; [core] is unused.
  std::uint64_t group_records = 0;                         ///< Of the whole group.
  std::uint64_t group_bytes = 0;                           ///< Raw bytes of the whole group.
  std::uint8_t min_mapq = 0;
  std::uint8_t max_mapq = 0;

  /// Columns that the index sums come first.
  static constexpr std::size_t kSummedColumns = 4 + 2 * Flagstat::kCounters;
  static constexpr std::size_t kColumns = kSummedColumns + 6 + (kSections - 1) + 4;

  [[nodiscard]] std::uint64_t records() const noexcept { return mapped + unmapped; }
  [[nodiscard]] std::uint64_t body_length() const noexcept;
  [[nodiscard]] std::vector<std::uint64_t> columns() const;
  /// Throws Error corrupt_data if values are out of range.
  [[nodiscard]] static GroupRow from(const index::Interval& key,
                                     std::span<const std::uint64_t> columns,
                                     std::string_view subject);
  /// Flagstat counters from the sums of all rows.
  [[nodiscard]] static Flagstat total_flagstat(std::span<const std::uint64_t> sums);
};

/// The rows of an encoded group; where it lies is filled in by whoever wrote it.
/// \param in_order  the dataset is in coordinate order.
[[nodiscard]] std::vector<GroupRow> rows_of(const GroupSummary& summary, std::uint64_t group,
                                            bool in_order);

}  // namespace cnf::bams3
