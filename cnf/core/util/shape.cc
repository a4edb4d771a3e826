// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/shape.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cnf/core/util/error.h"

namespace cnf {

Shape::Shape(std::initializer_list<std::uint64_t> counts)
    : Shape(std::span(counts.begin(), counts.size())) {}

Shape::Shape(std::span<const std::uint64_t> counts) {
  for (const std::uint64_t count : counts) push_back(count);
}

Shape Shape::filled(std::size_t dimensions, std::uint64_t count) {
  Shape shape;
  for (std::size_t axis = 0; axis < dimensions; ++axis) shape.push_back(count);
  return shape;
}

void Shape::push_back(std::uint64_t count) {
  if (size_ == kMaxDimensions) {
    throw Error(Errc::invalid_argument, "make", "a shape", "an array has at most 8 axes here");
  }
  counts_[size_++] = count;
}

std::uint64_t Shape::elements() const {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (std::ranges::find(*this, 0) != end()) return 0;
  std::uint64_t product = 1;
  for (const std::uint64_t count : *this) {
    if (count > kMost / product) {
      throw Error(Errc::invalid_argument, "count the elements of", to_string(*this),
                  "they are more than 2^63");
    }
    product *= count;
  }
  return product;
}

std::string to_string(const Shape& shape) { return fmt::format("{}", fmt::join(shape, "x")); }

Shape Box::shape() const {
  Shape shape = end;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) shape[axis] -= begin[axis];
  return shape;
}

bool Box::empty() const noexcept {
  for (std::size_t axis = 0; axis < end.size(); ++axis) {
    if (begin[axis] >= end[axis]) return true;
  }
  return false;
}

Box intersect(const Box& a, const Box& b) {
  Box both = a;
  for (std::size_t axis = 0; axis < both.end.size(); ++axis) {
    both.begin[axis] = std::max(a.begin[axis], b.begin[axis]);
    both.end[axis] = std::max(both.begin[axis], std::min(a.end[axis], b.end[axis]));
  }
  return both;
}

void check_within(const Box& box, const Shape& shape, std::string_view subject) {
  const auto refuse = [&](std::string_view why) {
    throw Error(Errc::invalid_argument, "read from", subject,
                fmt::format("the box {} to {} {} {}", to_string(box.begin), to_string(box.end), why,
                            to_string(shape)));
  };
  if (box.begin.size() != shape.size() || box.end.size() != shape.size()) {
    refuse("has not the axes of");
  }
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (box.begin[axis] > box.end[axis]) refuse("ends before it begins, in");
    if (box.end[axis] > shape[axis]) refuse("does not lie within");
  }
}

}  // namespace cnf
