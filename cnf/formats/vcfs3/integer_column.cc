// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/integer_column.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "cnf/core/compress/integers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/columns.h"

namespace cnf::vcfs3 {
namespace {

// The head's first byte: transform | layout << 2 | bytes of a value << 4.
enum class Transform : std::uint8_t { unsigned_values, zigzag_values, deltas };
enum class Layout : std::uint8_t { varints, planes, values, constant };
constexpr unsigned kMaxWidth = 8;

std::vector<std::uint64_t> apply(Transform transform, std::span<const std::int64_t> values) {
  std::vector<std::uint64_t> result(values.size());
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<std::uint64_t>(values[i]);
    switch (transform) {
      case Transform::unsigned_values:
        result[i] = value;
        break;
      case Transform::zigzag_values:
        result[i] = zigzag(values[i]);
        break;
      case Transform::deltas:
        result[i] = zigzag(static_cast<std::int64_t>(value - last));
        last = value;
        break;
    }
  }
  return result;
}

EncodedColumn start(Transform transform, Layout layout, unsigned width) {
  EncodedColumn column;
  column.writer().put(static_cast<std::uint8_t>(static_cast<unsigned>(transform) |
                                                static_cast<unsigned>(layout) << 2U | width << 4U));
  return column;
}

EncodedColumn as_varints(Transform transform, std::span<const std::uint64_t> values) {
  EncodedColumn column = start(transform, Layout::varints, 0);
  Buffer stream;
  ByteWriter writer(stream);
  compress::put_varints(values, writer);
  column.add(std::move(stream));
  return column;
}

EncodedColumn as_values(Transform transform, std::span<const std::uint64_t> values,
                        unsigned width) {
  EncodedColumn column = start(transform, Layout::values, width);
  Buffer stream(values.size() * width);
  std::byte* to = stream.data();
  for (const std::uint64_t value : values) {
    std::memcpy(to, &value, width);
    to += width;
  }
  column.add(std::move(stream));
  return column;
}

EncodedColumn as_planes(Transform transform, std::span<const std::uint64_t> values,
                        unsigned width) {
  EncodedColumn column = start(transform, Layout::planes, width);
  std::uint8_t constant_planes = 0;
  Buffer constants;
  for (unsigned plane = 0; plane < width; ++plane) {
    Buffer stream(values.size());
    std::ranges::transform(values, stream.data(), [plane](std::uint64_t value) {
      return static_cast<std::byte>(value >> 8U * plane);
    });
    const std::byte first = stream.span()[0];
    if (std::ranges::all_of(stream.span(), [first](std::byte byte) { return byte == first; })) {
      constant_planes = static_cast<std::uint8_t>(constant_planes | 1U << plane);
      constants.append({&first, 1});
    } else {
      column.add(std::move(stream));
    }
  }
  column.writer().put(constant_planes);
  column.head.append(constants);
  return column;
}

void undo(Transform transform, std::span<std::uint64_t> values, std::span<std::int64_t> result) {
  std::uint64_t last = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    switch (transform) {
      case Transform::unsigned_values:
        result[i] = static_cast<std::int64_t>(values[i]);
        break;
      case Transform::zigzag_values:
        result[i] = unzigzag(values[i]);
        break;
      case Transform::deltas:
        last += static_cast<std::uint64_t>(unzigzag(values[i]));
        result[i] = static_cast<std::int64_t>(last);
        break;
    }
  }
}

void get_values(ColumnReader& in, unsigned width, std::span<std::uint64_t> values) {
  const Buffer stream = in.take();
  if (stream.size() != values.size() * width) in.head.fail("a column has another length");
  const std::byte* from = stream.data();
  for (std::uint64_t& value : values) {
    std::memcpy(&value, from, width);
    from += width;
  }
}

void get_planes(ColumnReader& in, unsigned width, std::span<std::uint64_t> values) {
  const auto constant_planes = in.head.get<std::uint8_t>();
  for (unsigned plane = 0; plane < width; ++plane) {
    const unsigned shift = 8 * plane;
    if ((constant_planes >> plane & 1U) != 0) {
      const std::uint64_t bits = std::uint64_t{in.head.get<std::uint8_t>()} << shift;
      if (bits == 0) continue;
      for (std::uint64_t& value : values) value |= bits;
      continue;
    }
    const Buffer stream = in.take();
    if (stream.size() != values.size()) in.head.fail("a column has another length");
    const std::byte* from = stream.data();
    for (std::uint64_t& value : values) value |= std::to_integer<std::uint64_t>(*from++) << shift;
  }
}

}  // namespace

EncodedColumn encode_integers(std::span<const std::int64_t> values, const Sizer& sizer) {
  const bool is_constant =
      std::ranges::all_of(values, [&](std::int64_t value) { return value == values[0]; });
  if (is_constant) {
    EncodedColumn column = start(Transform::unsigned_values, Layout::constant, 0);
    column.writer().put_zigzag(values.empty() ? 0 : values[0]);
    return column;
  }
  const bool has_negative = std::ranges::any_of(values, [](std::int64_t v) { return v < 0; });
  Smallest smallest(sizer);
  for (const Transform transform :
       {has_negative ? Transform::zigzag_values : Transform::unsigned_values, Transform::deltas}) {
    const std::vector<std::uint64_t> numbers = apply(transform, values);
    const auto bits = static_cast<unsigned>(std::bit_width(*std::ranges::max_element(numbers)));
    const unsigned width = std::max(1U, (bits + 7) / 8);
    smallest.offer(as_planes(transform, numbers, width));
    if (width == 1) continue;
    smallest.offer(as_varints(transform, numbers));
    if (sizer.is_thorough()) smallest.offer(as_values(transform, numbers, width));
  }
  return std::move(smallest).take();
}

std::vector<std::int64_t> decode_integers(ColumnReader& in, std::size_t count) {
  const unsigned code = in.head.get<std::uint8_t>();
  const auto transform = static_cast<Transform>(code & 3U);
  const auto layout = static_cast<Layout>(code >> 2U & 3U);
  const unsigned width = code >> 4U;
  if (transform > Transform::deltas || width > kMaxWidth) in.head.fail("unknown kind of integers");
  std::vector<std::int64_t> result(count);
  if (layout == Layout::constant) {
    std::ranges::fill(result, in.head.get_zigzag());
    return result;
  }
  std::vector<std::uint64_t> values(count);
  if (layout == Layout::varints) {
    const Buffer stream = in.take();
    ByteReader reader(stream, "integers");
    compress::get_varints(reader, values);
    if (!reader.at_end()) in.head.fail("a column has another length");
  } else if (width == 0) {
    in.head.fail("integers of no bytes");
  } else if (layout == Layout::values) {
    get_values(in, width, values);
  } else {
    get_planes(in, width, values);
  }
  undo(transform, values, result);
  return result;
}

}  // namespace cnf::vcfs3
