// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/format_columns_internal.h"
#include "cnf/formats/vcfs3/format_features_internal.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::uint32_t kMaxSum = 2'000'000'000;
constexpr std::uint32_t kMaxGap = 99;  // GATK's greatest GQ
constexpr std::uint32_t kNoNumber = ~std::uint32_t{0};

/// Calls `use(cell, symbol)` for element `place` of every field that has it.
template <typename Use>
void each_element(const FieldColumn& column, const std::vector<std::uint32_t>& values,
                  std::size_t place, const Use& use) {
  const std::vector<std::uint32_t>& cells = column.cells;
  if (values.size() == cells.size() && place < kOwnPlaces) {
    for (std::size_t i = 0; i < cells.size(); ++i) use(cells[i], values[i]);
    return;
  }
  for (std::size_t i = 0, at = 0; i < cells.size(); ++i) {
    if (column.arities[i] > place) use(cells[i], values[at++]);
  }
}

}  // namespace

void Feature::encode(ByteWriter& out) const {
  out.put(static_cast<std::uint8_t>(kind));
  out.put_varint(column);
  out.put(static_cast<std::uint8_t>(place));
}

Feature Feature::decode(ByteReader& in) {
  const auto kind = in.get<std::uint8_t>();
  if (kind >= kKinds) in.fail("a context of a kind that is none");
  const std::uint64_t column = in.get_varint();
  if (column > kNoNumber) in.fail("a context of a column that is none");
  return {static_cast<Kind>(kind), static_cast<std::uint32_t>(column), in.get<std::uint8_t>()};
}

std::uint32_t genotype_class(std::string_view text) noexcept {
  constexpr std::uint32_t kMany = 3, kNoAllele = 4, kAbsent = 5;
  std::array<std::uint32_t, 2> alleles = {kAbsent, kAbsent};
  std::size_t count = 0;
  std::uint32_t phased = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '|') phased = 1;
    if (c == '|' || c == '/' || (i > 0 && text[i - 1] >= '0' && text[i - 1] <= '9')) continue;
    const bool single = i + 1 == text.size() || text[i + 1] == '|' || text[i + 1] == '/';
    if (count < 2) {
      alleles[count] = c == '.'                        ? kNoAllele
                       : single && c >= '0' && c < '3' ? std::uint32_t(c - '0')
                                                       : kMany;
    }
    ++count;
  }
  if (alleles[0] > alleles[1]) std::swap(alleles[0], alleles[1]);
  // 6 × 6 pairs in the upper triangle are 21; then phase.
  const std::uint32_t pair = alleles[1] * (alleles[1] + 1) / 2 + alleles[0];
  return count > 2 ? kGenotypeClasses - 1 : 1 + 2 * pair + phased;
}

void Features::set_known(std::uint32_t column, std::size_t places, std::size_t decimals) {
  known_[column] = {.arities = true, .places = places, .decimals = decimals};
  current_ = column;
}

bool Features::is_known(const Feature& feature) const noexcept {
  using Kind = Feature::Kind;
  if (feature.kind <= Kind::lacking) return true;
  if (feature.column >= known_.size() || !known_[feature.column].arities) return false;
  const Known& known = known_[feature.column];
  switch (feature.kind) {
    case Kind::element:
      return feature.place < std::min(known.places, kOwnPlaces);
    case Kind::sum:
      return feature.place <= std::min(known.places, kOwnPlaces);
    case Kind::rest:
      return known.places > 0 && feature.column != current_ &&
             feature.place <= std::min(known_[current_].places, kOwnPlaces);
    case Kind::gap:
      return known.places >= kOwnPlaces;
    case Kind::decimals:
      return feature.place < std::min(known.decimals, kOwnPlaces) &&
             table_.columns[feature.column].has_decimals();
    default:
      return true;
  }
}

std::span<const std::uint32_t> Features::get(const Feature& feature) {
  if (feature.kind == Feature::Kind::genotype) return genotypes_;
  if (feature.kind == Feature::Kind::lacking) return table_.lacking;
  if (feature.kind == Feature::Kind::element) {
    const FieldColumn& column = table_.columns[feature.column];
    const auto& values = column.places[feature.place];
    if (values.size() == table_.lacking.size()) return values;
  }
  const auto found = made_.find(feature);
  if (found != made_.end()) return found->second;
  if (feature.kind == Feature::Kind::rest) {
    return made_.emplace(feature, rests(feature)).first->second;
  }
  return made_.emplace(feature, make(feature)).first->second;
}

void Features::drop() {
  std::erase_if(made_, [](const auto& entry) { return entry.first.kind == Feature::Kind::rest; });
}

std::vector<std::uint32_t> Features::sums(std::uint32_t column, std::size_t places) const {
  std::vector<std::uint32_t> result(table_.lacking.size(), kNumberSymbol);
  const FieldColumn& c = table_.columns[column];
  for (std::size_t j = 0; j < places; ++j) {
    each_element(c, c.places[j], j, [&](std::uint32_t cell, std::uint32_t symbol) {
      if (symbol < kNumberSymbol) return;
      const std::uint64_t sum = std::uint64_t{result[cell]} + symbol - kNumberSymbol;
      result[cell] = static_cast<std::uint32_t>(std::min<std::uint64_t>(sum, kMaxSum));
    });
  }
  return result;
}

std::vector<std::uint32_t> Features::rests(const Feature& feature) {
  const auto sum = get({Feature::Kind::sum, current_, feature.place});
  std::vector<std::uint32_t> result(table_.lacking.size(), 0);
  const FieldColumn& whole = table_.columns[feature.column];
  each_element(whole, whole.places[0], 0, [&](std::uint32_t cell, std::uint32_t symbol) {
    result[cell] = symbol >= sum[cell] ? kNumberSymbol + (symbol - sum[cell]) : 0;
  });
  return result;
}

std::vector<std::uint32_t> Features::gaps(const FieldColumn& column) const {
  std::vector<std::uint32_t> least(table_.lacking.size(), kNoNumber), second = least;
  for (std::size_t j = 0; j < kOwnPlaces; ++j) {
    each_element(column, column.places[j], j, [&](std::uint32_t cell, std::uint32_t symbol) {
      if (symbol < kNumberSymbol) return;
      second[cell] = std::min(second[cell], std::max(least[cell], symbol));
      least[cell] = std::min(least[cell], symbol);
    });
  }
  for (std::size_t i = 0; i < least.size(); ++i) {
    least[i] = second[i] == kNoNumber ? 0 : kNumberSymbol + std::min(second[i] - least[i], kMaxGap);
  }
  return least;
}

std::vector<std::uint32_t> Features::make(const Feature& feature) const {
  using Kind = Feature::Kind;
  std::vector<std::uint32_t> result(table_.lacking.size(), 0);
  if (feature.kind == Kind::sample) {
    for (std::size_t i = 0, s = 0; i < result.size(); ++i, ++s) {
      if (s == table_.samples) s = 0;
      result[i] = static_cast<std::uint32_t>(s);
    }
    return result;
  }
  const FieldColumn& c = table_.columns[feature.column];
  const auto store = [&](std::uint32_t cell, std::uint32_t value) { result[cell] = value; };
  if (feature.kind == Kind::arity) {
    for (std::size_t i = 0; i < c.cells.size(); ++i) result[c.cells[i]] = c.arities[i];
  } else if (feature.kind == Kind::element) {
    each_element(c, c.places[feature.place], feature.place, store);
  } else if (feature.kind == Kind::decimals) {
    each_element(c, c.decimals[feature.place], feature.place, store);
  } else if (feature.kind == Kind::sum) {
    return sums(feature.column, feature.place);
  } else if (feature.kind == Kind::gap) {
    return gaps(c);
  }
  return result;
}

}  // namespace cnf::vcfs3
