// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cnf/core/chunk/chunk.h"
#include "cnf/core/util/shape.h"

namespace cnf::chunk {

/// A regular grid over an array: chunk (i, j, …) holds the elements [i × chunk, (i + 1) × chunk) of
/// each axis. Chunks at the far edges stick out of the array. Division finds a chunk: no index.
class Grid {
 public:
  /// Throws Error invalid_argument unless both have the same axes and no chunk side is 0.
  Grid(const Shape& array, const Shape& chunk);

  [[nodiscard]] const Shape& array() const noexcept { return array_; }
  [[nodiscard]] const Shape& chunk() const noexcept { return chunk_; }
  /// Chunks along each axis.
  [[nodiscard]] const Shape& counts() const noexcept { return counts_; }

  /// The elements of a chunk, cut at the array's end.
  [[nodiscard]] Box elements_of(const Shape& chunk_at) const;
  /// The chunks, half-open along each axis, that a box of elements meets.
  [[nodiscard]] Box chunks_of(const Box& elements) const;
  /// Counted in C order (last axis fastest).
  [[nodiscard]] std::uint64_t number_of(const Shape& chunk_at) const noexcept;
  [[nodiscard]] Shape chunk_of_number(std::uint64_t number) const noexcept;

 private:
  Shape array_, chunk_, counts_;
};

/// Every place of a box, in C order. Nothing for an empty box.
void for_each_place(const Box& box, const std::function<void(const Shape& at)>& visit);

/// Cuts arrays by a grid; a key's `sequence` is the array (level), its `position` the number of the
/// chunk in it: each chunk is one position. "grid" in the manifest.
class GridStrategy final : public Strategy {
 public:
  /// \param elements  of one chunk; what chunk_size() tells. Throws Error invalid_argument if 0.
  explicit GridStrategy(std::uint64_t elements);
  [[nodiscard]] std::string name() const override { return "grid"; }
  [[nodiscard]] std::uint64_t chunk_size() const noexcept override { return elements_; }
  [[nodiscard]] bool ends_before(const Fill& current, const Key& next) const override;
  [[nodiscard]] std::vector<ChunkInfo> plan(const Key& begin, const Key& end) const override;

 private:
  std::uint64_t elements_;
};

}  // namespace cnf::chunk
