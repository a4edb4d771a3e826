// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "cnf/core/index/page_internal.h"
#include "cnf/core/index/rtree.h"
#include "cnf/core/util/bytes.h"

namespace cnf::index {

/// The boxes of a query, in a Boost.Geometry R-tree: however many particles are asked for at once,
/// each row and each page is held against few of them.
class WantedBoxes {
 public:
  explicit WantedBoxes(std::span<const SpatialBox> boxes);
  /// True if any of them meets it.
  [[nodiscard]] bool meet(const SpatialBox& box) const;

 private:
  struct Packed;
  std::shared_ptr<const Packed> packed_;
};

struct RTreeTraits::Bounds {
  SpatialBox box;  ///< The least that all rows lie in.
  bool operator==(const Bounds&) const = default;
};

struct RTreeTraits::Codec {
  static constexpr TreeKind kKind = TreeKind::rtree;
  static constexpr std::size_t kMinKeyBytes = 3 * sizeof(double);  // a point; and a byte a page
  static constexpr std::size_t kMinBoundsBytes = 6 * sizeof(double);
  using Prepared = WantedBoxes;

  static void check(const SpatialBox& key, const SpatialBox* previous);
  static std::size_t size(const SpatialBox& key) noexcept;
  static std::size_t size(const Bounds& bounds) noexcept;

  static void put_keys(std::span<const SpatialBox> keys, ByteWriter& out);
  static std::vector<SpatialBox> get_keys(ByteReader& in, std::size_t count);
  static void put_bounds(std::span<const Bounds> all, ByteWriter& out);
  static std::vector<Bounds> get_bounds(ByteReader& in, std::size_t count);

  static Bounds bounds_of(const SpatialBox& key) noexcept { return {key}; }
  static void extend(Bounds& bounds, const Bounds& next) noexcept;

  static Prepared prepare(const std::vector<SpatialBox>& query);
  static bool matches(const Prepared& wanted, const SpatialBox& key) { return wanted.meet(key); }
  static bool may_match(const Prepared& wanted, const Bounds& bounds) {
    return wanted.meet(bounds.box);
  }
};

}  // namespace cnf::index
