// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/formats/vcfs3/format_cells.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/site_table.h"
#include "cnf/formats/vcfs3/source.h"

namespace cnf::vcfs3 {

/// The records of a slab, in the order of its lines.
struct ParsedSlab {
  /// A run of records of one contig; it ends where the next one begins.
  struct Run {
    std::string contig = {};
    std::size_t first = 0;  ///< Record.
  };
  std::vector<Run> runs = {};  ///< Of all records but the first `unplaced`.
  /// The first so many records are raw and tell no place of their own: they are filed where the
  /// record before the slab is. (Those that come later in a slab are filed with their predecessor.)
  std::size_t unplaced = 0;
  SiteTable table = {};
  Genotypes genotypes = {};
  FormatCells cells = {};
  std::vector<std::string> residuals = {};  ///< As the slab's.
  bool final_newline = true;  ///< False if the last line has no end: it is the file's last.
};

/// A record's contig has a name no longer than this, or the line is raw. In bytes.
inline constexpr std::size_t kMaxContigName = 1024;
/// POS of more than this makes a line raw, so that ends of records never overflow.
inline constexpr std::int64_t kMaxPos = std::int64_t{1} << 62;

/// Takes a slab apart. Pure; called concurrently.
///
/// A line is kept raw if it has another number of columns than #CHROM, an empty column before those
/// of the samples, a NUL or a stray carriage return, a contig's name that begins with '#' or is too
/// long, or a POS that is no integer from 0 to kMaxPos without sign or leading zeros. Lines are
/// split at LF; where the header says CR LF, a line that ends in LF alone is raw, with that LF.
/// Cost: one pass, a table look-up per genotype; memory for cells is of the order of the slab.
/// Throws Error corrupt_data if the slab has residuals and their number is not that of its lines.
[[nodiscard]] ParsedSlab parse_slab(Slab slab, const Header& header);

/// True if a line that begins so tells a contig and a position: no record before it has a say in
/// where it is filed. Its first two columns and the tab behind them are enough.
[[nodiscard]] bool tells_place(std::string_view line);

}  // namespace cnf::vcfs3
