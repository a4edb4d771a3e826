// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/format_columns_internal.h"
#include "cnf/formats/vcfs3/format_features_internal.h"

namespace cnf::vcfs3 {

/// The columns in the order they are coded, those that tell most of others first: DP, AD, PL, GQ,
/// then as they appear. Columns without fields are left out.
[[nodiscard]] std::vector<std::uint32_t> coding_order(const FieldTable& table,
                                                      std::span<const std::string> names);

/// \param before  columns that are coded already.
void put_column_of_fields(const FieldTable& table, std::uint32_t column,
                          std::span<const std::uint32_t> before, Features& features, int level,
                          ByteWriter& out);

/// Fills table.columns[column], whose `cells` are there; `texts` of it will be views of what `in`
/// reads or of `held`. Throws Error corrupt_data.
void get_column_of_fields(ByteReader& in, FieldTable& table, std::uint32_t column,
                          Features& features, std::vector<Buffer>& held);

}  // namespace cnf::vcfs3
