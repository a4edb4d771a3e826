// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/expression_internal.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/formats/vcfs3/variant_text_internal.h"

namespace cnf::vcfs3::expression {
namespace {

void set(Value& value, double number) {
  value.present = true;
  value.numbers.assign(1, number);
}

double read_number(const Step& step, std::string_view text, double missing) {
  if (step.is_float) {
    const auto number = read_float(text);
    return number ? static_cast<double>(*number) : missing;
  }
  const auto number = read_integer(text);
  return number ? *number : missing;
}

void load_info_number(const Step& step, std::string_view info, Value& value) {
  const InfoValue found = find_info(info, step.text);
  if (!found.found) return;
  // One number is declared: of a key without a value, or with several, bcftools sees 0.
  if (found.is_flag || found.value.find(',') != std::string_view::npos) return set(value, 0);
  const double number = read_number(step, found.value, kMissing);
  if (!is_absent(number)) set(value, number);
}

void load_info_numbers(const Step& step, std::string_view info, Value& value) {
  constexpr double kMissingInteger = -2147483648.0;
  const InfoValue found = find_info(info, step.text);
  if (!found.found || found.is_flag) return;
  value.numbers.clear();
  if (step.subscript.form == Subscript::Form::one) {
    if (found.value.find(',') == std::string_view::npos) {
      // The only number answers to any index, and a missing one as the bits that BCF keeps for it.
      constexpr double kMissingByte = -128;
      return set(value, read_number(step, found.value,
                                    step.is_float ? std::numeric_limits<double>::quiet_NaN()
                                                  : kMissingByte));
    }
    ListReader list(found.value);
    std::string_view item;
    for (std::size_t i = 0; list.next(item); ++i) {
      if (i != step.subscript.index) continue;
      const double number = read_number(step, item, kMissing);
      if (!is_absent(number)) set(value, number);
    }
    return;
  }
  ListReader list(found.value);
  std::string_view item;
  for (std::size_t i = 0; list.next(item); ++i) {
    if (step.subscript.wants(i))
      value.numbers.push_back(read_number(step, item, step.is_float ? kMissing : kMissingInteger));
  }
  value.present = !value.numbers.empty();
}

void load_info_texts(const Step& step, std::string_view info, Value& value) {
  const InfoValue found = find_info(info, step.text);
  if (!found.found || found.value.empty()) return;
  value.present = true;
  value.text = found.value;
  if (step.kind == Kind::info_text || step.subscript.is_all()) return;
  ListReader list(found.value);
  std::string_view item;
  value.storage.clear();
  bool chosen = false;
  for (std::size_t i = 0; list.next(item); ++i) {
    if (!step.subscript.wants(i)) continue;
    chosen = true;
    if (step.subscript.form == Subscript::Form::one) {
      value.text = item;
      break;
    }
    value.storage.append(item) += ',';  // the last comma too, which COUNT counts
  }
  if (step.subscript.form == Subscript::Form::some) value.text = value.storage;
  value.present = chosen && !value.text.empty();
}

void load_alt(const Step& step, std::string_view alt, Value& value) {
  const std::size_t count = count_alts(alt);
  value.text = alt;
  value.present = true;
  if (step.subscript.form == Subscript::Form::some && count == 0) {
    value.present = false;
    return;
  }
  if (step.subscript.is_all()) return;
  // Of a closed list bcftools also takes what lies behind it, up to the number of its members.
  const auto& chosen = step.subscript.chosen;
  const auto members =
      static_cast<std::size_t>(std::count(chosen.begin(), chosen.end(), std::uint8_t{1}));
  const bool one = step.subscript.form == Subscript::Form::one;
  ListReader list(alt);
  std::string_view item;
  value.storage.clear();
  for (std::size_t i = 0; list.next(item); ++i) {
    if (one) {
      if (i == step.subscript.index && count > 0) {
        value.text = item;
        return;
      }
      continue;
    }
    if (!step.subscript.open && i > members) break;
    if (i < chosen.size() && chosen[i] == 0) continue;
    if (!value.storage.empty()) value.storage += ',';
    value.storage.append(item);
  }
  value.text = one ? std::string_view(".") : std::string_view(value.storage);
  value.present = !value.text.empty();
}

void load_ilen(const Site& site, Value& value) {
  value.numbers.clear();
  value.present = site.alt != ".";
  if (!value.present) return;
  ListReader list(site.alt);
  std::string_view item;
  while (list.next(item)) {
    const auto length = static_cast<double>(item.size()) - static_cast<double>(site.ref.size());
    value.numbers.push_back(length == 0 ? kMissing : length);
  }
}

void load_counts(const Step& step, const Variant& variant, std::vector<std::int64_t>& counts,
                 Value& value) {
  const bool counted = count_alleles(variant, counts);
  std::int64_t all = 0;
  for (const std::int64_t count : counts) all += count;
  if (step.kind == Kind::an) return set(value, counted ? static_cast<double>(all) : 0);
  if (!counted || all == 0) return;
  value.present = true;
  value.numbers.clear();
  const auto total = static_cast<double>(all);
  const auto add = [&](double count) {
    if (step.kind == Kind::mac && count > total * 0.5) count = total - count;
    if (step.kind == Kind::af || step.kind == Kind::maf) count /= total;
    if (step.kind == Kind::maf && count > 0.5) count = 1 - count;
    value.numbers.push_back(count);
  };
  if (step.subscript.form == Subscript::Form::one) {
    const std::size_t i = step.subscript.index + 1;
    return add(i < counts.size() ? static_cast<double>(counts[i]) : 0);
  }
  if (counts.size() == 1) return add(0);
  for (std::size_t i = 1; i < counts.size(); ++i) add(static_cast<double>(counts[i]));
}

/// A genotype counts as missing if an allele is "." that does not stand behind a '|'.
void load_missing(const Step& step, const Variant& variant, Value& value) {
  if (variant.cells.empty()) return set(value, 0);
  const auto place = find_format(variant.site.format, "GT");
  if (!place) return;
  std::size_t missing = 0;
  for (const std::string_view cell : variant.cells) {
    const std::string_view text = cell_field(cell, *place).value_or("");
    if (read_digit_pair(text)) continue;
    GenotypeReader genotype(text);
    std::int32_t allele = 0;
    bool phased = false;
    while (genotype.next(allele, phased)) {
      if (allele != GenotypeReader::kMissing || phased) continue;
      ++missing;
      break;
    }
  }
  const auto count = static_cast<double>(missing);
  set(value,
      step.kind == Kind::n_missing ? count : count / static_cast<double>(variant.cells.size()));
}

/// Every sample's numbers, filled up to the longest vector of the record.
void load_format_numbers(const Step& step, const Variant& variant, std::size_t place,
                         Value& value) {
  std::size_t longest = 1;
  const bool one = step.subscript.form == Subscript::Form::one;
  if (!one) {
    for (const std::string_view cell : variant.cells) {
      const std::string_view text = cell_field(cell, place).value_or("");
      longest = std::max(longest,
                         1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), ',')));
    }
  }
  const auto& chosen = step.subscript.chosen;
  const bool closed = !one && !step.subscript.open;
  value.per_sample = one ? 1
                     : closed
                         ? static_cast<std::size_t>(std::count(chosen.begin(), chosen.end(), 1))
                         : longest;
  value.present = true;
  value.numbers.assign(variant.cells.size() * value.per_sample, kFilling);
  for (std::size_t sample = 0; sample < variant.cells.size(); ++sample) {
    if (step.samples[sample] == 0) continue;
    double* out = value.numbers.data() + sample * value.per_sample;
    const double* const first = out;
    ListReader list(cell_field(variant.cells[sample], place).value_or("."));
    std::string_view item;
    for (std::size_t i = 0; list.next(item); ++i) {
      if (step.subscript.wants(i)) *out++ = read_number(step, item, kMissing);
    }
    if (out == first) *out = kMissing;
  }
}

void load_format_texts(const Step& step, const Variant& variant, std::size_t place, Value& value) {
  value.present = true;
  value.texts.assign(variant.cells.size(), {});
  value.storage.clear();
  value.ends.clear();
  for (std::size_t sample = 0; sample < variant.cells.size(); ++sample) {
    const auto field = cell_field(variant.cells[sample], place);
    std::string_view text = field.value_or(".");
    const bool single = text.find(',') == std::string_view::npos && step.subscript.wants(0);
    if (step.samples[sample] == 0 || step.subscript.is_all() || single) {
      value.texts[sample] = text;
      value.ends.push_back(value.storage.size());
      continue;
    }
    const std::size_t begin = value.storage.size();
    ListReader list(text);
    std::string_view item;
    bool chosen = false;
    for (std::size_t i = 0; list.next(item); ++i) {
      if (!step.subscript.wants(i)) continue;
      if (chosen) value.storage += ',';
      value.storage.append(item);
      chosen = true;
    }
    if (!chosen) value.storage += '.';
    // Growing moves the storage: where the texts lie is known at the end.
    value.ends.push_back(value.storage.size());
    if (value.storage.size() == begin) value.texts[sample] = {};
  }
  std::size_t begin = 0;
  for (std::size_t sample = 0; sample < variant.cells.size(); ++sample) {
    if (value.ends[sample] > begin)
      value.texts[sample] =
          std::string_view(value.storage).substr(begin, value.ends[sample] - begin);
    begin = value.ends[sample];
  }
}

/// What of a genotype decides which word it is called by.
struct GenotypeTraits {
  std::size_t alleles = 0;
  bool differ = false, reference = false, missing = false;
};

GenotypeTraits traits_of(std::string_view text) {
  if (const auto pair = read_digit_pair(text)) {
    return {.alleles = 2,
            .differ = pair->first != pair->second,
            .reference = pair->first == 0 || pair->second == 0};
  }
  GenotypeTraits traits;
  GenotypeReader genotype(text);
  std::int32_t allele = 0;
  std::int32_t before = 0;
  bool phased = false;
  while (!traits.missing && genotype.next(allele, phased)) {
    traits.missing = allele == GenotypeReader::kMissing;
    traits.reference = traits.reference || allele == 0;
    traits.differ = traits.differ || (traits.alleles > 0 && allele != before);
    before = allele;
    ++traits.alleles;
  }
  traits.missing = traits.missing || traits.alleles == 0;
  return traits;
}

std::string_view word_for(std::string_view text, GenotypeWords words) {
  const GenotypeTraits traits = traits_of(text);
  switch (words) {
    case GenotypeWords::reference:
      return traits.missing ? "mis" : traits.reference && !traits.differ ? "ref" : "alt";
    case GenotypeWords::zygosity:
      return traits.missing ? "." : traits.alleles == 1 ? "hap" : traits.differ ? "het" : "hom";
    case GenotypeWords::alleles:
      if (traits.missing) return ".";
      if (traits.alleles == 1) return traits.reference ? "r" : "a";
      if (traits.differ) return traits.reference ? "ra" : "aA";
      return traits.reference ? "rr" : "aa";
  }
  return ".";
}

void load_genotypes(const Step& step, const Variant& variant, std::size_t place, Value& value) {
  value.present = true;
  value.texts.assign(variant.cells.size(), {});
  for (std::size_t sample = 0; sample < variant.cells.size(); ++sample) {
    if (step.samples[sample] == 0) continue;
    std::string_view text = cell_field(variant.cells[sample], place).value_or(".");
    if (text.empty()) text = ".";
    value.texts[sample] = step.kind == Kind::genotype_class ? word_for(text, step.words) : text;
  }
}

void load_format(const Step& step, const Variant& variant, Value& value) {
  if (!step.of_samples()) return;  // a file without samples
  if (variant.cells.size() != step.samples.size()) {
    throw Error(Errc::invalid_argument, "filter",
                fmt::format("{}:{}", variant.contig, variant.site.pos + 1),
                fmt::format("it has {} samples, the expression was read for {}",
                            variant.cells.size(), step.samples.size()));
  }
  const auto place = find_format(variant.site.format, step.text);
  if (!place) return;
  if (step.kind == Kind::format_numbers) return load_format_numbers(step, variant, *place, value);
  if (step.kind == Kind::format_texts) return load_format_texts(step, variant, *place, value);
  load_genotypes(step, variant, *place, value);
}

void load_qual(std::string_view qual, Value& value) {
  // What is no number at all is missing too, where bcftools sees 0: zones know nothing of it.
  const auto number = read_float(qual);
  set(value, number ? static_cast<double>(*number) : kMissing);
}

}  // namespace

void load_field(const Step& step, const Variant& variant, std::vector<std::int64_t>& counts,
                Value& value) {
  value.present = false;
  switch (step.kind) {
    case Kind::number:
      return set(value, step.constant);
    case Kind::missing:
      return set(value, kMissing);
    case Kind::text:
      value.text = step.text;
      value.present = !step.text.empty();
      return;
    case Kind::qual:
      return load_qual(variant.site.qual, value);
    case Kind::pos:
      return set(value, static_cast<double>(variant.site.pos + 1));
    case Kind::n_alt:
      return set(value, static_cast<double>(count_alts(variant.site.alt)));
    case Kind::n_missing:
    case Kind::f_missing:
      return load_missing(step, variant, value);
    case Kind::ilen:
      return load_ilen(variant.site, value);
    case Kind::ac:
    case Kind::an:
    case Kind::af:
    case Kind::mac:
    case Kind::maf:
      return load_counts(step, variant, counts, value);
    case Kind::info_flag:
      return set(value, find_info(variant.site.info, step.text).found ? 1 : 0);
    case Kind::info_number:
      return load_info_number(step, variant.site.info, value);
    case Kind::info_numbers:
      return load_info_numbers(step, variant.site.info, value);
    case Kind::chrom:
      value.text = variant.contig;
      value.present = true;
      return;
    case Kind::ref:
      value.text = variant.site.ref;
      value.present = true;
      return;
    case Kind::alt:
      return load_alt(step, variant.site.alt, value);
    case Kind::info_text:
    case Kind::info_texts:
      return load_info_texts(step, variant.site.info, value);
    case Kind::format_numbers:
    case Kind::format_texts:
    case Kind::genotype:
    case Kind::genotype_class:
      return load_format(step, variant, value);
    default:
      return;  // compared by what they are, or no field
  }
}

}  // namespace cnf::vcfs3::expression
