// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/token_column.h"

namespace cnf::vcfs3 {

/// The columns that an ID may be made of.
struct IdSources {
  std::span<const std::int64_t> positions = {};  ///< 0-based.
  std::span<const std::string_view> refs = {};
  std::span<const std::string_view> alts = {};
};

/// IDs of records: tokens, or a pattern such as "chr1:POS:REF:ALT" and its exceptions.
[[nodiscard]] EncodedColumn encode_ids(std::span<const std::string_view> ids,
                                       const IdSources& sources, const Sizer& sizer);
/// Throws Error corrupt_data.
[[nodiscard]] Tokens decode_ids(ColumnReader& in, const IdSources& sources);

}  // namespace cnf::vcfs3
