// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {

/// Decodes one chunk into C order, little-endian elements. Where the chain holds shards, all of the
/// shard: Array reads them by their index.
/// \param raw  exactly the chunk's elements. Throws Error corrupt_data with `subject`. Pure.
void decode_chunk(std::span<const Codec> codecs, const Shape& chunk, DataType type,
                  ByteSpan encoded, MutableByteSpan raw, std::string_view subject);

/// Appends the encoded form of a chunk whose elements are in C order, little-endian. The chain
/// holds what this library writes: bytes, then blosc, zstd or gzip or nothing, then crc32c if
/// wanted.
void encode_chunk(std::span<const Codec> codecs, const Shape& chunk, DataType type, ByteSpan raw,
                  Buffer& out);

}  // namespace cnf::zarr
