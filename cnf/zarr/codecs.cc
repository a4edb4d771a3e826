// SPDX-License-Identifier: Apache-2.0
#include "cnf/zarr/codecs.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/byte_codecs_internal.h"
#include "cnf/zarr/decode_internal.h"
#include "cnf/zarr/json_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/rows_internal.h"
#include "cnf/zarr/shard.h"

namespace cnf::zarr {
namespace {

using Kind = Codec::Kind;

[[nodiscard]] bool is_sum(Kind kind) { return kind == Kind::crc32c || kind == Kind::fletcher32; }
[[nodiscard]] bool is_filter(Kind kind) {
  return kind == Kind::shuffle || kind == Kind::delta || kind == Kind::fixed_scale_offset;
}
[[nodiscard]] bool makes_bytes(const Codec& codec) {
  return codec.kind == Kind::bytes || codec.kind == Kind::sharding;
}

/// The codecs of a chain by their sides.
struct Sides {
  Shape order = {};   ///< Axis i of what is stored is axis order[i] of the chunk.
  Shape stored = {};  ///< The chunk's shape as it is stored.
  bool is_permuted = false;
  const Codec* maker = nullptr;  ///< Makes bytes of the array.
  std::span<const Codec> of_bytes = {};
};

Sides sides_of(std::span<const Codec> codecs, const Shape& chunk, std::string_view subject) {
  const auto maker = std::ranges::find_if(codecs, makes_bytes);
  if (maker == codecs.end()) refuse(subject, "no codec makes bytes of arrays");
  Sides sides{.order = chunk, .stored = chunk};
  for (std::size_t axis = 0; axis < chunk.size(); ++axis) sides.order[axis] = axis;
  for (const Codec& codec : std::span(codecs.begin(), maker)) {
    if (codec.kind != Kind::transpose) continue;
    const Shape before = sides.order;
    for (std::size_t axis = 0; axis < chunk.size(); ++axis) {
      sides.order[axis] = before[codec.order.at(axis)];
    }
  }
  for (std::size_t axis = 0; axis < chunk.size(); ++axis) {
    sides.stored[axis] = chunk[sides.order[axis]];
    sides.is_permuted = sides.is_permuted || sides.order[axis] != axis;
  }
  sides.maker = &*maker;
  sides.of_bytes = std::span(maker + 1, codecs.end());
  return sides;
}

/// Bytes before each codec of bytes and behind the last, as far as they follow from the chunk's:
/// not behind one that compresses.
std::vector<std::optional<std::size_t>> sizes_of(const Sides& sides, std::size_t raw_bytes) {
  std::vector<std::optional<std::size_t>> sizes;
  const bool is_fixed = sides.maker->kind == Kind::bytes;
  std::optional<std::size_t> size = is_fixed ? std::optional(raw_bytes) : std::nullopt;
  sizes.push_back(size);
  for (const Codec& codec : sides.of_bytes) {
    if (is_sum(codec.kind)) {
      if (size) *size += 4;
    } else if (is_filter(codec.kind)) {
      if (size) size = filtered_bytes(codec, *size);
    } else if (codec.kind != Kind::identity) {
      size = std::nullopt;
    }
    sizes.push_back(size);
  }
  return sizes;
}

/// Undoes the codecs of bytes. \param raw  where the result may be put, if it has that size.
/// The result lies in `raw`, in the scratch memory, or is a part of `encoded`.
ByteSpan undo_codecs_of_bytes(const Sides& sides, ByteSpan encoded, std::size_t raw_bytes,
                              MutableByteSpan raw, Scratch& scratch, std::string_view subject) {
  const std::vector<std::optional<std::size_t>> sizes = sizes_of(sides, raw_bytes);
  ByteSpan current = encoded;
  std::size_t turn = 0;
  for (std::size_t i = sides.of_bytes.size(); i-- > 0;) {
    const Codec& codec = sides.of_bytes[i];
    if (codec.kind == Kind::identity) continue;
    if (is_sum(codec.kind)) {
      current = without_sum(codec, current, subject);
      continue;
    }
    if (!sizes[i]) not_read_here(subject, "what a codec makes has no length known before");
    MutableByteSpan into = raw;
    // Sums that are still to be taken off need no memory of their own, but this one's bytes do.
    if (*sizes[i] != raw.size()) {
      Buffer& buffer = scratch.bytes[turn];
      turn = 1 - turn;
      buffer.resize(*sizes[i]);
      into = buffer.span();
    }
    // What lies in `raw` cannot be read and written at once.
    if (is_filter(codec.kind)) {
      if (current.size() != sizes[i + 1].value_or(current.size())) {
        refuse(subject,
               fmt::format("it has {} bytes where {} are expected", current.size(), *sizes[i + 1]));
      }
      if (current.data() == into.data()) {
        scratch.filtered.clear();
        scratch.filtered.append(current);
        current = scratch.filtered;
      }
      unfilter(codec, current, into);
    } else {
      decompress(codec, current, into, subject);
    }
    current = into;
  }
  if (sizes[0] && current.size() != *sizes[0]) {
    refuse(subject,
           fmt::format("it has {} bytes where {} are expected", current.size(), *sizes[0]));
  }
  return current;
}

/// A whole shard, chunk by chunk: shards within shards, and those that something is done to as a
/// whole. One that is read by its index never comes here.
void decode_shard(const Sharding& sharding, const Shape& shard, DataType type, ByteSpan encoded,
                  MutableByteSpan raw, std::string_view subject) {
  const chunk::Grid grid(shard, sharding.chunk);
  const std::uint64_t chunks = grid.counts().elements();
  const std::uint64_t index_bytes = shard_index_bytes(sharding, chunks);
  if (encoded.size() < index_bytes) refuse(subject, "the shard is shorter than its index");
  const ByteSpan saved =
      sharding.index_at_end ? encoded.last(index_bytes) : encoded.first(index_bytes);
  const std::vector<ShardEntry> entries =
      parse_shard_index(sharding, chunks, saved, encoded.size(), subject);

  const std::size_t element = size_of(type);
  const Strides from = c_strides(sharding.chunk, element);
  const Strides to = c_strides(shard, element);
  std::vector<std::byte> fill = sharding.fill;
  fill.resize(element);
  Scratch scratch;
  Buffer chunk_raw(sharding.chunk.elements() * element);
  for (std::uint64_t number = 0; number < chunks; ++number) {
    const Shape begin = grid.elements_of(grid.chunk_of_number(number)).begin;
    Rows rows(sharding.chunk, element, from, to, 0, offset_of(begin, to));
    if (entries[number].missing()) {
      rows.fill(fill, raw.data());
      continue;
    }
    const ByteSpan stored = encoded.subspan(entries[number].offset, entries[number].length);
    const ByteSpan decoded = decode_view(sharding.codecs, sharding.chunk, type, stored,
                                         chunk_raw.span(), scratch, subject);
    rows.copy_to(decoded.size(), decoded.data(), 0, raw.data());
  }
}

}  // namespace

ByteSpan decode_view(std::span<const Codec> codecs, const Shape& chunk, DataType type,
                     ByteSpan encoded, MutableByteSpan raw, Scratch& scratch,
                     std::string_view subject) {
  const Sides sides = sides_of(codecs, chunk, subject);
  const std::size_t word = word_of(type);
  const bool is_swapped = sides.maker->kind == Kind::bytes && !sides.maker->little && word > 1;
  MutableByteSpan stored = raw;
  if (sides.is_permuted) {
    scratch.stored.resize(raw.size());
    stored = scratch.stored.span();
  }
  ByteSpan current = undo_codecs_of_bytes(sides, encoded, raw.size(), stored, scratch, subject);
  if (sides.maker->kind == Kind::sharding) {
    // Nothing that precedes it has used `stored`: a shard's length follows from nothing.
    decode_shard(*sides.maker->sharding, sides.stored, type, current, stored, subject);
    current = stored;
  }
  if (sides.is_permuted) {
    transpose_back(chunk, sides.order, size_of(type), current, raw);
    current = raw;
  }
  if (is_swapped) {
    if (current.data() != raw.data()) std::memcpy(raw.data(), current.data(), raw.size());
    swap_words(raw, word);
    current = raw;
  }
  return current;
}

void decode_chunk(std::span<const Codec> codecs, const Shape& chunk, DataType type,
                  ByteSpan encoded, MutableByteSpan raw, std::string_view subject) {
  Scratch scratch;
  const ByteSpan decoded = decode_view(codecs, chunk, type, encoded, raw, scratch, subject);
  if (decoded.data() != raw.data() && !raw.empty()) {
    std::memcpy(raw.data(), decoded.data(), raw.size());
  }
}

void encode_chunk(std::span<const Codec> codecs, const Shape& chunk, DataType type, ByteSpan raw,
                  Buffer& out) {
  const std::size_t begin = out.size();
  const Sides sides = sides_of(codecs, chunk, "a chunk");
  if (sides.is_permuted || sides.maker->kind != Kind::bytes) {
    throw Error(Errc::unsupported, "encode", "a chunk", "its codecs are only read here");
  }
  ByteSpan current = raw;
  Buffer swapped;
  if (!sides.maker->little && word_of(type) > 1) {
    swapped = Buffer::copy_of(raw);
    swap_words(swapped.span(), word_of(type));
    current = swapped;
  }
  bool is_out = false;  // what is encoded so far stands in `out`
  for (const Codec& codec : sides.of_bytes) {
    if (codec.kind != Kind::crc32c) {
      if (is_out) throw Error(Errc::unsupported, "encode", "a chunk", "two codecs make its bytes");
      compress(codec, current, out);
    } else {
      if (!is_out) out.append(current);
      const std::uint32_t sum = crc32c(ByteSpan(out).subspan(begin));
      out.append(std::as_bytes(std::span(&sum, 1)));
    }
    is_out = true;
  }
  if (!is_out) out.append(current);
}

}  // namespace cnf::zarr
