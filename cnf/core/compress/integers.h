// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "cnf/core/util/bytes.h"

namespace cnf::compress {

/// Coders for columns of integers. Each writes no length: the reader knows how many there are, and
/// must have bounded that number by the input before it asks (every value takes at least a byte).
/// All get_ functions throw Error corrupt_data; then `values` is unspecified.

/// LEB128, one after another.
void put_varints(std::span<const std::uint64_t> values, ByteWriter& out);
void get_varints(ByteReader& in, std::span<std::uint64_t> values);

/// Zigzag LEB128 of each value's difference from the one before (from 0 for the first), modulo
/// 2^64.
void put_deltas(std::span<const std::int64_t> values, ByteWriter& out);
void get_deltas(ByteReader& in, std::span<std::int64_t> values);

/// A byte that says which, then put_varints (0) or put_deltas of the values modulo 2^64 (1),
/// whichever is shorter: for columns that may ascend or may not.
void put_column(std::span<const std::uint64_t> values, ByteWriter& out);
void get_column(ByteReader& in, std::span<std::uint64_t> values);

/// Bytes of a value as LEB128, 1 to 10.
[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t value) noexcept {
  return (static_cast<std::size_t>(std::bit_width(value | 1U)) + 6) / 7;
}

}  // namespace cnf::compress
