// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {

/// Decodes what a compressor of `codec`'s kind made into exactly raw.size() bytes. Throws Error
/// corrupt_data: damaged, or of another length.
void decompress(const Codec& codec, ByteSpan encoded, MutableByteSpan raw,
                std::string_view subject);
/// Appends. Throws Error unsupported for what is only read here.
void compress(const Codec& codec, ByteSpan raw, Buffer& out);

/// Checks the sum that stands behind the bytes (crc32c, fletcher32) and returns them without it.
[[nodiscard]] ByteSpan without_sum(const Codec& codec, ByteSpan bytes, std::string_view subject);

/// Bytes that a filter (shuffle, delta, fixed_scale_offset) makes of `raw_bytes`.
[[nodiscard]] std::size_t filtered_bytes(const Codec& codec, std::size_t raw_bytes);
/// Undoes it. \param filtered  filtered_bytes(raw.size()).
void unfilter(const Codec& codec, ByteSpan filtered, MutableByteSpan raw);

/// Turns each word's bytes round.
void swap_words(MutableByteSpan bytes, std::size_t word);

}  // namespace cnf::zarr
