// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace cnf::vcfs3 {

/// What kinds of alternate alleles a record has, as bits. Reference alleles in ALT ("<*>",
/// "<NON_REF>") are none.
inline constexpr std::uint8_t kSnp = 1, kMnp = 2, kIndel = 4, kOther = 8, kBreakend = 16;
inline constexpr std::uint8_t kOverlap = 32;  ///< ALT "*"

/// The bits of all alleles, as htslib 1.16 sets them; 0 for a record with reference alleles alone.
[[nodiscard]] std::uint8_t variant_types(std::string_view ref, std::string_view alt) noexcept;

}  // namespace cnf::vcfs3
