// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cnf/formats/vcfs3/columns.h"

namespace cnf::vcfs3 {

/// Integers as a column: constant, or themselves or their differences, as varints, as byte planes,
/// as they lie in memory or as modelled bits; whichever is smallest (SPEC.md, "Integers"). No
/// number of values is written.
///
/// \param contexts  what the reader will know of each value before it reads it, below kMaxContexts;
///                  or empty.
[[nodiscard]] EncodedColumn encode_integers(std::span<const std::int64_t> values,
                                            const Sizer& sizer,
                                            std::span<const std::uint8_t> contexts = {});

/// \param count  of values; must be bounded by the caller, for a constant takes no bytes.
/// \param contexts  as when the column was encoded.
/// Throws Error corrupt_data if the streams cannot hold so many values. Modelled bits do not tell
/// how many they are: a section says the number once.
[[nodiscard]] std::vector<std::int64_t> decode_integers(
    ColumnReader& in, std::size_t count, std::span<const std::uint8_t> contexts = {});

}  // namespace cnf::vcfs3
