// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {

/// What the core streams of a group say, by column: enough to count, filter and walk alignments.
struct CoreColumns {
  std::vector<std::int32_t> ref;
  std::vector<std::int32_t> pos;  ///< 0-based; -1: none.
  std::vector<std::uint16_t> flag;
  std::vector<std::uint8_t> mapq;
  std::vector<std::uint32_t> length;     ///< Bases.
  std::vector<std::uint32_t> cigar_ids;  ///< Which of the distinct CIGARs each record has.
  std::vector<std::uint32_t>
      cigar_starts;  ///< Of each distinct CIGAR in `cigar_elements`, and the end.
  std::vector<std::uint32_t> cigar_elements;
  std::vector<std::int64_t> cigar_spans;  ///< Reference bases that each distinct CIGAR covers.

  [[nodiscard]] std::size_t size() const noexcept { return ref.size(); }
  [[nodiscard]] std::span<const std::uint32_t> cigar(std::size_t record) const noexcept {
    const std::uint32_t id = cigar_ids[record];
    return std::span(cigar_elements)
        .subspan(cigar_starts[id], cigar_starts[id + 1] - cigar_starts[id]);
  }
  /// Exclusive end on the reference, as RecordView::end().
  [[nodiscard]] std::int64_t end(std::size_t record) const noexcept {
    const std::int64_t span = (flag[record] & flag::kUnmapped) ? 0 : cigar_spans[cigar_ids[record]];
    return std::int64_t{pos[record]} + (span > 0 ? span : 1);
  }
};

/// The columns of a batch. Distinct CIGARs are numbered by first appearance.
[[nodiscard]] CoreColumns core_columns(const RecordBatch& batch);

void encode_core(const CoreColumns& columns, StreamWriter& out);
/// Throws Error corrupt_data: every id, count and length is bounded.
[[nodiscard]] CoreColumns decode_core(const StreamReader& in);

}  // namespace cnf::bams3
