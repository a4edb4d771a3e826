// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/format_features_internal.h"

namespace cnf::vcfs3 {

/// A stream: a symbol per cell of a list, in their order. The numbers stand on disk, as the low
/// bits of a stream's first byte.
enum class StreamForm : std::uint8_t {
  constant = 0,  ///< All symbols are the same.
  planes = 1,    ///< Byte planes, zstd.
  sorted = 2,    ///< Byte planes of the symbols sorted by the features of their cells, zstd.
  mixed = 3,     ///< Bits by an adaptive range coder, in contexts of the cells (SymbolMixer).
};
/// Set in a stream's first byte: numbers are told as differences from a feature.
inline constexpr std::uint8_t kDifferences = 0x80;
inline constexpr std::size_t kMaxContexts = 3;

/// How a stream's symbols may be foretold.
struct StreamModel {
  bool differences = false;
  Feature base = {};                   ///< For differences.
  std::vector<Feature> contexts = {};  ///< The first tells most; at most kMaxContexts.
};

/// Appends the stream in the smallest of the forms that the level allows.
void put_stream(std::span<const std::uint32_t> symbols, std::span<const std::uint32_t> cells,
                const StreamModel& model, Features& features, int level, ByteWriter& out);

/// Reads a stream of so many symbols as there are cells. Throws Error corrupt_data.
[[nodiscard]] std::vector<std::uint32_t> get_stream(ByteReader& in,
                                                    std::span<const std::uint32_t> cells,
                                                    Features& features);

/// Byte planes in the order of the symbols. \param count  is bounded by the bytes there are.
void put_planes(std::span<const std::uint32_t> symbols, int level, ByteWriter& out);
[[nodiscard]] std::vector<std::uint32_t> get_planes(ByteReader& in, std::uint64_t count);

/// Bytes, compressed if that is shorter; at most kMaxRatio times as many as are stored.
void put_block(ByteSpan raw, int level, ByteWriter& out);
[[nodiscard]] Buffer get_block(ByteReader& in, std::uint64_t raw_size);
inline constexpr std::uint64_t kMaxRatio = 16384;

/// The cells in the order of their contexts, the first context first; equal ones stay in theirs.
[[nodiscard]] std::vector<std::uint32_t> context_order(std::span<const std::uint32_t> cells,
                                                       std::span<const Feature> contexts,
                                                       Features& features);

}  // namespace cnf::vcfs3
