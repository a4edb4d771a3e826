// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace cnf::vcfs3 {

/// The columns of a record that are not about samples, as texts of the VCF line, exactly.
///
/// Views; whoever gives one says how long they live. A record that no rule fits (a wrong number of
/// columns, a POS that is no canonical integer, a carriage return, a blank line) is kept whole in
/// `raw`: then only `pos` means something besides it (where it is filed), and it has no genotypes.
struct Site {
  std::int64_t pos = 0;  ///< 0-based: the text's POS - 1; so -1 for POS=0 (a telomere).
  std::string_view id = {};
  std::string_view ref = {};
  std::string_view alt = {};
  std::string_view qual = {};
  std::string_view filter = {};
  std::string_view info = {};
  std::string_view format = {};  ///< Empty where the file has no FORMAT column.
  /// The whole line of an `is_raw` record, without its end; with it where lines of the file end in
  /// CR LF and this one in LF (append_line knows).
  std::string_view raw = {};
  bool is_raw = false;

  /// True if cells begin with a genotype: FORMAT is "GT" or begins with "GT:".
  [[nodiscard]] bool has_genotypes() const noexcept {
    return format.starts_with("GT") && (format.size() == 2 || format[2] == ':');
  }
};

/// The first position behind the record, 0-based exclusive, as bcftools -r has it: INFO/END if it
/// is there and not before POS, else POS plus the length of REF.
[[nodiscard]] std::int64_t end_of(const Site& site) noexcept;

/// The value of an INFO key ("" for a flag), the first if it is there twice; `found` says whether.
struct InfoValue {
  std::string_view value = {};
  bool found = false;
  bool is_flag = false;  ///< No '=' behind the key.
};
[[nodiscard]] InfoValue find_info(std::string_view info, std::string_view key) noexcept;

}  // namespace cnf::vcfs3
