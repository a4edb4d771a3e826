// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/util/buffer.h"
#include "cnf/zarr/array_plan_internal.h"
#include "cnf/zarr/byte_codecs_internal.h"
#include "cnf/zarr/chunk_sums_internal.h"
#include "cnf/zarr/decode_internal.h"
#include "cnf/zarr/json_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/rows_internal.h"

namespace cnf::zarr {
namespace {

using Deliveries = std::span<ReadPlan::Delivery>;

/// A buffer of a pool, for as long as this lives.
class Borrowed {
 public:
  Borrowed(BufferPool& pool, std::size_t bytes) : pool_(pool), buffer_(pool.take(bytes)) {}
  ~Borrowed() { pool_.give(std::move(buffer_)); }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  [[nodiscard]] MutableByteSpan span() noexcept { return buffer_.span(); }

 private:
  BufferPool& pool_;
  Buffer buffer_;
};

/// Copies out what is wanted of [begin, begin + bytes.size()) of the chunk.
void deliver(Deliveries deliveries, ByteSpan bytes, std::size_t begin) {
  for (ReadPlan::Delivery& delivery : deliveries) {
    delivery.rows.copy_to(begin + bytes.size(), bytes.data(), begin, delivery.data);
  }
}

/// The one place where [begin, end) of the chunk goes as it is, if there is such a place: then it
/// is decoded there.
[[nodiscard]] std::byte* place_for(Deliveries deliveries, std::size_t begin, std::size_t end) {
  if (deliveries.size() != 1) return nullptr;
  const auto& [rows, data] = deliveries.front();
  if (rows.done() || rows.source() != begin || rows.contiguous() < end - begin) return nullptr;
  return data + rows.target();
}

/// The first byte of the chunk that is wanted and not yet delivered.
[[nodiscard]] std::optional<std::size_t> next_wanted(Deliveries deliveries) {
  std::optional<std::size_t> next;
  for (const ReadPlan::Delivery& delivery : deliveries) {
    if (delivery.rows.done()) continue;
    next = std::min(next.value_or(delivery.rows.source()), delivery.rows.source());
  }
  return next;
}

/// Puts together what is wanted of a block in small pieces, which are still in the fastest cache
/// when they are copied out, and leaves alone what nobody wants.
/// \param begin, end  of the block in the chunk. \param room  for a piece.
void deliver_block(const compress::BloscFrame& frame, const compress::BloscBlock& block,
                   std::size_t begin, std::size_t end, Deliveries deliveries,
                   MutableByteSpan room) {
  for (std::optional<std::size_t> next = next_wanted(deliveries); next && *next < end;
       next = next_wanted(deliveries)) {
    const std::size_t from = *next - (*next - begin) % frame.piece_bytes();
    const std::size_t bytes = std::min(frame.piece_bytes(), end - from);
    std::byte* const place = place_for(deliveries, from, from + bytes);
    const ByteSpan piece = block.read(
        from - begin, place != nullptr ? MutableByteSpan(place, bytes) : room.first(bytes));
    if (place != nullptr && piece.data() == place) {
      deliveries.front().rows.skip_to(from + bytes);
    } else {
      deliver(deliveries, piece, from);
    }
  }
}

/// Block by block, so that what is decoded is still in the cache when it is copied out.
/// \param stored_of  gives the bytes of a block.
template <typename StoredOf>
void deliver_blocks(const compress::BloscFrame& frame, const StoredOf& stored_of,
                    Deliveries deliveries, BufferPool& buffers, std::string_view subject) {
  std::optional<Borrowed> memory;
  while (const std::optional<std::size_t> next = next_wanted(deliveries)) {
    const std::size_t block = *next / frame.block_bytes();
    const std::size_t begin = block * frame.block_bytes();
    const std::size_t bytes = frame.raw_bytes_of(block);
    if (std::byte* const place = place_for(deliveries, begin, begin + bytes)) {
      frame.decode_block(block, stored_of(block), {place, bytes}, subject);
      deliveries.front().rows.skip_to(begin + bytes);
      continue;
    }
    if (!memory) memory.emplace(buffers, frame.block_bytes() + frame.piece_bytes());
    const MutableByteSpan room = memory->span().first(frame.piece_bytes());
    const compress::BloscBlock decoded(frame, block, stored_of(block),
                                       memory->span().subspan(room.size()), subject);
    deliver_block(frame, decoded, begin, begin + bytes, deliveries, room);
  }
}

void deliver_frame(const ChunkLayout& layout, ByteSpan sums, ByteSpan encoded,
                   Deliveries deliveries, BufferPool& buffers, std::string_view subject) {
  if (!sums.empty()) {
    const std::size_t head = compress::BloscFrame::head_bytes(encoded, subject);
    check_chunk_sum(sums, 0, encoded.first(std::min(head, encoded.size())), subject);
  }
  if (layout.sum != nullptr) encoded = without_sum(*layout.sum, encoded, subject);
  const compress::BloscFrame frame(encoded, encoded.size(), layout.raw_bytes, subject);
  const auto stored_of = [&](std::size_t block) {
    const compress::BloscFrame::Range range = frame.range_of(block);
    const ByteSpan stored = encoded.subspan(range.offset, range.length);
    check_chunk_sum(sums, 1 + block, stored, subject);
    return stored;
  };
  deliver_blocks(frame, stored_of, deliveries, buffers, subject);
}

/// What no codec changes is copied from where it was fetched to.
void deliver_bytes(const ChunkLayout& layout, ByteSpan encoded, Deliveries deliveries,
                   std::string_view subject) {
  if (layout.sum != nullptr) encoded = without_sum(*layout.sum, encoded, subject);
  if (encoded.size() != layout.raw_bytes) {
    refuse(subject,
           fmt::format("it has {} bytes where {} are expected", encoded.size(), layout.raw_bytes));
  }
  deliver(deliveries, encoded, 0);
}

void deliver_chunk(const ArrayMetadata& array, const ChunkLayout& layout, ByteSpan encoded,
                   Deliveries deliveries, BufferPool& buffers, std::string_view subject) {
  std::byte* const place = place_for(deliveries, 0, layout.raw_bytes);
  std::optional<Borrowed> borrowed;
  if (place == nullptr) borrowed.emplace(buffers, layout.raw_bytes);
  const MutableByteSpan raw =
      place != nullptr ? MutableByteSpan(place, layout.raw_bytes) : borrowed->span();
  Scratch scratch;
  const ByteSpan decoded =
      decode_view(layout.codecs, layout.chunk, array.type, encoded, raw, scratch, subject);
  if (decoded.data() != place) deliver(deliveries, decoded, 0);
}

/// \param fetched  the sums before the chunk, and the chunk.
void deliver_whole(const ArrayMetadata& array, const ChunkLayout& layout, ByteSpan fetched,
                   Deliveries deliveries, BufferPool& buffers, std::string_view subject) {
  ByteSpan sums = fetched.first(layout.sums.bytes());
  const ByteSpan encoded = fetched.subspan(sums.size());
  if (!layout.sums.by_blocks()) {
    check_chunk_sum(sums, 0, encoded, subject);
    sums = {};
  }
  if (layout.parts == ChunkLayout::Parts::blocks) {
    deliver_frame(layout, sums, encoded, deliveries, buffers, subject);
  } else if (layout.parts == ChunkLayout::Parts::bytes) {
    deliver_bytes(layout, encoded, deliveries, subject);
  } else {
    deliver_chunk(array, layout, encoded, deliveries, buffers, subject);
  }
}

}  // namespace

void run_job(const ArrayMetadata& array, const ChunkLayout& layout, const ReadPlan& plan,
             const ChunkJob& job, std::span<const ByteSpan> ranges, BufferPool& buffers) {
  std::vector<ReadPlan::Delivery> deliveries = plan.deliveries(job);
  if (job.how == ChunkJob::How::fill) {
    for (ReadPlan::Delivery& delivery : deliveries) delivery.rows.fill(array.fill, delivery.data);
    return;
  }
  const std::string subject = plan.subject_of(job);
  if (job.how == ChunkJob::How::part && job.frame == nullptr) {
    deliver(deliveries, ranges.front(), job.begin);
  } else if (job.how == ChunkJob::How::part) {
    const auto stored_of = [&](std::size_t block) {
      const auto found = std::ranges::lower_bound(job.blocks, block);
      const ByteSpan stored = ranges[static_cast<std::size_t>(found - job.blocks.begin())];
      check_chunk_sum(job.sums, 1 + block, stored, subject);
      return stored;
    };
    deliver_blocks(*job.frame, stored_of, deliveries, buffers, subject);
  } else {
    deliver_whole(array, layout, ranges.front(), deliveries, buffers, subject);
  }
}

}  // namespace cnf::zarr
