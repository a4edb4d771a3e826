// SPDX-License-Identifier: Apache-2.0
// Blosc frames: the input as a frame, whole and block by block, which must come to the same; then
// the input as what is compressed, which must come back.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fuzz/harness.h"

#include "cnf/core/compress/blosc.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace {

using cnf::compress::BloscFrame;

constexpr std::uint32_t kMaxRaw = 1U << 20U;

void decode_blocks(cnf::ByteSpan frame, std::size_t raw_bytes, cnf::ByteSpan whole) {
  const BloscFrame index(frame.first(BloscFrame::head_bytes(frame, "input")), frame.size(),
                         raw_bytes, "input");
  std::size_t at = 0;
  for (std::size_t block = 0; block < index.blocks(); ++block) {
    const BloscFrame::Range range = index.range_of(block);
    cnf::fuzz::require(range.offset + range.length <= frame.size(), "a block outside of its frame");
    cnf::Buffer piece(index.raw_bytes_of(block));
    index.decode_block(block, frame.subspan(range.offset, range.length), piece.span(), "input");
    cnf::fuzz::require(cnf::as_text(piece) == cnf::as_text(whole.subspan(at, piece.size())),
                       "a block alone is another than in the whole");
    // From the last piece to the first, so that none leans on the one before it.
    cnf::Buffer scratch(piece.size());
    cnf::Buffer room(piece.size());
    const cnf::compress::BloscBlock parts(index, block, frame.subspan(range.offset, range.length),
                                          scratch.span(), "input");
    for (std::size_t end = piece.size(); end != 0;) {
      const std::size_t begin = (end - 1) / index.piece_bytes() * index.piece_bytes();
      const cnf::ByteSpan part = parts.read(begin, room.span().first(end - begin));
      cnf::fuzz::require(
          cnf::as_text(part) == cnf::as_text(piece.span().subspan(begin, end - begin)),
          "a piece alone is another than in its block");
      end = begin;
    }
    at += piece.size();
  }
  cnf::fuzz::require(at == raw_bytes, "the blocks are not the whole");
}

// The input with the length that it has: nothing else would get past the header.
void decode(cnf::ByteSpan input) {
  cnf::Buffer frame = cnf::Buffer::copy_of(input);
  std::uint32_t raw_bytes = 0;
  if (frame.size() >= BloscFrame::kHeaderBytes) {
    const auto size = static_cast<std::uint32_t>(frame.size());
    std::memcpy(frame.data() + 12, &size, sizeof size);
    std::memcpy(&raw_bytes, frame.data() + 4, sizeof raw_bytes);
  }
  cnf::Buffer whole(std::min(raw_bytes, kMaxRaw));
  const bool decoded = cnf::fuzz::returns({cnf::Errc::corrupt_data, cnf::Errc::unsupported}, [&] {
    cnf::compress::blosc_decompress(frame, whole.span(), "input");
  });
  if (decoded) decode_blocks(frame, whole.size(), whole);
}

void encode(cnf::ByteSpan input) {
  cnf::ByteReader in(input, "input");
  const auto what = in.get<std::uint8_t>();
  const auto typesize = in.get<std::uint8_t>();
  const auto blocksize = in.get<std::uint16_t>();
  const cnf::ByteSpan raw = in.get_bytes(in.remaining());
  const cnf::compress::BloscOptions options{
      .codec = what % 2 == 0 ? cnf::compress::BloscCodec::lz4 : cnf::compress::BloscCodec::zstd,
      .level = what / 2 % 5,
      .shuffle = static_cast<cnf::compress::BloscShuffle>(what / 10 % 3),
      .typesize = std::max<std::size_t>(typesize, 1),
      .blocksize = blocksize};
  cnf::Buffer frame;
  cnf::compress::blosc_compress(options, raw, frame);
  cnf::fuzz::require(frame.size() <= raw.size() + BloscFrame::kHeaderBytes, "a frame too long");
  decode_blocks(frame, raw.size(), raw);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cnf::ByteSpan input = cnf::fuzz::bytes_of(data, size);
  decode(input);
  if (size >= 4) encode(input);
  return 0;
}
