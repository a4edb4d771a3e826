// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/genotypes.h"

namespace cnf::vcfs3 {

/// Columns of the core section, in their order; the values stand on disk.
enum class CoreColumn : std::size_t {
  page,  ///< u8 flags; varint number of records; raw records
  positions,
  ends,
  alleles,
  ids,
  qual,
  filter,
  format,
  residuals,
};
inline constexpr std::size_t kCoreColumns = 9;
/// Flag of CoreColumn::page: there is an info section; without it every INFO is ".".
inline constexpr std::uint8_t kHasInfo = 1;
inline constexpr std::uint8_t kKnownFlags = kHasInfo;

/// No record begins behind this, so that sums of positions and lengths fit.
inline constexpr std::int64_t kMaxPosition = std::int64_t{1} << 62;

/// What an end is told from; what is stored is the difference to it.
enum class EndKind : std::uint8_t {
  reference = 0,  ///< POS plus the length of REF.
  neighbour = 1,  ///< The next record's position, as in a gVCF; the last one's: as `reference`.
};

/// The carriers section of the records [first, first + count); empty without genotypes.
[[nodiscard]] Buffer encode_carriers(const Genotypes& genotypes, std::size_t first,
                                     std::size_t count, const Sizer& sizer, int level);

}  // namespace cnf::vcfs3
