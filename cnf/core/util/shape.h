// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace cnf {

/// No array here has more axes.
inline constexpr std::size_t kMaxDimensions = 8;

/// Up to eight counts, one an axis, the slowest axis first: the shape of an array, or the place of
/// an element or a chunk in one. A value; no allocation.
class Shape {
 public:
  Shape() = default;
  /// Throws Error invalid_argument beyond kMaxDimensions.
  Shape(std::initializer_list<std::uint64_t> counts);
  explicit Shape(std::span<const std::uint64_t> counts);
  /// `dimensions` times the same count.
  [[nodiscard]] static Shape filled(std::size_t dimensions, std::uint64_t count);

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint64_t& operator[](std::size_t axis) noexcept { return counts_[axis]; }
  [[nodiscard]] std::uint64_t operator[](std::size_t axis) const noexcept { return counts_[axis]; }
  [[nodiscard]] const std::uint64_t* begin() const noexcept { return counts_.data(); }
  [[nodiscard]] const std::uint64_t* end() const noexcept { return counts_.data() + size_; }
  void push_back(std::uint64_t count);

  /// The product of all counts; 1 for no axis. Throws Error invalid_argument beyond 2^63 - 1.
  [[nodiscard]] std::uint64_t elements() const;

  bool operator==(const Shape&) const = default;

 private:
  std::array<std::uint64_t, kMaxDimensions> counts_{};  // zero beyond size_
  std::size_t size_ = 0;
};

/// "500x928x960", as messages have it.
[[nodiscard]] std::string to_string(const Shape& shape);

/// The elements [begin, end) along every axis, 0-based.
struct Box {
  Shape begin;
  Shape end;

  /// All of an array.
  [[nodiscard]] static Box of(const Shape& shape) {
    return {Shape::filled(shape.size(), 0), shape};
  }
  /// end - begin. The box must not end before it begins.
  [[nodiscard]] Shape shape() const;
  [[nodiscard]] bool empty() const noexcept;

  bool operator==(const Box&) const = default;
};

/// What lies in both; an empty box where they do not meet. They have the same number of axes.
[[nodiscard]] Box intersect(const Box& a, const Box& b);

/// Throws Error invalid_argument, naming `subject`, unless `box` has `shape`'s axes, does not end
/// before it begins, and lies within.
void check_within(const Box& box, const Shape& shape, std::string_view subject);

}  // namespace cnf
