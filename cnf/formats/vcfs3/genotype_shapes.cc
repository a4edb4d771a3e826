// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/genotype_shapes_internal.h"

namespace cnf::vcfs3 {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// The canonical number at the front of `text`, which it is cut off from; kMaxAllele + 1 if there
/// is none or a greater one.
std::uint8_t take_allele(std::string_view& text) noexcept {
  constexpr std::uint8_t kNone = kMaxAllele + 1;
  if (text.empty() || !is_digit(text[0])) return kNone;
  unsigned value = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && is_digit(text[digits]); ++digits) {
    value = value * 10 + static_cast<unsigned>(text[digits] - '0');
    if (value > kMaxAllele) return kNone;
  }
  if (text[0] == '0' && digits > 1) return kNone;
  text.remove_prefix(digits);
  return static_cast<std::uint8_t>(value);
}

/// False if the text has no form but its own.
bool split(std::string_view text, GenotypeParts& parts) noexcept {
  const std::size_t separator = text.find_first_not_of("0123456789");
  const char between = separator == std::string_view::npos ? '/' : text[separator];
  if (between != '/' && between != '|') return false;
  parts.shape.phased = between == '|';
  for (std::size_t i = 0; i < kMaxPloidy; ++i) {
    parts.alleles[i] = take_allele(text);
    if (parts.alleles[i] > kMaxAllele) return false;
    ++parts.shape.ploidy;
    if (text.empty()) return true;
    if (text[0] != between) return false;
    text.remove_prefix(1);
  }
  return false;
}

}  // namespace

GenotypeParts split_genotype(std::string_view text) {
  GenotypeParts parts;
  if (split(text, parts)) return parts;
  return {.shape = {.literal = std::string(text)}};
}

std::string join_genotype(const GenotypeShape& shape, std::span<const std::uint8_t> alleles) {
  if (shape.ploidy == 0) return shape.literal;
  std::string text = std::to_string(alleles[0]);
  for (std::size_t i = 1; i < shape.ploidy; ++i) {
    text += shape.phased ? '|' : '/';
    text += std::to_string(alleles[i]);
  }
  return text;
}

void put_shapes(std::span<const GenotypeShape> shapes, ByteWriter& out) {
  out.put_varint(shapes.size());
  for (const GenotypeShape& shape : shapes) {
    out.put_varint(2U * shape.ploidy + (shape.phased ? 1U : 0U));
    if (shape.ploidy == 0) out.put_string(shape.literal);
  }
}

std::vector<GenotypeShape> get_shapes(ByteReader& in) {
  const std::uint64_t count = in.get_count();
  if (count == 0) in.fail("no shape of genotypes");
  std::vector<GenotypeShape> shapes;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t kind = in.get_varint();
    if (kind / 2 > kMaxPloidy || kind == 1) in.fail("no such shape of a genotype");
    GenotypeShape& shape = shapes.emplace_back();
    shape.ploidy = static_cast<std::uint8_t>(kind / 2);
    shape.phased = kind % 2 == 1;
    if (kind == 0) shape.literal = in.get_string();
  }
  return shapes;
}

std::size_t max_ploidy(std::span<const GenotypeShape> shapes) noexcept {
  std::size_t ploidy = 0;
  for (const GenotypeShape& shape : shapes) ploidy = std::max<std::size_t>(ploidy, shape.ploidy);
  return ploidy;
}

}  // namespace cnf::vcfs3
