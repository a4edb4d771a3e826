// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/index/rtree.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <boost/geometry.hpp>  // what the index's own headers need and do not name
#include <boost/geometry/index/rtree.hpp>
#include <fmt/core.h>

#include "cnf/core/index/page_internal.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/index/paged_tree_internal.h"  // IWYU pragma: keep: instantiated here
#include "cnf/core/index/rtree_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace cnf::index {
namespace {

using Bounds = RTreeTraits::Bounds;
using Point = boost::geometry::model::point<double, 3, boost::geometry::cs::cartesian>;
using GeometryBox = boost::geometry::model::box<Point>;

constexpr std::size_t kAxes = 3;

bool is_sound(const SpatialBox& box) noexcept {
  for (std::size_t axis = 0; axis < kAxes; ++axis) {
    if (!std::isfinite(box.low[axis]) || !std::isfinite(box.high[axis])) return false;
    if (box.low[axis] > box.high[axis]) return false;
  }
  return true;
}

void require_sound(const SpatialBox& box, std::string_view doing) {
  if (is_sound(box)) return;
  throw Error(Errc::invalid_argument, doing,
              fmt::format("box ({}, {}, {}) to ({}, {}, {})", box.low[0], box.low[1], box.low[2],
                          box.high[0], box.high[1], box.high[2]),
              "it ends before it begins, or a coordinate is not finite");
}

GeometryBox to_geometry(const SpatialBox& box) {
  return {Point(box.low[0], box.low[1], box.low[2]), Point(box.high[0], box.high[1], box.high[2])};
}

template <typename ValueOf>
void put_column(std::size_t count, const ValueOf& value_of, ByteWriter& out) {
  for (std::size_t i = 0; i < count; ++i) out.put(static_cast<double>(value_of(i)));
}

std::vector<double> get_column(ByteReader& in, std::size_t count) {
  std::vector<double> values(count);
  const ByteSpan bytes = in.get_bytes(count * sizeof(double));
  if (count != 0) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// What stands before an axis' high coordinates.
enum class Highs : std::uint8_t {
  same = 0,  // as the low ones, and not said again: points
  said = 1,
};

// A place on each axis becomes the bits of a distance along the Hilbert curve: J. Skilling,
// "Programming the Hilbert curve", AIP Conf. Proc. 707 (2004) 381, AxesToTranspose, and the
// transpose's bits taken in turn.
std::uint64_t hilbert_distance(std::span<std::uint32_t> at, unsigned bits) noexcept {
  const std::size_t axes = at.size();
  const std::uint32_t top = std::uint32_t{1} << (bits - 1);
  for (std::uint32_t bit = top; bit > 1; bit >>= 1) {
    const std::uint32_t below = bit - 1;
    for (std::size_t i = 0; i < axes; ++i) {
      if ((at[i] & bit) != 0) {
        at[0] ^= below;
      } else {
        const std::uint32_t swapped = (at[0] ^ at[i]) & below;
        at[0] ^= swapped;
        at[i] ^= swapped;
      }
    }
  }
  for (std::size_t i = 1; i < axes; ++i) at[i] ^= at[i - 1];
  std::uint32_t turned = 0;
  for (std::uint32_t bit = top; bit > 1; bit >>= 1) {
    if ((at[axes - 1] & bit) != 0) turned ^= bit - 1;
  }
  std::uint64_t distance = 0;
  for (unsigned b = bits; b-- > 0;) {
    for (const std::uint32_t coordinate : at) {
      distance = distance << 1 | (((coordinate ^ turned) >> b) & 1U);
    }
  }
  return distance;
}

// Halves, so that no sum or difference of finite numbers overflows.
double half_centre(const SpatialBox& box, std::size_t axis) noexcept {
  return box.low[axis] / 4 + box.high[axis] / 4;
}

// An axis along which the boxes' centres differ, and how it becomes integers of `bits` bits.
struct CurveAxis {
  std::size_t axis = 0;
  double low = 0;
  double extent = 0;

  [[nodiscard]] std::uint32_t cell(const SpatialBox& box, unsigned bits) const noexcept {
    const auto cells = static_cast<double>(std::uint64_t{1} << bits);
    const double place = (half_centre(box, axis) - low) / extent * cells;
    return static_cast<std::uint32_t>(std::min(place, cells - 1));
  }
};

std::vector<CurveAxis> curve_axes(std::span<const SpatialBox> boxes) {
  std::vector<CurveAxis> axes;
  for (std::size_t axis = 0; axis < kAxes && !boxes.empty(); ++axis) {
    const auto centre = [axis](const SpatialBox& box) { return half_centre(box, axis); };
    const auto [least, most] = std::ranges::minmax_element(boxes, {}, centre);
    const double extent = centre(*most) - centre(*least);
    if (extent > 0) axes.push_back({axis, centre(*least), extent});
  }
  return axes;
}

}  // namespace

struct WantedBoxes::Packed {
  boost::geometry::index::rtree<GeometryBox, boost::geometry::index::linear<16>> tree;
};

WantedBoxes::WantedBoxes(std::span<const SpatialBox> boxes) {
  std::vector<GeometryBox> all(boxes.size());
  std::ranges::transform(boxes, all.begin(), to_geometry);
  packed_ = std::make_shared<const Packed>(Packed{decltype(Packed::tree)(all)});
}

bool WantedBoxes::meet(const SpatialBox& box) const {
  const auto& tree = packed_->tree;
  return tree.qbegin(boost::geometry::index::intersects(to_geometry(box))) != tree.qend();
}

void RTreeTraits::Codec::check(const SpatialBox& key, const SpatialBox* /*previous*/) {
  require_sound(key, "add to index");
}

std::size_t RTreeTraits::Codec::size(const SpatialBox& /*key*/) noexcept {
  return 2 * kAxes * sizeof(double);
}

std::size_t RTreeTraits::Codec::size(const Bounds& /*bounds*/) noexcept {
  return 2 * kAxes * sizeof(double);
}

void RTreeTraits::Codec::put_keys(std::span<const SpatialBox> keys, ByteWriter& out) {
  for (std::size_t axis = 0; axis < kAxes; ++axis) {
    put_column(
        keys.size(), [&](std::size_t i) { return keys[i].low[axis]; }, out);
    const bool points = std::ranges::all_of(
        keys, [axis](const SpatialBox& key) { return key.low[axis] == key.high[axis]; });
    out.put(static_cast<std::uint8_t>(points ? Highs::same : Highs::said));
    if (points) continue;
    put_column(
        keys.size(), [&](std::size_t i) { return keys[i].high[axis]; }, out);
  }
}

std::vector<SpatialBox> RTreeTraits::Codec::get_keys(ByteReader& in, std::size_t count) {
  std::vector<SpatialBox> keys(count);
  for (std::size_t axis = 0; axis < kAxes; ++axis) {
    const std::vector<double> low = get_column(in, count);
    const auto highs = in.get<std::uint8_t>();
    if (highs > static_cast<std::uint8_t>(Highs::said)) in.fail("boxes of an unknown coding");
    const bool said = highs == static_cast<std::uint8_t>(Highs::said);
    const std::vector<double> high = said ? get_column(in, count) : low;
    for (std::size_t i = 0; i < count; ++i) {
      keys[i].low[axis] = low[i];
      keys[i].high[axis] = high[i];
    }
  }
  if (!std::ranges::all_of(keys, is_sound)) in.fail("a box that is none");
  return keys;
}

void RTreeTraits::Codec::put_bounds(std::span<const Bounds> all, ByteWriter& out) {
  for (std::size_t axis = 0; axis < kAxes; ++axis) {
    put_column(
        all.size(), [&](std::size_t i) { return all[i].box.low[axis]; }, out);
    put_column(
        all.size(), [&](std::size_t i) { return all[i].box.high[axis]; }, out);
  }
}

std::vector<Bounds> RTreeTraits::Codec::get_bounds(ByteReader& in, std::size_t count) {
  std::vector<Bounds> all(count);
  for (std::size_t axis = 0; axis < kAxes; ++axis) {
    const std::vector<double> low = get_column(in, count);
    const std::vector<double> high = get_column(in, count);
    for (std::size_t i = 0; i < count; ++i) {
      all[i].box.low[axis] = low[i];
      all[i].box.high[axis] = high[i];
    }
  }
  const auto sound = [](const Bounds& bounds) { return is_sound(bounds.box); };
  if (!std::ranges::all_of(all, sound)) in.fail("bounds of a child that are no box");
  return all;
}

void RTreeTraits::Codec::extend(Bounds& bounds, const Bounds& next) noexcept {
  for (std::size_t axis = 0; axis < kAxes; ++axis) {
    bounds.box.low[axis] = std::min(bounds.box.low[axis], next.box.low[axis]);
    bounds.box.high[axis] = std::max(bounds.box.high[axis], next.box.high[axis]);
  }
}

WantedBoxes RTreeTraits::Codec::prepare(const std::vector<SpatialBox>& query) {
  for (const SpatialBox& box : query) require_sound(box, "query index");
  return WantedBoxes(query);
}

std::vector<std::uint64_t> hilbert_order(std::span<const SpatialBox> boxes) {
  struct Placed {
    std::uint64_t distance = 0;
    std::uint64_t place = 0;
    auto operator<=>(const Placed&) const = default;
  };
  for (const SpatialBox& box : boxes) require_sound(box, "order");
  const std::vector<CurveAxis> axes = curve_axes(boxes);
  // As fine as 64 bits tell: 21 bits an axis in space, 31 in a plane and on a line.
  const unsigned bits = axes.size() == kAxes ? 21 : 31;
  std::vector<Placed> placed(boxes.size());
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    std::array<std::uint32_t, kAxes> at{};
    for (std::size_t a = 0; a < axes.size(); ++a) at[a] = axes[a].cell(boxes[i], bits);
    if (!axes.empty())
      placed[i].distance = hilbert_distance(std::span(at).first(axes.size()), bits);
    placed[i].place = i;
  }
  std::ranges::sort(placed);
  std::vector<std::uint64_t> order(boxes.size());
  std::ranges::transform(placed, order.begin(), &Placed::place);
  return order;
}

template class TreeBuilder<RTreeTraits>;
template class Tree<RTreeTraits>;

}  // namespace cnf::index
