// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "cnf/formats/bams3/core_columns.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {

/// Where each record's mate is, and the three fields that say so.
///
/// Two primary records of one name that point at each other are linked: the first says how far down
/// the group its mate lies, and RNEXT, PNEXT, TLEN and the second name follow from the two.
struct MateColumns {
  std::vector<std::int32_t> next_ref;
  std::vector<std::int32_t> next_pos;
  std::vector<std::int32_t> tlen;
  std::vector<std::int32_t> link;  ///< Record number of the linked mate; -1: not linked.

  /// True if the record's name is its linked mate's, which lies above it.
  [[nodiscard]] bool shares_name(std::size_t record) const noexcept {
    return link[record] >= 0 && static_cast<std::size_t>(link[record]) < record;
  }
};

[[nodiscard]] MateColumns mate_columns(const RecordBatch& batch, const CoreColumns& core);
void encode_mates(const MateColumns& mates, const CoreColumns& core, StreamWriter& out);
/// Throws Error corrupt_data.
[[nodiscard]] MateColumns decode_mates(const CoreColumns& core, const StreamReader& in);

}  // namespace cnf::bams3
