// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/source.h"

namespace cnf::bams3 {

/// Where a record belongs in coordinate order, as samtools 1.16 sorts: reference (none: last),
/// position as an unsigned number, strand. Comparing keys compares records.
[[nodiscard]] std::uint64_t coordinate_key(RecordView record) noexcept;
/// The key without the strand: order by this is what a file needs to count as coordinate-sorted.
[[nodiscard]] constexpr std::uint64_t place_of(std::uint64_t key) noexcept { return key >> 1U; }
[[nodiscard]] constexpr bool is_reverse_key(std::uint64_t key) noexcept { return (key & 1U) != 0; }

/// Names as `samtools sort -n` compares them: digits by their value and, where that is equal, more
/// leading zeros first; all else by its bytes. Below, at or above 0.
[[nodiscard]] int compare_names(std::string_view a, std::string_view b) noexcept;

/// A record and what is known of its place. The record must outlive it.
struct Ranked {
  RecordView record;
  std::uint64_t key = 0;  ///< coordinate_key, in coordinate order; else 0.
};

/// The comparison behind an Order that is not Order::keep. Ties are the caller's to break by input
/// order. Threads: every member may be called concurrently.
class Comparison {
 public:
  explicit Comparison(Order order) noexcept : by_name_(order == Order::name) {}

  [[nodiscard]] bool by_name() const noexcept { return by_name_; }
  [[nodiscard]] Ranked rank(RecordView record) const noexcept {
    return {.record = record, .key = by_name_ ? 0 : coordinate_key(record)};
  }
  [[nodiscard]] int compare(const Ranked& a, const Ranked& b) const noexcept {
    if (by_name_) return compare_by_name(a.record, b.record);
    return a.key < b.key ? -1 : static_cast<int>(a.key > b.key);
  }
  /// Whether `b` may stand behind `a` in an input that is left alone.
  [[nodiscard]] bool in_place(const Ranked& a, const Ranked& b) const noexcept {
    return by_name_ ? compare(a, b) <= 0 : place_of(a.key) <= place_of(b.key);
  }

 private:
  [[nodiscard]] static int compare_by_name(RecordView a, RecordView b) noexcept;

  bool by_name_;
};

}  // namespace cnf::bams3
