// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/sort_order_internal.h"
#include "cnf/formats/bams3/sort_run_internal.h"

namespace cnf::bams3 {

/// Some records in memory, sorted on demand: small enough that sorting one takes a moment, so that
/// a sort of many can be stopped in between.
class SortBlock {
 public:
  SortBlock(const Comparison& comparison, std::size_t bytes) : comparison_(comparison) {
    batch_.reserve(bytes);
  }

  /// Where a source appends records; follow each with note().
  [[nodiscard]] RecordBatch& batch() noexcept { return batch_; }
  /// Takes note of the record appended last and returns its rank.
  Ranked note();
  [[nodiscard]] std::size_t size() const noexcept { return batch_.size(); }
  /// Bytes of memory that records and what is known of them take.
  [[nodiscard]] std::size_t bytes() const noexcept;

  /// The order of input gives way to the comparison's; records that compare equal keep it.
  void sort();
  [[nodiscard]] Ranked at(std::size_t index) const noexcept;

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t index = 0;  // in batch_
  };

  Comparison comparison_;
  RecordBatch batch_;
  std::vector<Entry> entries_;
};

/// The records of a block in its order. The block must outlive it.
[[nodiscard]] std::unique_ptr<Cursor> read_block(const SortBlock& block);

/// Cursors one after another. Each is opened when the one before has ended, and closed at its end.
[[nodiscard]] std::unique_ptr<Cursor> concatenate(
    std::vector<std::function<std::unique_ptr<Cursor>()>> open);

/// Sorted cursors merged; of records that compare equal, the earlier cursor's come first.
[[nodiscard]] std::unique_ptr<Cursor> merge(std::vector<std::unique_ptr<Cursor>> cursors,
                                            const Comparison& comparison);

}  // namespace cnf::bams3
