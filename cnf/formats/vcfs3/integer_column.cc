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
#include "cnf/formats/vcfs3/integer_model.h"

namespace cnf::vcfs3 {
namespace {

// The head's first byte: transform | layout << 2 | parameter << 5; the parameter is the bytes of a
// value less 1, or for `modelled` what foretells values.
enum class Transform : std::uint8_t { unsigned_values, zigzag_values, deltas };
enum class Layout : std::uint8_t { varints, planes, values, constant, modelled };

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

EncodedColumn start(Transform transform, Layout layout, unsigned parameter = 0) {
  EncodedColumn column;
  column.writer().put(static_cast<std::uint8_t>(
      static_cast<unsigned>(transform) | static_cast<unsigned>(layout) << 2U | parameter << 5U));
  return column;
}

EncodedColumn as_varints(Transform transform, std::span<const std::uint64_t> values) {
  EncodedColumn column = start(transform, Layout::varints);
  Buffer stream;
  ByteWriter writer(stream);
  compress::put_varints(values, writer);
  column.add(std::move(stream));
  return column;
}

EncodedColumn as_values(Transform transform, std::span<const std::uint64_t> values,
                        unsigned width) {
  EncodedColumn column = start(transform, Layout::values, width - 1);
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
  EncodedColumn column = start(transform, Layout::planes, width - 1);
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

EncodedColumn as_modelled(Transform transform, std::span<const std::uint64_t> values,
                          Foretold foretold, std::span<const std::uint8_t> contexts) {
  EncodedColumn column = start(transform, Layout::modelled, static_cast<unsigned>(foretold));
  column.add(encode_modelled(values, foretold, contexts));
  column.uses_contexts = foretold == Foretold::by_contexts;
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

void get_modelled(ColumnReader& in, unsigned foretold, std::span<const std::uint8_t> contexts,
                  std::span<std::uint64_t> values) {
  if (foretold > static_cast<unsigned>(Foretold::by_contexts)) in.head.fail("unknown model");
  const auto by = static_cast<Foretold>(foretold);
  if (by == Foretold::by_contexts && contexts.size() != values.size()) {
    in.head.fail("nothing foretells these values");
  }
  if (!decode_modelled(in.take(), by, contexts, values)) {
    in.head.fail("a column has another length");
  }
}

}  // namespace

EncodedColumn encode_integers(std::span<const std::int64_t> values, const Sizer& sizer,
                              std::span<const std::uint8_t> contexts) {
  const bool is_constant =
      std::ranges::all_of(values, [&](std::int64_t value) { return value == values[0]; });
  if (is_constant) {
    EncodedColumn column = start(Transform::unsigned_values, Layout::constant);
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
    smallest.offer(as_modelled(transform, numbers, Foretold::by_nothing, {}));
    smallest.offer(as_modelled(transform, numbers, Foretold::by_last, {}));
    if (!contexts.empty()) {
      smallest.offer(as_modelled(transform, numbers, Foretold::by_contexts, contexts));
    }
    if (width == 1) continue;
    smallest.offer(as_varints(transform, numbers));
    if (sizer.is_thorough()) smallest.offer(as_values(transform, numbers, width));
  }
  return std::move(smallest).take();
}

std::vector<std::int64_t> decode_integers(ColumnReader& in, std::size_t count,
                                          std::span<const std::uint8_t> contexts) {
  const unsigned code = in.head.get<std::uint8_t>();
  const auto transform = static_cast<Transform>(code & 3U);
  const auto layout = static_cast<Layout>(code >> 2U & 7U);
  const unsigned parameter = code >> 5U;
  if (transform > Transform::deltas || layout > Layout::modelled) {
    in.head.fail("unknown kind of integers");
  }
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
  } else if (layout == Layout::modelled) {
    get_modelled(in, parameter, contexts, values);
  } else if (layout == Layout::values) {
    get_values(in, parameter + 1, values);
  } else {
    get_planes(in, parameter + 1, values);
  }
  undo(transform, values, result);
  return result;
}

}  // namespace cnf::vcfs3
