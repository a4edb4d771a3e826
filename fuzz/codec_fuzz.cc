// SPDX-License-Identifier: Apache-2.0
// Codecs: the first byte says which one, the next two how many bytes are expected, the rest is the
// frame. One-shot and streamed decoding must agree wherever both succeed.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace {

using cnf::compress::CodecId;

std::optional<cnf::Buffer> at_once(CodecId id, cnf::ByteSpan frame, std::size_t expected) {
  cnf::Buffer raw(expected);
  try {
    cnf::compress::decompress(id, frame, raw.span(), "input");
    return raw;
  } catch (const cnf::Error& error) {
    if (error.code() != cnf::Errc::corrupt_data) std::abort();
    return {};
  }
}

std::optional<cnf::Buffer> streamed(CodecId id, cnf::ByteSpan frame) {
  constexpr std::uint64_t kMaxRaw = std::uint64_t{1} << 20;
  cnf::Buffer raw;
  try {
    const auto decoder = cnf::compress::make_decoder(id, "input", kMaxRaw);
    while (!frame.empty()) {
      const cnf::ByteSpan piece = frame.first(std::min<std::size_t>(frame.size(), 7));
      decoder->write(piece, raw);
      frame = frame.subspan(piece.size());
    }
    decoder->finish();
    return raw;
  } catch (const cnf::Error& error) {
    if (error.code() != cnf::Errc::corrupt_data) std::abort();
    return {};
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const auto id = static_cast<CodecId>(data[0] % 3);
  const std::size_t expected = data[1] + std::size_t{256} * data[2];
  const cnf::ByteSpan frame = std::as_bytes(std::span(data, size)).subspan(3);
  const auto one = at_once(id, frame, expected);
  const auto other = streamed(id, frame);
  if (one && other &&
      (one->size() != other->size() || !std::ranges::equal(one->span(), other->span()))) {
    std::abort();
  }
  return 0;
}
