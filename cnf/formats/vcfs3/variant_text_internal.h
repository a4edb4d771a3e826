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
/// A field of a cell by its place; nullopt if the cell ends before it. Inline: it is asked of every
/// sample, mostly for the first field, which is short.
[[nodiscard]] inline std::optional<std::string_view> cell_field(std::string_view cell,
                                                                std::size_t place) noexcept {
  for (; place > 0; --place) {
    const std::size_t colon = cell.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    cell.remove_prefix(colon + 1);
  }
  std::size_t size = 0;
  while (size < cell.size() && cell[size] != ':') ++size;
  return cell.substr(0, size);
}

/// The alleles of a genotype as most are, "0|1": of two digits; nullopt of any other. What the
/// GenotypeReader says, at once.
struct DigitPair {
  std::int32_t first = 0, second = 0;
};
[[nodiscard]] inline std::optional<DigitPair> read_digit_pair(std::string_view text) noexcept {
  if (text.size() != 3 || (text[1] != '|' && text[1] != '/')) return std::nullopt;
  const DigitPair pair{text[0] - '0', text[2] - '0'};
  const auto is_digit = [](std::int32_t d) { return d >= 0 && d <= 9; };
  if (!is_digit(pair.first) || !is_digit(pair.second)) return std::nullopt;
  return pair;
}

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
