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
///
/// [a, b) and [s, e) of one sequence overlap if a < e and s < b. An empty interval [p, p), in the
/// tree or in a query, counts as the position it stands at, [p, p + 1). Starts may be negative. An
/// interval that ends before it starts, or starts at the greatest int64, is invalid_argument. No
/// query interval finds nothing.
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
