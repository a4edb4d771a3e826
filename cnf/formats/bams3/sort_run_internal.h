// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/sort_order_internal.h"
#include "cnf/hts/spill_file.h"

namespace cnf::bams3 {

/// Sorted records that are read one by one. Threads: one at a time.
class Cursor {
 public:
  virtual ~Cursor() = default;
  /// The next record, valid until the call after; nullopt at the end.
  [[nodiscard]] virtual std::optional<Ranked> next() = 0;
};

/// Some records in one stretch of a SpillFile, in the order they were written.
struct Run {
  std::uint64_t begin = 0, end = 0;
  /// False if only their places ascend, not their strands: then it is two runs in one, of forward
  /// and of reverse records.
  bool sorted = true;
};

class RunWriter {
 public:
  RunWriter(hts::SpillFile& file, std::size_t block_bytes);
  void add(RecordView record);
  [[nodiscard]] Run finish(bool sorted);

 private:
  hts::SpillFile& file_;
  const std::size_t block_bytes_;
  const std::uint64_t begin_;
  RecordBatch block_;
};

/// Which records of a run a cursor gives.
enum class Strands : std::uint8_t { both, forward, reverse };

/// Holds one decompressed block. `file` must outlive it.
[[nodiscard]] std::unique_ptr<Cursor> read_run(hts::SpillFile& file, const Run& run,
                                               Strands strands, const Comparison& comparison);

}  // namespace cnf::bams3
