// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/format_string.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/expression.h"
#include "cnf/formats/vcfs3/format_string_internal.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/line.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/variant_text_internal.h"
#include "cnf/formats/vcfs3/variant_type.h"

namespace cnf::vcfs3 {
namespace {

using What = FormatPart::What;

void put(std::string_view text, Buffer& out) { out.append(as_bytes(text)); }

void put(std::int64_t number, Buffer& out) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  put(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())), out);
}

/// The i-th item of a list, "." if there is none or an empty one.
std::string_view item_of(std::string_view list, std::size_t index) {
  ListReader items(list);
  std::string_view item;
  for (std::size_t i = 0; items.next(item); ++i) {
    if (i == index) return item.empty() ? "." : item;
  }
  return ".";
}

void put_alt(std::string_view alt, std::optional<std::size_t> subscript, Buffer& out) {
  put(subscript && alt != "." ? item_of(alt, *subscript) : alt, out);
}

void put_types(const Site& site, Buffer& out) {
  static constexpr std::array<std::pair<unsigned, std::string_view>, 6> kNames{
      {{kSnp, "SNP"},
       {kMnp, "MNP"},
       {kIndel, "INDEL"},
       {kOther, "OTHER"},
       {kBreakend, "BND"},
       {kOverlap, "OVERLAP"}}};
  const unsigned types = variant_types(site.ref, site.alt);
  if (types == 0) return put("REF", out);
  bool first = true;
  for (const auto& [bit, name] : kNames) {
    if ((types & bit) == 0) continue;
    if (!first) put(",", out);
    put(name, out);
    first = false;
  }
}

void put_info(const FormatPart& part, std::string_view info, Buffer& out) {
  const InfoValue found = find_info(info, part.text);
  if (!found.found) return put(".", out);
  if (found.is_flag) return put("1", out);
  if (found.value.empty()) return put(part.is_text ? "1" : ".", out);
  // A value that stands alone answers to any index.
  const bool alone =
      part.is_text ? found.value.size() == 1 : found.value.find(',') == std::string_view::npos;
  put(part.subscript && !alone ? item_of(found.value, *part.subscript) : found.value, out);
}

void put_format_column(const Variant& variant, Buffer& out) {
  if (variant.site.format.empty() || variant.cells.empty()) return put(".", out);
  put(variant.site.format, out);
  for (const std::string_view cell : variant.cells) {
    put("\t", out);
    put(cell, out);
  }
}

/// The allele of a number; "." if it is missing or there is no such allele.
std::string_view allele_of(const Site& site, std::int32_t allele) {
  if (allele == GenotypeReader::kMissing) return ".";
  return allele == 0 ? site.ref : item_of(site.alt, static_cast<std::size_t>(allele) - 1);
}

void put_alleles(const Site& site, std::string_view text, Buffer& out) {
  GenotypeReader genotype(text);
  std::int32_t allele = 0;
  bool phased = false;
  bool first = true;
  while (genotype.next(allele, phased)) {
    if (!first) put(phased ? "|" : "/", out);
    put(allele_of(site, allele), out);
    first = false;
  }
  if (first) put(".", out);
}

/// One letter for a diploid genotype of single bases (IUPAC-IUB 1984), else its alleles.
void put_iupac(const Site& site, std::string_view text, Buffer& out) {
  // By the bits of the bases in it: A 1, C 2, G 4, T 8.
  static constexpr std::string_view kLetters = ".ACMGRSVTWYHKDBN";
  GenotypeReader genotype(text);
  std::int32_t allele = 0;
  bool phased = false;
  unsigned bases = 0;
  std::size_t alleles = 0;
  bool single = true;
  while (genotype.next(allele, phased)) {
    ++alleles;
    const std::string_view bytes = allele_of(site, allele);
    const std::size_t base = std::string_view("ACGTacgt").find(bytes);
    single = single && bytes.size() == 1 && base != std::string_view::npos;
    if (single) bases |= 1U << (base % 4);
  }
  if (!single || alleles != 2) return put_alleles(site, text, out);
  put(kLetters.substr(bases, 1), out);
}

void put_format_tag(const FormatPart& part, std::optional<std::size_t> place, std::string_view cell,
                    Buffer& out) {
  const auto field = place ? cell_field(cell, *place) : std::nullopt;
  if (!field) return put(".", out);
  put(part.subscript ? item_of(*field, *part.subscript) : *field, out);
}

/// A raw record has no cells.
std::string_view cell_of(const Variant& variant, std::size_t sample) {
  return sample < variant.cells.size() ? variant.cells[sample] : "";
}

std::string_view genotype_of(const Variant& variant, std::optional<std::size_t> place,
                             std::size_t sample) {
  const auto field = place ? cell_field(cell_of(variant, sample), *place) : std::nullopt;
  return field && !field->empty() ? *field : ".";
}

void put_site(const FormatPart& part, const Variant& variant, Buffer& out) {
  const Site& site = variant.site;
  switch (part.what) {
    case What::chrom:
      return put(variant.contig, out);
    case What::pos:
      return put(site.pos + 1, out);
    case What::pos0:
      return put(site.pos, out);
    case What::end:
      return put(variant.end, out);
    case What::end0:
      return put(variant.end - 1, out);
    case What::id:
      return put(site.id, out);
    case What::ref:
      return put(site.ref, out);
    case What::alt:
      return put_alt(site.alt, part.subscript, out);
    case What::first_alt:
      return put_alt(site.alt, 0, out);
    case What::qual:
      return put(site.qual, out);
    case What::filter:
      return put(site.filter, out);
    case What::type:
      return put_types(site, out);
    case What::info:
      return put(site.info, out);
    case What::info_tag:
      return put_info(part, site.info, out);
    case What::format:
      return put_format_column(variant, out);
    case What::line:
      return append_line(variant, "\n", out);
    case What::chrom_pos_id:
      if (site.id != ".") return put(site.id, out);
      put(variant.contig, out);
      put(":", out);
      return put(site.pos + 1, out);
    case What::n_pass: {
      Expression::Scratch scratch;
      return put(static_cast<std::int64_t>(part.condition->count_samples(variant, scratch)), out);
    }
    default:
      return put(part.what == What::literal ? std::string_view(part.text) : "", out);
  }
}

/// \param place  of the part's field in FORMAT.
void put_sample(const FormatPart& part, std::optional<std::size_t> place, const Variant& variant,
                std::size_t sample, std::string_view name, Buffer& out) {
  switch (part.what) {
    case What::sample:
      return put(name, out);
    case What::genotype:
      return put(genotype_of(variant, place, sample), out);
    case What::alleles:
      return put_alleles(variant.site, genotype_of(variant, place, sample), out);
    case What::iupac:
      return put_iupac(variant.site, genotype_of(variant, place, sample), out);
    case What::format_tag:
      return put_format_tag(part, place, cell_of(variant, sample), out);
    default:
      return put_site(part, variant, out);
  }
}

Needs needs_of(const FormatPart& part) {
  Needs needs;
  switch (part.what) {
    case What::id:
    case What::chrom_pos_id:
      needs.id = true;
      break;
    case What::ref:
    case What::alt:
    case What::first_alt:
    case What::type:
      needs.alleles = true;
      break;
    case What::qual:
      needs.qual = true;
      break;
    case What::filter:
      needs.filter = true;
      break;
    case What::info:
    case What::info_tag:
      needs.info = true;
      break;
    case What::genotype:
      needs.genotypes = true;
      break;
    case What::alleles:
    case What::iupac:
      needs.alleles = needs.genotypes = true;
      break;
    case What::format:
    case What::format_tag:
      needs.format = true;
      break;
    case What::line:
      return Needs::all();
    case What::n_pass:
      return part.condition->needs();
    default:
      break;
  }
  return needs;
}

}  // namespace

struct FormatString::Impl {
  std::vector<FormatPart> parts;
  Needs needs;
};

FormatString FormatString::parse(std::string_view text, const Header& header) {
  auto impl = std::make_shared<Impl>();
  impl->parts = parse_format_string(text, header);
  for (const FormatPart& part : impl->parts) impl->needs |= needs_of(part);
  return FormatString(std::move(impl));
}

void FormatString::append(const Variant& variant, std::span<const std::string> samples,
                          std::span<const std::uint8_t> chosen, Buffer& out) const {
  const std::vector<FormatPart>& parts = impl_->parts;
  for (std::size_t i = 0; i < parts.size();) {
    if (!parts[i].per_sample) {
      put_site(parts[i++], variant, out);
      continue;
    }
    std::size_t end = i;
    std::vector<std::optional<std::size_t>> places;
    while (end < parts.size() && parts[end].per_sample)
      places.push_back(find_format(variant.site.format, parts[end++].text));
    for (std::size_t sample = 0; sample < samples.size(); ++sample) {
      if (!chosen.empty() && chosen[sample] == 0) continue;
      for (std::size_t part = i; part < end; ++part)
        put_sample(parts[part], places[part - i], variant, sample, samples[sample], out);
    }
    i = end;
  }
}

std::string FormatString::header_line(std::span<const std::string> samples) const {
  const std::vector<FormatPart>& parts = impl_->parts;
  if (std::ranges::find(parts, What::line, &FormatPart::what) != parts.end()) return {};
  std::string line = "# ";
  std::size_t column = 0;
  const auto add = [&](const FormatPart& part, std::string_view sample) {
    if (part.what == What::literal) {
      line += part.text;
    } else if (sample.empty() || part.what == What::sample) {
      line += fmt::format("[{}]{}", ++column, part.text);
    } else {
      line += fmt::format("[{}]{}:{}", ++column, sample, part.text);
    }
  };
  for (std::size_t i = 0; i < parts.size();) {
    if (!parts[i].per_sample) {
      add(parts[i++], {});
      continue;
    }
    std::size_t end = i;
    while (end < parts.size() && parts[end].per_sample) ++end;
    for (const std::string& sample : samples) {
      for (std::size_t part = i; part < end; ++part) add(parts[part], sample);
    }
    i = end;
  }
  return line;
}

const Needs& FormatString::needs() const noexcept { return impl_->needs; }

}  // namespace cnf::vcfs3
