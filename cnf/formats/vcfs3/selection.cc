// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/selection.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/variant_text_internal.h"
#include "cnf/formats/vcfs3/variant_type.h"
#include "cnf/formats/vcfs3/zones.h"

namespace cnf::vcfs3 {
namespace {

template <typename Value, std::size_t kSize>
Value named(const std::array<std::pair<std::string_view, Value>, kSize>& names,
            std::string_view what, std::string_view name) {
  for (const auto& [known, value] : names) {
    if (known == name) return value;
  }
  std::string list;
  for (const auto& [known, value] : names)
    list += fmt::format("{}{}", list.empty() ? "" : ", ", known);
  throw Error(Errc::invalid_argument, fmt::format("read {}", what), name, "it is none of " + list);
}

AlleleLimit::Alleles alleles_of(std::string_view name) {
  using Alleles = AlleleLimit::Alleles;
  static constexpr std::array<std::pair<std::string_view, Alleles>, 5> kNames{
      {{"nref", Alleles::nref},
       {"alt1", Alleles::alt1},
       {"minor", Alleles::minor},
       {"major", Alleles::major},
       {"nonmajor", Alleles::nonmajor}}};
  return named(kNames, "which alleles count", name);
}

template <typename Number>
AlleleLimit parse_limit(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view digits = text.substr(0, colon);
  Number value{};
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || stop != digits.data() + digits.size() || !(value >= 0)) {
    throw Error(Errc::invalid_argument, "read a bound on alleles", text,
                "it is not NUMBER or NUMBER:ALLELES");
  }
  AlleleLimit limit{.value = static_cast<double>(value)};
  if (colon != std::string_view::npos) limit.alleles = alleles_of(text.substr(colon + 1));
  return limit;
}

/// How often each allele occurs, as the limits ask for it.
class AlleleCounts {
 public:
  explicit AlleleCounts(const std::vector<std::int64_t>& counts)
      : counts_(counts), all_(std::accumulate(counts.begin(), counts.end(), std::int64_t{0})) {}

  [[nodiscard]] std::int64_t all() const { return all_; }
  [[nodiscard]] double of(AlleleLimit::Alleles alleles) const {
    const std::int64_t major = *std::ranges::max_element(counts_);
    switch (alleles) {
      case AlleleLimit::Alleles::alt1:
        return static_cast<double>(counts_.size() > 1 ? counts_[1] : 0);
      case AlleleLimit::Alleles::minor:
        return static_cast<double>(*std::ranges::min_element(counts_));
      case AlleleLimit::Alleles::major:
        return static_cast<double>(major);
      case AlleleLimit::Alleles::nonmajor:
        return static_cast<double>(all_ - major);
      default:
        return static_cast<double>(all_ - counts_[0]);
    }
  }

 private:
  const std::vector<std::int64_t>& counts_;
  std::int64_t all_;
};

enum class Zygosity : std::uint8_t { missing, hom, het };

/// One allele alone counts as homozygous, any "." makes the genotype missing.
Zygosity zygosity_of(std::string_view text) {
  GenotypeReader genotype(text);
  std::int32_t allele = 0;
  std::int32_t first = GenotypeReader::kMissing;
  bool phased = false;
  Zygosity result = Zygosity::missing;
  while (genotype.next(allele, phased)) {
    if (allele == GenotypeReader::kMissing) return Zygosity::missing;
    if (result == Zygosity::missing) {
      first = allele;
      result = Zygosity::hom;
    } else if (allele != first) {
      result = Zygosity::het;
    }
  }
  return result;
}

bool genotypes_match(const Variant& variant, SiteSelection::Genotype rule) {
  using Genotype = SiteSelection::Genotype;
  const auto place = find_format(variant.site.format, "GT");
  if (!place) return true;
  const bool excludes =
      rule == Genotype::no_hom || rule == Genotype::no_het || rule == Genotype::no_missing;
  const Zygosity asked = rule == Genotype::hom || rule == Genotype::no_hom   ? Zygosity::hom
                         : rule == Genotype::het || rule == Genotype::no_het ? Zygosity::het
                                                                             : Zygosity::missing;
  const bool found = std::ranges::any_of(variant.cells, [&](std::string_view cell) {
    return zygosity_of(cell_field(cell, *place).value_or("")) == asked;
  });
  return found != excludes;
}

/// bcftools' rule: a haploid genotype is phased, others if a '|' stands before an allele that is
/// not missing.
bool is_phased(std::string_view text) {
  GenotypeReader genotype(text);
  std::int32_t allele = 0;
  bool phased = false;
  std::size_t alleles = 0;
  bool result = false;
  while (genotype.next(allele, phased)) {
    ++alleles;
    result = result || (phased && allele != GenotypeReader::kMissing);
  }
  return result || alleles <= 1;
}

bool all_phased(const Variant& variant) {
  const auto place = find_format(variant.site.format, "GT");
  return !place || std::ranges::all_of(variant.cells, [&](std::string_view cell) {
    return is_phased(cell_field(cell, *place).value_or(""));
  });
}

bool filters_match(const std::vector<std::string>& wanted, std::string_view filters) {
  const auto is_wanted = [&](std::string_view name) {
    return std::ranges::find(wanted, name) != wanted.end();
  };
  if (filters == ".") return is_wanted(".");
  if (filters.ends_with(';')) filters.remove_suffix(1);
  ListReader list(filters, ';');
  std::string_view item;
  while (list.next(item)) {
    if (item != "." && is_wanted(item)) return true;
  }
  return false;
}

}  // namespace

AlleleLimit AlleleLimit::parse_count(std::string_view text) {
  return parse_limit<std::int32_t>(text);
}

AlleleLimit AlleleLimit::parse_frequency(std::string_view text) { return parse_limit<float>(text); }

std::uint8_t SiteSelection::parse_types(std::string_view list) {
  static constexpr std::array<std::pair<std::string_view, std::uint8_t>, 6> kNames{
      {{"snps", kSnp},
       {"indels", kIndel},
       {"mnps", kMnp},
       {"bnd", kBreakend},
       {"other", kOther},
       {"ref", kReference}}};
  unsigned types = 0;
  ListReader items(list);
  std::string_view item;
  while (items.next(item)) types |= named(kNames, "a variant type", item);
  return static_cast<std::uint8_t>(types);
}

std::vector<std::string> SiteSelection::parse_filters(std::string_view list) {
  std::vector<std::string> filters;
  ListReader items(list);
  std::string_view item;
  while (items.next(item)) {
    if (item.empty())
      throw Error(Errc::invalid_argument, "read a list of filters", list, "a name is empty");
    filters.emplace_back(item);
  }
  return filters;
}

SiteSelection::Genotype SiteSelection::parse_genotype(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Genotype>, 6> kNames{
      {{"hom", Genotype::hom},
       {"het", Genotype::het},
       {"miss", Genotype::missing},
       {"^hom", Genotype::no_hom},
       {"^het", Genotype::no_het},
       {"^miss", Genotype::no_missing}}};
  return named(kNames, "a kind of genotype", text);
}

bool SiteSelection::counts_alleles() const noexcept {
  return min_count || max_count || min_frequency || max_frequency || called != Called::any;
}

bool SiteSelection::empty() const noexcept {
  return types == 0 && excluded_types == 0 && min_alleles == 0 && max_alleles == 0 &&
         !counts_alleles() && known == Known::any && filters.empty() && !genotype &&
         phased == Phased::any;
}

bool SiteSelection::counts_match(const Variant& variant) const {
  std::vector<std::int64_t> counts;
  const bool of_cells = counts_cells && count_genotype_alleles(variant, counts);
  if (!of_cells) static_cast<void>(count_alleles(variant, counts));
  const AlleleCounts alleles(counts);
  if (called == Called::uncalled && alleles.all() > 0) return false;
  if (called == Called::called && alleles.all() == 0) return false;
  if (min_count && min_count->value > alleles.of(min_count->alleles)) return false;
  if (max_count && max_count->value < alleles.of(max_count->alleles)) return false;
  if (!min_frequency && !max_frequency) return true;
  if (alleles.all() == 0) return false;
  const auto all = static_cast<double>(alleles.all());
  if (min_frequency && min_frequency->value > alleles.of(min_frequency->alleles) / all)
    return false;
  return !max_frequency || max_frequency->value >= alleles.of(max_frequency->alleles) / all;
}

bool SiteSelection::matches(const Variant& variant) const {
  const Site& site = variant.site;
  if (empty()) return true;
  if (site.is_raw) return false;
  if (min_alleles != 0 || max_alleles != 0) {
    const std::size_t alleles = 1 + count_alts(site.alt);
    if (min_alleles != 0 && alleles < min_alleles) return false;
    if (max_alleles != 0 && alleles > max_alleles) return false;
  }
  if (known != Known::any && (known == Known::known) == (site.id == ".")) return false;
  if (!filters.empty() && !filters_match(filters, site.filter)) return false;
  if (types != 0 || excluded_types != 0) {
    const std::uint8_t bits = variant_types(site.ref, site.alt);
    const unsigned has = bits == 0 ? kReference : bits;
    if (types != 0 && (has & types) == 0) return false;
    if ((has & excluded_types) != 0) return false;
  }
  if (counts_alleles() && !counts_match(variant)) return false;
  if (genotype && !genotypes_match(variant, *genotype)) return false;
  return phased == Phased::any || all_phased(variant) == (phased == Phased::phased);
}

Needs SiteSelection::needs() const noexcept {
  Needs needs;
  needs.id = known != Known::any;
  needs.alleles =
      types != 0 || excluded_types != 0 || min_alleles != 0 || max_alleles != 0 || counts_alleles();
  needs.filter = !filters.empty();
  needs.info = counts_alleles();
  needs.genotypes = counts_alleles() || genotype.has_value() || phased != Phased::any;
  return needs;
}

bool SiteSelection::may_match(const PageZones& zones) const noexcept {
  if (min_alleles != 0 && zones.alts.max + 1 < static_cast<double>(min_alleles)) return false;
  return max_alleles == 0 || zones.alts.min + 1 <= static_cast<double>(max_alleles);
}

}  // namespace cnf::vcfs3
