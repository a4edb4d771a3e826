// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/format_cells.h"

namespace cnf::vcfs3 {

/// Joins the rests of cells of parsed slabs.
class CellGatherer {
 public:
  explicit CellGatherer(std::size_t samples) { cells_.samples = samples; }

  /// Appends the records [first, first + count) of `from`, whose text is taken away if they have
  /// all of it. The sum of all rests must stay below 4 GiB.
  void append(FormatCells& from, std::size_t first, std::size_t count);
  /// Everything, in one piece. Once.
  [[nodiscard]] FormatCells take();

 private:
  FormatCells cells_;           // without its text
  std::vector<Buffer> pieces_;  // of the text: joined once, so that no byte is moved twice
};

/// Bytes of the rests of the records [first, last).
[[nodiscard]] std::uint64_t rest_bytes(const FormatCells& cells, std::size_t first,
                                       std::size_t last) noexcept;

}  // namespace cnf::vcfs3
