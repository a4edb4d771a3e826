// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {

/// Memory that one decoding after another uses.
struct Scratch {
  std::array<Buffer, 2> bytes{};  ///< Between codecs of bytes, in turn.
  Buffer filtered{};              ///< What a filter reads where it lies in its own target.
  Buffer stored{};                ///< A chunk before its axes are put back.
};

/// As decode_chunk, without a copy where nothing is to be done: the result is `raw`, filled, or a
/// part of `encoded` (no codec changes the bytes).
[[nodiscard]] ByteSpan decode_view(std::span<const Codec> codecs, const Shape& chunk, DataType type,
                                   ByteSpan encoded, MutableByteSpan raw, Scratch& scratch,
                                   std::string_view subject);

}  // namespace cnf::zarr
