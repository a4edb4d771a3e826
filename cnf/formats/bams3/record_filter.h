// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "cnf/formats/bams3/hts_record.h"
#include "cnf/formats/bams3/record.h"

namespace cnf::bams3 {

/// What a query asks of names and tags; the meaning of each is samtools view's.
struct RecordConditions {
  std::vector<std::string> read_groups = {};   ///< -r: RG is one of these, or there is no RG.
  std::string tag = {};                        ///< -d: this tag is there …
  std::vector<std::string> tag_values = {};    ///< … with one of these values, if any are given.
  std::unordered_set<std::string> names = {};  ///< -N: the name is one of these, if any are given.
  std::string expression = {};                 ///< -e: samtools' filter expression.

  [[nodiscard]] bool empty() const noexcept {
    return read_groups.empty() && tag.empty() && names.empty() && expression.empty();
  }
  /// Throws Error invalid_argument if the tag or the expression is not well-formed.
  void check() const;
};

/// Reads flags as samtools does: a number (decimal, 0x…, 0…) or names: "PAIRED,READ1".
/// Throws Error invalid_argument.
[[nodiscard]] std::uint16_t parse_flags(const std::string& text);

/// Holds records against the conditions. Threads: one at a time; make one per thread.
class RecordFilter {
 public:
  RecordFilter(const RecordConditions& conditions, const sam_hdr_t& header);
  ~RecordFilter();
  RecordFilter(RecordFilter&&) = delete;

  /// \param record  the same record as htslib has it, for the expression.
  [[nodiscard]] bool matches(RecordView view, const bam1_t& record);

 private:
  friend struct RecordConditions;
  struct Expression;
  const RecordConditions& conditions_;
  const sam_hdr_t& header_;
  std::unique_ptr<Expression> expression_;
};

}  // namespace cnf::bams3
