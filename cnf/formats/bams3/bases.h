// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cnf/formats/bams3/consensus.h"
#include "cnf/formats/bams3/core_columns.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {

/// Every base of a group's records, one nibble a byte, record after record.
struct Bases {
  std::vector<std::uint8_t> nibbles;
  std::vector<std::uint64_t> starts;  ///< Of each record, and the end.

  [[nodiscard]] std::span<const std::uint8_t> of(std::size_t record) const noexcept {
    return std::span(nibbles).subspan(starts[record], starts[record + 1] - starts[record]);
  }
};
[[nodiscard]] Bases unpack_bases(const RecordBatch& batch);
/// Two nibbles a byte, high first; the spare one of an odd number is 0.
void pack_bases(std::span<const std::uint8_t> nibbles, MutableByteSpan out) noexcept;

/// Makes the consensus of a group from its records' MD tags, else by majority.
[[nodiscard]] Consensus make_consensus(const RecordBatch& batch, const CoreColumns& core,
                                       const Bases& bases);

/// Aligned bases become differences from the consensus; all others two bits each.
void encode_bases(const CoreColumns& core, const Bases& bases, const Consensus& consensus,
                  StreamWriter& out);
/// Throws Error corrupt_data.
[[nodiscard]] Bases decode_bases(const CoreColumns& core, const Consensus& consensus,
                                 const StreamReader& in);

}  // namespace cnf::bams3
