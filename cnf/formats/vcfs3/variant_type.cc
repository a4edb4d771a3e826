// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/variant_type.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cnf/formats/vcfs3/variant_text_internal.h"

namespace cnf::vcfs3 {
namespace {

char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }

/// The rule of htslib 1.16 (bcf_set_variant_type), for one ALT allele.
std::uint8_t allele_type(std::string_view ref, std::string_view alt) noexcept {
  if (alt == "*") return kOverlap;
  if (ref.size() == 1 && alt.size() == 1) {
    return alt[0] == '.' || alt[0] == ref[0] || alt[0] == 'X' ? 0 : kSnp;
  }
  if (alt.starts_with('<')) {
    const bool reference = alt.starts_with("<X>") || alt.starts_with("<*>") || alt == "<NON_REF>";
    return reference ? 0 : kOther;
  }
  if (alt.starts_with(']') || alt.starts_with('[')) return kBreakend;
  const std::size_t shorter = std::min(ref.size(), alt.size());
  std::size_t same = 0;
  while (same < shorter && upper(ref[same]) == upper(alt[same])) ++same;
  ref.remove_prefix(same);
  alt.remove_prefix(same);
  if (ref.empty() && alt.empty()) return 0;
  if (ref.empty()) return alt[0] == ']' || alt[0] == '[' ? kBreakend : kIndel;
  if (alt.empty()) return kIndel;
  while (ref.size() > 1 && alt.size() > 1 && upper(ref.back()) == upper(alt.back())) {
    ref.remove_suffix(1);
    alt.remove_suffix(1);
  }
  if (ref.size() == 1 && alt.size() == 1) return kSnp;
  if (ref.size() == 1 || alt.size() == 1) {
    return upper(ref.back()) == upper(alt.back()) ? kIndel : kOther;
  }
  return ref.size() == alt.size() ? kMnp : kOther;
}

}  // namespace

std::uint8_t variant_types(std::string_view ref, std::string_view alt) noexcept {
  if (alt == ".") return 0;
  unsigned types = 0;
  ListReader alts(alt);
  std::string_view item;
  while (alts.next(item)) types |= allele_type(ref, item);
  return static_cast<std::uint8_t>(types);
}

}  // namespace cnf::vcfs3
