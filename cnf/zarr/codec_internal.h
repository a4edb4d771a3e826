// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/util/data_type.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {

/// Its index is 64 MiB: as much as an array keeps of indices.
inline constexpr std::uint64_t kMaxShardChunks = std::uint64_t{1} << 22;

/// Of v3 and of v2, which spells `shuffle` as a number.
[[nodiscard]] compress::BloscOptions parse_blosc(const nlohmann::json& config, DataType type,
                                                 std::string_view subject);
/// A compressor's level; 1 where it is not told.
[[nodiscard]] int parse_level(const nlohmann::json& config, std::string_view subject);

/// NumPy's spelling of a type, "<f4". Throws Error unsupported for what is no number.
struct TypeAndOrder {
  DataType type{};
  bool little = true;
};
[[nodiscard]] TypeAndOrder parse_dtype(std::string_view text, std::string_view subject);

/// Checks a delta or fixed_scale_offset: that it can be undone exactly as numcodecs does.
void check_filter(const Codec& codec, std::string_view subject);

/// Checks that codecs follow one another: of arrays, one that makes bytes, of bytes; of those that
/// compress, one.
void check_chain(const std::vector<Codec>& codecs, std::string_view subject);

}  // namespace cnf::zarr
