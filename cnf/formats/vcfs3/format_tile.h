// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/format_cells.h"
#include "cnf/formats/vcfs3/genotypes.h"

namespace cnf::vcfs3 {

/// The FORMAT fields besides GT of a bin × a group of samples as bytes (SPEC.md, "FORMAT tile").
///
/// Pure. The tile carries the CRC32C of its own bytes. It is empty if every rest is.
/// \param formats    per record, its FORMAT text.
/// \param genotypes  of the bin: the first context of the values' order.
[[nodiscard]] Buffer encode_format(const FormatCells& bin,
                                   std::span<const std::string_view> formats,
                                   const Genotypes& genotypes, SampleRange samples, int level);

/// \param genotypes  of this tile (decode_genotypes), samples of this tile only.
/// Throws Error corrupt_data naming `subject`. Memory is bounded: a tile decodes to at most
/// kMaxFormatText bytes of text, which the encoder's caller keeps to as well.
[[nodiscard]] FormatCells decode_format(ByteSpan tile, std::span<const std::string_view> formats,
                                        const Genotypes& genotypes, std::string_view subject);

inline constexpr std::uint64_t kMaxFormatText = std::uint64_t{1} << 30;

}  // namespace cnf::vcfs3
