// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <utility>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/cell_gatherer_internal.h"
#include "cnf/formats/vcfs3/format_cells.h"

namespace cnf::vcfs3 {

std::uint64_t rest_bytes(const FormatCells& cells, std::size_t first, std::size_t last) noexcept {
  if (cells.empty()) return 0;
  return cells.offsets[last * cells.samples] - cells.offsets[first * cells.samples];
}

void CellGatherer::append(FormatCells& from, std::size_t first, std::size_t count) {
  const std::size_t before = cells_.records * cells_.samples;
  cells_.records += count;
  const std::size_t after = cells_.records * cells_.samples;
  const std::uint64_t size = rest_bytes(from, first, first + count);
  if (size == 0) {
    if (!cells_.offsets.empty()) cells_.offsets.resize(after + 1, cells_.offsets.back());
    return;
  }
  if (cells_.offsets.empty()) cells_.offsets.resize(before + 1);
  const std::uint32_t* const source = &from.offsets[first * from.samples];
  const std::uint32_t base = cells_.offsets[before];
  cells_.offsets.resize(after + 1);
  for (std::size_t i = 1; i <= after - before; ++i) {
    cells_.offsets[before + i] = base + (source[i] - *source);
  }
  pieces_.push_back(size == from.text.size()
                        ? std::move(from.text)
                        : Buffer::copy_of(from.text.span().subspan(*source, size)));
}

FormatCells CellGatherer::take() {
  if (pieces_.size() == 1) {
    cells_.text = std::move(pieces_[0]);
  } else if (!pieces_.empty()) {
    cells_.text.reserve(cells_.offsets.back());
    for (Buffer& piece : pieces_) {
      cells_.text.append(piece);
      piece = Buffer();
    }
  }
  return std::move(cells_);
}

}  // namespace cnf::vcfs3
