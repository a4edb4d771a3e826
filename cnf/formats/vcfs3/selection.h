// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/zones.h"

namespace cnf::vcfs3 {

/// A bound on how often alleles occur, "2:minor".
struct AlleleLimit {
  enum class Alleles : std::uint8_t {
    nref,      ///< All but REF.
    alt1,      ///< The first ALT.
    minor,     ///< The rarest of REF and ALT.
    major,     ///< The most frequent one.
    nonmajor,  ///< All but the most frequent one.
  };
  double value = 0;  ///< A number of alleles, or a frequency.
  Alleles alleles = Alleles::nref;

  /// "2", "2:minor": of a count.
  static AlleleLimit parse_count(std::string_view text);
  /// "0.05", "0.05:minor": of a frequency, which compares in single precision as in bcftools.
  static AlleleLimit parse_frequency(std::string_view text);
};

/// Which records are wanted by what they are; each field means what the option of bcftools view
/// 1.16 means that stands beside it. Records must meet all.
///
/// Two slips of bcftools 1.16 are not repeated: it takes the type "ref" for "other", and ignores
/// filters that the header does not define (a list of only such ones lets every record pass).
struct SiteSelection {
  static constexpr std::uint8_t kReference =
      64;  ///< Beside the bits of variant_type.h: no alternate allele.
  enum class Genotype : std::uint8_t { hom, het, missing, no_hom, no_het, no_missing };
  enum class Known : std::uint8_t { any, known, novel };
  enum class Called : std::uint8_t { any, uncalled, called };
  enum class Phased : std::uint8_t { any, phased, unphased };

  std::uint8_t types = 0;           ///< -v: any of these bits; 0: all records.
  std::uint8_t excluded_types = 0;  ///< -V: none of these bits.
  std::uint64_t min_alleles = 0;    ///< -m: REF counts as one; 0: no bound.
  std::uint64_t max_alleles = 0;    ///< -M
  std::optional<AlleleLimit> min_count = {}, max_count = {};          ///< -c, -C
  std::optional<AlleleLimit> min_frequency = {}, max_frequency = {};  ///< -q, -Q
  Known known = Known::any;                                           ///< -k, -n: by ID.
  std::vector<std::string> filters = {};  ///< -f: any of these in FILTER; "." is one.
  std::optional<Genotype> genotype = {};  ///< -g; a record without GT passes.
  Called called = Called::any;            ///< -u, -U: whether any allele is known.
  Phased phased = Phased::any;            ///< -p, -P: whether all samples are phased.
  /// Alleles are those of the cells: samples were chosen. Else INFO/AC and INFO/AN tell of them,
  /// where they stand.
  bool counts_cells = false;

  /// Throw Error invalid_argument: "snps,indels", "PASS,.", "^het".
  static std::uint8_t parse_types(std::string_view list);
  static std::vector<std::string> parse_filters(std::string_view list);
  static Genotype parse_genotype(std::string_view text);

  [[nodiscard]] bool empty() const noexcept;
  /// A raw record meets nothing but the empty selection. Threads: concurrent use is fine.
  [[nodiscard]] bool matches(const Variant& variant) const;
  [[nodiscard]] Needs needs() const noexcept;
  /// False only if no record of a page can be wanted.
  [[nodiscard]] bool may_match(const PageZones& zones) const noexcept;

 private:
  [[nodiscard]] bool counts_alleles() const noexcept;
  [[nodiscard]] bool counts_match(const Variant& variant) const;
};

}  // namespace cnf::vcfs3
