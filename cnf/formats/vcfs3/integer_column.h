// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cnf/formats/vcfs3/columns.h"

namespace cnf::vcfs3 {

/// Integers as a column: constant, or themselves or their differences, as varints, as byte planes
/// or as they lie in memory; whichever is smallest (SPEC.md, "Integers"). No number of values is
/// written.
[[nodiscard]] EncodedColumn encode_integers(std::span<const std::int64_t> values,
                                            const Sizer& sizer);

/// \param count  of values; must be bounded by the caller, for a constant takes no bytes.
/// Throws Error corrupt_data if the streams hold another number of values.
[[nodiscard]] std::vector<std::int64_t> decode_integers(ColumnReader& in, std::size_t count);

}  // namespace cnf::vcfs3
