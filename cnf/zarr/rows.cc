// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/rows_internal.h"

namespace cnf::zarr {
namespace {

/// Rows of one length, `count` of them at constant distances.
struct Run {
  std::size_t count = 0;
  std::size_t from = 0, to = 0;  // bytes from row to row
};

/// With the length known when it is compiled, a row is a few moves and no call.
template <std::size_t kBytes>
void copy_fixed(const Run& run, const std::byte* from, std::byte* to) {
  for (std::size_t row = 0; row < run.count; ++row) {
    std::memcpy(to, from, kBytes);
    from += run.from;
    to += run.to;
  }
}

void copy_rows(const Run& run, std::size_t bytes, const std::byte* from, std::byte* to) {
  switch (bytes) {
    case 1:
      return copy_fixed<1>(run, from, to);
    case 2:
      return copy_fixed<2>(run, from, to);
    case 4:
      return copy_fixed<4>(run, from, to);
    case 8:
      return copy_fixed<8>(run, from, to);
    case 16:
      return copy_fixed<16>(run, from, to);
    case 32:
      return copy_fixed<32>(run, from, to);
    case 64:
      return copy_fixed<64>(run, from, to);
    case 128:
      return copy_fixed<128>(run, from, to);
    default:
      for (std::size_t row = 0; row < run.count; ++row) {
        std::memcpy(to, from, bytes);
        from += run.from;
        to += run.to;
      }
  }
}

void fill_row(ByteSpan element, std::byte* to, std::size_t bytes) {
  const bool one_byte = std::ranges::all_of(element, [&](std::byte b) { return b == element[0]; });
  if (one_byte) {
    std::memset(to, std::to_integer<int>(element[0]), bytes);
    return;
  }
  std::memcpy(to, element.data(), element.size());
  for (std::size_t filled = element.size(); filled < bytes;) {  // twice as much each time
    const std::size_t more = std::min(filled, bytes - filled);
    std::memcpy(to + filled, to, more);
    filled += more;
  }
}

}  // namespace

Strides c_strides(const Shape& shape, std::size_t element_bytes) {
  Strides strides{};
  std::size_t stride = element_bytes;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

std::size_t offset_of(const Shape& place, const Strides& strides) noexcept {
  std::size_t offset = 0;
  for (std::size_t axis = 0; axis < place.size(); ++axis) offset += place[axis] * strides[axis];
  return offset;
}

Rows::Rows(const Shape& counts, std::size_t element_bytes, const Strides& from, const Strides& to,
           std::size_t source, std::size_t target)
    : row_bytes_(element_bytes), source_(source), target_(target) {
  // Innermost first: axes that go on where the row ends are part of it.
  std::array<Axis, kMaxDimensions> inner_first{};
  std::size_t found = 0;
  for (std::size_t axis = counts.size(); axis-- > 0;) {
    if (counts[axis] == 0) done_ = true;
    if (counts[axis] == 1) continue;
    if (found == 0 && from[axis] == row_bytes_ && to[axis] == row_bytes_) {
      row_bytes_ *= counts[axis];
      continue;
    }
    Axis* const inner = found == 0 ? nullptr : &inner_first[found - 1];
    if (inner != nullptr && from[axis] == inner->from * inner->count &&
        to[axis] == inner->to * inner->count) {
      inner->count *= counts[axis];
      continue;
    }
    inner_first[found++] = {.count = counts[axis], .from = from[axis], .to = to[axis]};
  }
  size_ = std::max<std::size_t>(found, 1);
  for (std::size_t axis = 0; axis < found; ++axis) axes_[axis] = inner_first[found - 1 - axis];
}

void Rows::advance(std::size_t rows) noexcept {
  within_ = 0;
  Axis& inner = axes_[size_ - 1];
  inner.at += rows;
  source_ += rows * inner.from;
  target_ += rows * inner.to;
  for (std::size_t axis = size_ - 1; axes_[axis].at == axes_[axis].count; --axis) {
    if (axis == 0) {
      done_ = true;
      return;
    }
    source_ = source_ - axes_[axis].count * axes_[axis].from + axes_[axis - 1].from;
    target_ = target_ - axes_[axis].count * axes_[axis].to + axes_[axis - 1].to;
    axes_[axis].at = 0;
    ++axes_[axis - 1].at;
  }
}

std::size_t Rows::whole_rows(std::size_t end) const noexcept {
  const Axis& inner = axes_[size_ - 1];
  const std::size_t left = inner.count - inner.at;
  if (end < source_ + row_bytes_) return 0;
  // An axis of one row has no distance between rows.
  return inner.from == 0 ? left : std::min(left, (end - source_ - row_bytes_) / inner.from + 1);
}

void Rows::skip_to(std::size_t end) {
  while (!done_ && source() < end) {
    const std::size_t rows = whole_rows(end);
    if (rows > 0) {
      advance(rows);
    } else {
      within_ = end - source_;
    }
  }
}

void Rows::copy_to(std::size_t end, const std::byte* bytes, std::size_t begin, std::byte* target) {
  while (!done_ && source() < end) {
    if (const std::size_t rows = within_ == 0 ? whole_rows(end) : 0; rows > 0) {
      const Axis& inner = axes_[size_ - 1];
      copy_rows({rows, inner.from, inner.to}, row_bytes_, bytes + (source_ - begin),
                target + target_);
      advance(rows);
      continue;
    }
    const std::size_t piece = std::min(end - source(), contiguous());
    std::memcpy(target + this->target(), bytes + (source() - begin), piece);
    within_ += piece;
    if (within_ == row_bytes_) advance(1);
  }
}

void Rows::fill(ByteSpan element, std::byte* target) {
  while (!done_) {
    fill_row(element, target + target_, row_bytes_);
    advance(1);
  }
}

void transpose_back(const Shape& shape, const Shape& order, std::size_t element_bytes,
                    ByteSpan stored, MutableByteSpan raw) {
  const Strides raw_strides = c_strides(shape, element_bytes);
  Shape stored_shape = shape;
  Strides to{};
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    stored_shape[axis] = shape[order[axis]];
    to[axis] = raw_strides[order[axis]];
  }
  Rows rows(stored_shape, element_bytes, c_strides(stored_shape, element_bytes), to, 0, 0);
  rows.copy_to(stored.size(), stored.data(), 0, raw.data());
}

}  // namespace cnf::zarr
