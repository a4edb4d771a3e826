// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"

namespace cnf::compress {

/// Coders for columns of integers. Each writes no length: the reader knows how many there are, and
/// must have bounded that number by the input before it asks. All throw Error corrupt_data.

/// LEB128, one after another.
void put_varints(std::span<const std::uint64_t> values, ByteWriter& out);
void get_varints(ByteReader& in, std::span<std::uint64_t> values);

/// Zigzag LEB128 of each value's difference from the one before (from 0 for the first).
void put_deltas(std::span<const std::int64_t> values, ByteWriter& out);
void get_deltas(ByteReader& in, std::span<std::int64_t> values);

}  // namespace cnf::compress
