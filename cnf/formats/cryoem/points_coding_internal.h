// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/em/particles.h"

namespace cnf::cryoem {

// The bytes of a set of points; SPEC.md has the tables.

/// Rows of a block: so many that one is worth a request's bytes and quickly decoded.
inline constexpr std::size_t kPointBlockTarget = std::size_t{64} << 10;
/// Of one row: its line and its tomogram's name.
inline constexpr std::size_t kMaxPointRow = std::size_t{1} << 20;
inline constexpr std::size_t kMaxPointBlock = kPointBlockTarget + kMaxPointRow + 64;

/// What a row of the R-tree tells besides its place.
enum PointColumn : std::size_t {
  number,         ///< Of the particle, in its file's order.
  block_offset,   ///< In the object of lines.
  block_length,   ///< Stored bytes.
  block_crc32c,   ///< Of those.
  row,            ///< Within the block.
  point_columns,  ///< How many there are.
};

/// A row as it is kept.
struct PointLine {
  std::string tomogram;
  std::string line;
};

/// Rows, stored. Each must be within kMaxPointRow.
[[nodiscard]] Buffer encode_points(std::span<const em::Particle* const> rows);
/// Throws Error corrupt_data with `subject`. Pure.
[[nodiscard]] std::vector<PointLine> decode_points(ByteSpan stored, std::string_view subject);

/// All of a list but its rows.
[[nodiscard]] Buffer encode_points_header(const em::Particles& particles);
/// Throws Error corrupt_data, unsupported (a later version) with `subject`. Pure.
[[nodiscard]] em::Particles decode_points_header(ByteSpan stored, std::string_view subject);

}  // namespace cnf::cryoem
