// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/seeds.h"

#include "cnf/core/compress/blosc.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"

namespace cnf::fuzz {
namespace {

using compress::BloscCodec;
using compress::BloscShuffle;

// A frame of one block that is not split, whose stream is given: for codecs that are only read.
Buffer frame_of(BloscCodec codec, std::uint32_t raw_bytes, std::string_view stream) {
  Buffer frame;
  ByteWriter out(frame);
  const auto flags = static_cast<unsigned>(codec) << 5U | 0x10U;
  for (const unsigned byte : {2U, 1U, flags, 1U}) out.put(static_cast<std::uint8_t>(byte));
  out.put(raw_bytes);
  out.put(raw_bytes);  // blocksize
  out.put(static_cast<std::uint32_t>(24 + stream.size()));
  out.put(std::uint32_t{20});  // bstarts
  out.put(static_cast<std::uint32_t>(stream.size()));
  out.put_bytes(as_bytes(stream));
  return frame;
}

// Integers of two bytes that come again, and whose high bytes hardly change.
Buffer integers() {
  Buffer raw;
  ByteWriter out(raw);
  for (unsigned i = 0; i < 800; ++i) out.put(static_cast<std::uint16_t>(i % 50 * 37));
  return raw;
}

}  // namespace

void write_blosc_seeds(const SeedWriter& seeds) {
  const Buffer raw = integers();
  const std::array codecs{std::pair("lz4", BloscCodec::lz4), std::pair("zstd", BloscCodec::zstd)};
  const std::array shuffles{std::pair("none", BloscShuffle::none),
                            std::pair("byte", BloscShuffle::byte),
                            std::pair("bit", BloscShuffle::bit)};
  for (const auto& [codec_name, codec] : codecs) {
    for (const auto& [shuffle_name, shuffle] : shuffles) {
      Buffer frame;
      compress::blosc_compress(
          {.codec = codec, .shuffle = shuffle, .typesize = 2, .blocksize = 512}, raw, frame);
      seeds.write("blosc", std::string(codec_name) + "_" + shuffle_name, frame);
    }
  }
  Buffer stored;
  compress::blosc_compress({.level = 0}, raw, stored);
  seeds.write("blosc", "stored", stored);
  // Eight literals; 12 bytes from 8 before; a run of 300; two literals.
  constexpr std::string_view kBlosclz(
      "\x07"
      "abcdefgh"
      "\xe0\x03\x07"
      "\xe0\xff\x24\x00"
      "\x01zz",
      19);
  seeds.write("blosc", "blosclz", frame_of(BloscCodec::blosclz, 8 + 12 + 300 + 2, kBlosclz));
  // RFC 1950 and 1951: a fixed Huffman block of four bytes, and its Adler-32.
  constexpr std::string_view kZlib("\x78\x9c\x4b\x4c\x4a\x4e\x01\x00\x03\xd8\x01\x8b", 12);
  seeds.write("blosc", "zlib", frame_of(BloscCodec::zlib, 4, kZlib));
}

}  // namespace cnf::fuzz
