// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/token_column.h"

namespace cnf::vcfs3 {

/// REF and ALT of records as columns: a byte per record says which single bases they are, or which
/// of the two is kept as text (SPEC.md, "Alleles").
[[nodiscard]] EncodedColumn encode_alleles(std::span<const Site* const> sites, const Sizer& sizer);

/// Move-only; moving leaves the views valid.
struct Alleles {
  std::vector<std::string_view> refs = {};
  std::vector<std::string_view> alts = {};
  Tokens ref_tokens = {}, alt_tokens = {};  ///< Hold what the views view.
};
/// Throws Error corrupt_data.
[[nodiscard]] Alleles decode_alleles(ColumnReader& in, std::size_t count);

/// ALT alleles of a record: 0 for ".", else one more than commas.
[[nodiscard]] std::int64_t alternate_alleles(std::string_view alt) noexcept;

}  // namespace cnf::vcfs3
