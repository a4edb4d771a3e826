// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/variant_text_internal.h"

namespace cnf::vcfs3 {
namespace {

char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, [](char x, char y) { return upper(x) == upper(y); });
}

std::optional<std::int32_t> read_integer(std::string_view text) noexcept {
  // BCF keeps the eight least numbers for itself (VCF 4.3, section 6.3.3).
  constexpr std::int64_t kLeast = -2147483640;
  constexpr std::int64_t kGreatest = 2147483647;
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || value < kLeast || value > kGreatest) return std::nullopt;
  // Zones read "9e-3" as what it is; bcftools would take it for 9, outside of them.
  if (end - stop > 1 && (*stop == 'e' || *stop == 'E') && stop[1] == '-') return std::nullopt;
  return static_cast<std::int32_t>(value);
}

std::optional<float> read_float(std::string_view text) {
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) {
    value = std::strtod(std::string(text).c_str(), nullptr);  // 0 or infinity
  } else if (error != std::errc()) {
    return std::nullopt;
  }
  return static_cast<float>(value);
}

std::size_t count_alts(std::string_view alt) noexcept {
  if (alt == ".") return 0;
  return 1 + static_cast<std::size_t>(std::count(alt.begin(), alt.end(), ','));
}

std::optional<std::size_t> find_format(std::string_view format, std::string_view key) noexcept {
  ListReader keys(format, ':');
  std::string_view item;
  for (std::size_t place = 0; keys.next(item); ++place) {
    if (item == key) return place;
  }
  return std::nullopt;
}

bool GenotypeReader::next(std::int32_t& allele, bool& phased) noexcept {
  phased = false;
  if (rest_.empty()) return false;
  if (rest_[0] == '/' || rest_[0] == '|') {
    // VCF 4.4 allows one before the first allele; then it says nothing about a neighbour.
    phased = started_ && rest_[0] == '|';
    rest_.remove_prefix(1);
  }
  started_ = true;
  std::size_t end = 0;
  while (end < rest_.size() && rest_[end] != '/' && rest_[end] != '|') ++end;
  if (end == 1 && rest_[0] >= '0' && rest_[0] <= '9') {
    allele = rest_[0] - '0';
  } else {
    allele = kMissing;
    const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + end, allele);
    if (error != std::errc() || allele < 0) allele = kMissing;
  }
  rest_.remove_prefix(end);
  return true;
}

bool count_genotype_alleles(const Variant& variant, std::vector<std::int64_t>& counts) {
  counts.assign(count_alts(variant.site.alt) + 1, 0);
  const auto place = find_format(variant.site.format, "GT");
  if (!place) return false;
  for (const std::string_view cell : variant.cells) {
    const auto text = cell_field(cell, *place);
    if (!text) continue;
    const auto count = [&counts](std::int32_t allele) {
      if (allele != GenotypeReader::kMissing && static_cast<std::size_t>(allele) < counts.size())
        ++counts[static_cast<std::size_t>(allele)];
    };
    if (const auto pair = read_digit_pair(*text)) {
      count(pair->first);
      count(pair->second);
      continue;
    }
    GenotypeReader genotype(*text);
    std::int32_t allele = 0;
    bool phased = false;
    while (genotype.next(allele, phased)) count(allele);
  }
  return true;
}

bool count_alleles(const Variant& variant, std::vector<std::int64_t>& counts) {
  const InfoValue ac = find_info(variant.site.info, "AC");
  const InfoValue an = find_info(variant.site.info, "AN");
  const auto total = an.is_flag ? std::nullopt : read_integer(an.value);
  if (!ac.found || ac.is_flag || !an.found || !total || *total < 0)
    return count_genotype_alleles(variant, counts);
  counts.assign(count_alts(variant.site.alt) + 1, 0);
  std::size_t read = 0;
  counts[0] = *total;
  ListReader list(ac.value);
  std::string_view item;
  bool fits = true;
  while (fits && list.next(item)) {
    const auto count = read_integer(item);
    fits = ++read < counts.size() && count.has_value();
    if (!fits) break;
    counts[read] = *count;
    counts[0] -= *count;
  }
  fits = fits && read + 1 == counts.size() && counts[0] >= 0;
  if (!fits) counts.assign(counts.size(), 0);
  return fits;
}

}  // namespace cnf::vcfs3
