// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {

/// Reads texts of a record as htslib 1.16 reads them into BCF, since bcftools' filters see no more.

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// A leading integer ("3.01" is 3, "1e3" is 1); nullopt if there is none or if BCF cannot hold it.
[[nodiscard]] std::optional<std::int32_t> read_integer(std::string_view text) noexcept;
/// A leading decimal number, "inf" or "nan", in single precision; nullopt if there is none.
[[nodiscard]] std::optional<float> read_float(std::string_view text);

/// Takes the next item off a list: "a,b" gives "a" and leaves "b". False once the list is used up;
/// the empty list has one empty item.
class ListReader {
 public:
  explicit ListReader(std::string_view list, char separator = ',') noexcept
      : rest_(list), separator_(separator) {}
  [[nodiscard]] bool next(std::string_view& item) noexcept {
    if (done_) return false;
    const std::size_t end = rest_.find(separator_);
    done_ = end == std::string_view::npos;
    item = rest_.substr(0, end);
    if (!done_) rest_.remove_prefix(end + 1);
    return true;
  }

 private:
  std::string_view rest_;
  char separator_;
  bool done_ = false;
};

/// Number of ALT alleles; 0 for ".".
[[nodiscard]] std::size_t count_alts(std::string_view alt) noexcept;

/// Which place a key has in FORMAT; nullopt if it has none.
[[nodiscard]] std::optional<std::size_t> find_format(std::string_view format,
                                                     std::string_view key) noexcept;
/// A field of a cell by its place; nullopt if the cell ends before it.
[[nodiscard]] std::optional<std::string_view> cell_field(std::string_view cell,
                                                         std::size_t place) noexcept;

/// The alleles of a genotype's text, one after the other. What is no number reads as missing.
class GenotypeReader {
 public:
  static constexpr std::int32_t kMissing = -1;
  explicit GenotypeReader(std::string_view text) noexcept : rest_(text) {}
  /// False after the last one. `phased`: a '|' stands before it.
  [[nodiscard]] bool next(std::int32_t& allele, bool& phased) noexcept;

 private:
  std::string_view rest_;
  bool started_ = false;
};

/// The alleles that GT names: counts[0] for REF, [i] for the i-th ALT. False, and all counts 0, if
/// the record has no GT. An allele that is not there counts for nothing.
[[nodiscard]] bool count_genotype_alleles(const Variant& variant,
                                          std::vector<std::int64_t>& counts);
/// The same from INFO/AC and INFO/AN if the record has both, else from GT. False, and all counts 0,
/// if AC has not one number per ALT or more than AN together.
[[nodiscard]] bool count_alleles(const Variant& variant, std::vector<std::int64_t>& counts);

}  // namespace cnf::vcfs3
