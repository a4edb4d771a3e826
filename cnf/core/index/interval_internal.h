// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cnf/core/index/interval.h"
#include "cnf/core/index/page_internal.h"
#include "cnf/core/util/bytes.h"

namespace cnf::index {

struct IntervalTraits::Bounds {
  struct Place {
    std::uint32_t sequence = 0;
    std::int64_t start = 0;
    auto operator<=>(const Place&) const = default;
  };
  Place first;  ///< Of the first row.
  Place last;   ///< Of the last row.
  /// The greatest end among the rows of the last sequence. Rows of earlier sequences reach to the
  /// end of those, as good as; one end for all would let chr1's hide where chr2's rows end.
  std::int64_t max_end = 0;
  bool operator==(const Bounds&) const = default;
};

struct IntervalTraits::Codec {
  static constexpr TreeKind kKind = TreeKind::interval;
  static constexpr std::size_t kMinKeyBytes = 3;
  static constexpr std::size_t kMinBoundsBytes = 5;
  using Prepared = std::vector<Interval>;  // in order, apart, none empty

  static void check(const Interval& key, const Interval* previous);
  static std::size_t size(const Interval& key) noexcept;
  static std::size_t size(const Bounds& bounds) noexcept;

  static void put_keys(std::span<const Interval> keys, ByteWriter& out);
  static std::vector<Interval> get_keys(ByteReader& in, std::size_t count);
  static void put_bounds(std::span<const Bounds> all, ByteWriter& out);
  static std::vector<Bounds> get_bounds(ByteReader& in, std::size_t count);

  static Bounds bounds_of(const Interval& key) noexcept;
  static void extend(Bounds& bounds, const Bounds& next) noexcept;

  static Prepared prepare(std::vector<Interval> query);
  static bool matches(const Prepared& wanted, const Interval& key) noexcept;
  static bool may_match(const Prepared& wanted, const Bounds& bounds) noexcept;
};

}  // namespace cnf::index
