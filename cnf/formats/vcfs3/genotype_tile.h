// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/genotypes.h"

namespace cnf::vcfs3 {

/// The genotypes of a bin × a group of samples as bytes (SPEC.md, "Genotype tile").
///
/// Pure. The tile carries the CRC32C of its own bytes. It is empty (no bytes at all) if no record
/// has GT or there is no sample. There is but one form, for every profile: it is smaller and no
/// slower than bit rows under zstd 19. Cost: 5 ns a genotype where most variants are rare, 13 ns
/// where most are common.
[[nodiscard]] Buffer encode_genotypes(const Genotypes& bin, SampleRange samples);

/// Neighbouring records of a bin: [first, first + count), as far as there are any.
struct RecordRange {
  std::size_t first = 0;
  std::size_t count = std::numeric_limits<std::size_t>::max();
};

/// Gives the genotypes of a tile back: texts, codes, escapes as if it alone had been parsed.
///
/// \param present  per record of the bin: 1 if it has GT (the site page says so).
/// \param wanted   the records that are given back, the first of them as record 0. Those before
///                 cost nearly as much, those behind nothing: they are not looked at.
/// Throws Error corrupt_data naming `subject`; nothing is allocated on the tile's word that
/// `present` and `samples` do not justify.
[[nodiscard]] Genotypes decode_genotypes(ByteSpan tile, std::span<const std::uint8_t> present,
                                         std::size_t samples, std::string_view subject,
                                         RecordRange wanted = {});

}  // namespace cnf::vcfs3
