// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <span>
#include <vector>

#include "cnf/core/index/paged_tree.h"

namespace cnf::index {

/// A closed box in up to three dimensions, in the caller's unit; a point where low == high. Axes in
/// the caller's order; one that is not used is 0 to 0. Every coordinate is finite.
struct SpatialBox {
  std::array<double, 3> low{};
  std::array<double, 3> high{};
  auto operator<=>(const SpatialBox&) const = default;
};

/// Boxes in any order, best in that of hilbert_order(), which makes a page a compact part of space.
/// A query finds all that meet any of its boxes, touching included.
struct RTreeTraits {
  using Key = SpatialBox;
  using Query = std::vector<SpatialBox>;
  struct Bounds;
  struct Codec;
};

using RTreeBuilder = TreeBuilder<RTreeTraits>;
using RTree = Tree<RTreeTraits>;

extern template class TreeBuilder<RTreeTraits>;
extern template class Tree<RTreeTraits>;

/// The order in which boxes are to be added to the builder: of their centres along a Hilbert curve
/// over all of them, along the axes in which they differ; ties by their place in `boxes`. Throws
/// Error invalid_argument for a box that is none. Cost: O(n log n), 16 bytes a box.
[[nodiscard]] std::vector<std::uint64_t> hilbert_order(std::span<const SpatialBox> boxes);

}  // namespace cnf::index
