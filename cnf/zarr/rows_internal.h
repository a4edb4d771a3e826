// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/shape.h"

namespace cnf::zarr {

/// Bytes from an element to the next one along each axis.
using Strides = std::array<std::size_t, kMaxDimensions>;

/// Of an array in C order.
[[nodiscard]] Strides c_strides(const Shape& shape, std::size_t element_bytes);
/// Where the element at `place` lies.
[[nodiscard]] std::size_t offset_of(const Shape& place, const Strides& strides) noexcept;

/// A box of elements on its way from one array to another, as rows that are contiguous in both,
/// in ascending order of the source. It can be moved in steps, as the source's bytes come: block by
/// block of a frame.
class Rows {
 public:
  /// \param counts  of the box. \param from, to  strides of both arrays; the source's must descend
  /// along the axes, as in C order. \param source, target  the box's first byte in each.
  Rows(const Shape& counts, std::size_t element_bytes, const Strides& from, const Strides& to,
       std::size_t source, std::size_t target);

  [[nodiscard]] bool done() const noexcept { return done_; }
  /// The offset in the source of the next byte that is wanted. Not when done().
  [[nodiscard]] std::size_t source() const noexcept { return source_ + within_; }
  /// Where that byte goes.
  [[nodiscard]] std::size_t target() const noexcept { return target_ + within_; }
  /// Bytes from there on that are contiguous in both.
  [[nodiscard]] std::size_t contiguous() const noexcept { return row_bytes_ - within_; }

  /// Passes over what lies in the source before `end`.
  void skip_to(std::size_t end);
  /// Copies what lies before byte `end` of the source.
  /// \param bytes  the source from byte `begin` on, up to `end` at least. \param target  the whole
  /// target array.
  void copy_to(std::size_t end, const std::byte* bytes, std::size_t begin, std::byte* target);
  /// Writes one element again and again wherever the box goes; all that is left.
  void fill(ByteSpan element, std::byte* target);

 private:
  struct Axis {
    std::size_t count = 1;
    std::size_t from = 0, to = 0;
    std::size_t at = 0;
  };

  /// Goes `rows` rows on; they lie in the innermost axis.
  void advance(std::size_t rows) noexcept;
  /// Rows from here on in the innermost axis that end at or before byte `end` of the source.
  [[nodiscard]] std::size_t whole_rows(std::size_t end) const noexcept;

  std::array<Axis, kMaxDimensions> axes_{};  // the outermost first, all but those within a row
  std::size_t size_ = 1;                     // axes; one at least
  std::size_t row_bytes_ = 0;
  std::size_t source_ = 0, target_ = 0;  // of the current row
  std::size_t within_ = 0;               // bytes of it that are done
  bool done_ = false;
};

/// Undoes codecs that permute axes. \param order  axis i of what is stored is axis order[i].
void transpose_back(const Shape& shape, const Shape& order, std::size_t element_bytes,
                    ByteSpan stored, MutableByteSpan raw);

}  // namespace cnf::zarr
