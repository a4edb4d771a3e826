// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "cnf/formats/bams3/core_columns.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {

/// What records have that no rule gives: rare, and exact all the same.
struct Exceptions {
  /// Records [first, first + count) that all have this bin, where the rule gives another to some.
  struct BinRun {
    std::size_t first = 0;
    std::size_t count = 0;
    std::uint16_t bin = 0;
  };
  std::vector<BinRun> bins;
  std::map<std::size_t, Buffer> names;  ///< Name fields that are not text and one NUL.
  std::map<std::size_t, std::uint8_t>
      padding;  ///< The spare nibble behind an odd number of bases, if not 0.

  [[nodiscard]] bool has_name(std::size_t record) const { return names.contains(record); }
};

/// The bin that the rule gives a record (SAMv1, section 4.2.1; htslib's bam_reg2bin).
[[nodiscard]] std::uint16_t expected_bin(const CoreColumns& core, std::size_t record) noexcept;

[[nodiscard]] Exceptions find_exceptions(const RecordBatch& batch, const CoreColumns& core);
void encode_exceptions(const Exceptions& exceptions, StreamWriter& out);
[[nodiscard]] Exceptions decode_exceptions(const StreamReader& in);

}  // namespace cnf::bams3
