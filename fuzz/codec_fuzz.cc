// SPDX-License-Identifier: Apache-2.0
// Codecs: a byte that says which, two that say how many bytes are expected, then what is stored.
// Whole and piece by piece must come to the same.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "fuzz/harness.h"

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace {

constexpr std::uint64_t kMaxRaw = std::uint64_t{1} << 20;
constexpr std::size_t kPiece = 7;

cnf::Buffer decode_in_pieces(cnf::compress::CodecId id, cnf::ByteSpan stored) {
  const auto decoder = cnf::compress::make_decoder(id, "input", kMaxRaw);
  cnf::Buffer raw;
  while (!stored.empty()) {
    const cnf::ByteSpan piece = stored.first(std::min(kPiece, stored.size()));
    decoder->write(piece, raw);
    cnf::fuzz::require(raw.size() <= kMaxRaw, "more bytes than were allowed");
    stored = stored.subspan(piece.size());
  }
  decoder->finish();
  return raw;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::Errc;
  if (size < 3) return 0;
  cnf::ByteReader in(cnf::fuzz::bytes_of(data, size), "input");
  const auto which = in.get<std::uint8_t>();
  const auto expected = in.get<std::uint16_t>();
  const cnf::ByteSpan stored = in.get_bytes(in.remaining());
  cnf::fuzz::returns({Errc::corrupt_data, Errc::unsupported}, [&] {
    const cnf::compress::CodecId id = cnf::compress::codec_id(which, "input");
    cnf::Buffer whole(expected);
    const bool decoded = cnf::fuzz::returns({Errc::corrupt_data}, [&] {
      cnf::compress::decompress(id, stored, whole.span(), "input");
    });
    const cnf::Buffer pieces = decode_in_pieces(id, stored);
    if (decoded) {
      cnf::fuzz::require(cnf::as_text(pieces) == cnf::as_text(whole), "whole and in pieces differ");
    }
  });
  return 0;
}
