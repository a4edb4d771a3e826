// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include "cnf/core/index/paged_tree.h"

namespace cnf::index {

/// A half-open interval on one of many sequences (contigs, tiers): 0-based [start, end).
struct Interval {
  std::uint32_t sequence = 0;
  std::int64_t start = 0;
  std::int64_t end = 0;
  auto operator<=>(const Interval&) const = default;
};

/// Intervals in order of (sequence, start); a query finds all that overlap any of its intervals.
/// An empty interval [p, p) in the tree overlaps what contains p. The bounds of a child are its
/// first and last (sequence, start) and its greatest end.
struct IntervalTraits {
  using Key = Interval;
  using Query = std::vector<Interval>;
  struct Bounds;
  struct Codec;
};

using IntervalTreeBuilder = TreeBuilder<IntervalTraits>;
using IntervalTree = Tree<IntervalTraits>;

extern template class TreeBuilder<IntervalTraits>;
extern template class Tree<IntervalTraits>;

}  // namespace cnf::index
