// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/alleles.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/integer_column.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/token_column.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::string_view kBases = "ACGT";

// What a record's byte says. Below 16: REF is the base byte / 4; ALT is the base byte % 4, or a
// text where that is the same base.
constexpr std::int64_t kDeletion = 16;   // REF is a text, ALT its first base
constexpr std::int64_t kInsertion = 17;  // ALT is a text, REF its first base
constexpr std::int64_t kTexts = 18;      // both are texts

std::string_view base(std::int64_t code) {
  return kBases.substr(static_cast<std::size_t>(code), 1);
}

std::int64_t code_of(std::string_view text) {
  const std::size_t code = text.size() == 1 ? kBases.find(text[0]) : std::string_view::npos;
  return code == std::string_view::npos ? -1 : static_cast<std::int64_t>(code);
}

std::int64_t kind_of(const Site& site) {
  const std::int64_t ref = code_of(site.ref);
  const std::int64_t alt = code_of(site.alt);
  if (ref >= 0 && alt >= 0 && ref != alt) return ref * 4 + alt;
  if (site.ref.size() > 1 && site.alt.size() == 1 && site.ref[0] == site.alt[0]) return kDeletion;
  // A plain inserted sequence only: "A,T" of REF "A" is no insertion, and as a text it repeats.
  if (site.alt.size() > 1 && site.ref.size() == 1 && site.ref[0] == site.alt[0] &&
      site.alt.find_first_not_of(kBases) == std::string_view::npos) {
    return kInsertion;
  }
  return ref >= 0 ? ref * 4 + ref : kTexts;
}

bool has_ref_text(std::int64_t kind) { return kind == kDeletion || kind == kTexts; }
bool has_alt_text(std::int64_t kind) {
  return kind == kInsertion || kind == kTexts || (kind < kDeletion && kind / 4 == kind % 4);
}

}  // namespace

std::int64_t alternate_alleles(std::string_view alt) noexcept {
  return alt == "." ? 0 : std::ranges::count(alt, ',') + 1;
}

EncodedColumn encode_alleles(std::span<const Site* const> sites, const Sizer& sizer) {
  std::vector<std::int64_t> kinds;
  std::vector<std::string_view> refs;
  std::vector<std::string_view> alts;
  for (const Site* site : sites) {
    kinds.push_back(kind_of(*site));
    if (has_ref_text(kinds.back())) refs.push_back(site->ref);
    if (has_alt_text(kinds.back())) alts.push_back(site->alt);
  }
  EncodedColumn column = encode_integers(kinds, sizer);
  column.append(encode_tokens(refs, sizer));
  column.append(encode_tokens(alts, sizer));
  return column;
}

Alleles decode_alleles(ColumnReader& in, std::size_t count) {
  const std::vector<std::int64_t> kinds = decode_integers(in, count);
  for (const std::int64_t kind : kinds) {
    if (kind < 0 || kind > kTexts) in.head.fail("unknown kind of alleles");
  }
  const auto texts = [&](auto has_text) {
    return decode_tokens(in, static_cast<std::size_t>(std::ranges::count_if(kinds, has_text)));
  };
  Alleles alleles;
  alleles.ref_tokens = texts(has_ref_text);
  alleles.alt_tokens = texts(has_alt_text);
  alleles.refs.reserve(count);
  alleles.alts.reserve(count);
  auto ref_text = alleles.ref_tokens.texts.begin();
  auto alt_text = alleles.alt_tokens.texts.begin();
  for (const std::int64_t kind : kinds) {
    std::string_view ref = has_ref_text(kind) ? *ref_text++ : std::string_view();
    std::string_view alt = has_alt_text(kind) ? *alt_text++ : std::string_view();
    if (kind < kDeletion) {
      ref = base(kind / 4);
      if (!has_alt_text(kind)) alt = base(kind % 4);
    } else if (kind == kDeletion) {
      alt = ref.substr(0, 1);
    } else if (kind == kInsertion) {
      ref = alt.substr(0, 1);
    }
    alleles.refs.push_back(ref);
    alleles.alts.push_back(alt);
  }
  return alleles;
}

}  // namespace cnf::vcfs3
