// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/compress/stream_set.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace cnf::compress {
namespace {

// A zstd block makes at most 128 KiB and takes at least 4 bytes.
constexpr std::uint64_t kMaxBlock = std::uint64_t{128} << 10;
constexpr std::uint64_t kMinBlock = 4;

bool is_plausible(std::uint64_t raw, std::uint64_t stored) {
  return stored <= raw && raw / kMaxBlock <= stored / kMinBlock;
}

/// Appends the smaller of the bytes and their frame; returns its length.
std::size_t put_smaller(const Codec& codec, ByteSpan raw, Buffer& out) {
  const std::size_t start = out.size();
  codec.compress(raw, out);
  if (out.size() - start >= raw.size()) {
    out.resize(start);
    out.append(raw);
  }
  return out.size() - start;
}

Buffer get_smaller(ByteSpan stored, std::uint64_t raw, const std::string& subject) {
  Buffer result(raw);
  const CodecId codec = stored.size() == raw ? CodecId::none : CodecId::zstd;
  decompress(codec, stored, result.span(), subject);
  return result;
}

}  // namespace

void put_stream_set(const std::vector<Buffer>& streams, int level, Buffer& out) {
  const std::shared_ptr<const Codec> codec = make_codec({.algorithm = "zstd", .level = level});
  Buffer stored;
  Buffer tiny;
  for (const Buffer& stream : streams) {
    if (stream.size() < kTinyStream) tiny.append(stream);
  }
  ByteWriter writer(out);
  writer.put_varint(streams.size());
  const std::size_t tiny_stored = tiny.empty() ? 0 : put_smaller(*codec, tiny, stored);
  for (const Buffer& stream : streams) {
    writer.put_varint(stream.size());
    if (stream.size() >= kTinyStream) writer.put_varint(put_smaller(*codec, stream, stored));
  }
  if (!tiny.empty()) writer.put_varint(tiny_stored);
  out.append(stored);
}

StreamSet::StreamSet(ByteSpan bytes, std::uint64_t max_raw, std::string subject)
    : bytes_(bytes), subject_(std::move(subject)) {
  ByteReader in(bytes_, subject_);
  streams_.resize(in.get_count());
  std::uint64_t raw_left = max_raw;
  for (Stream& stream : streams_) {
    stream.raw = in.get_varint();
    if (stream.raw > raw_left) in.fail("the streams are longer than they can be");
    raw_left -= stream.raw;
    if (stream.raw >= kTinyStream) {
      stream.stored = in.get_varint();
      if (!is_plausible(stream.raw, stream.stored)) in.fail("the lengths of a stream cannot be");
    } else {
      stream.offset = together_.raw;
      together_.raw += stream.raw;
    }
  }
  if (together_.raw > 0) {
    together_.stored = in.get_varint();
    if (!is_plausible(together_.raw, together_.stored)) {
      in.fail("the lengths of the short streams cannot be");
    }
    together_.offset = in.offset();
    static_cast<void>(in.get_bytes(together_.stored));
  }
  for (Stream& stream : streams_) {
    if (stream.raw < kTinyStream) continue;
    stream.offset = in.offset();
    static_cast<void>(in.get_bytes(stream.stored));
  }
  if (!in.at_end()) in.fail("bytes behind the last stream");
}

Buffer StreamSet::get(std::size_t index) {
  if (index >= streams_.size()) {
    throw Error(Errc::corrupt_data, "read streams", subject_, "a stream is missing");
  }
  const Stream& stream = streams_[index];
  if (stream.raw >= kTinyStream) {
    return get_smaller(bytes_.subspan(stream.offset, stream.stored), stream.raw, subject_);
  }
  if (tiny_.size() < together_.raw) {
    tiny_ =
        get_smaller(bytes_.subspan(together_.offset, together_.stored), together_.raw, subject_);
  }
  return Buffer::copy_of(tiny_.span().subspan(stream.offset, stream.raw));
}

}  // namespace cnf::compress
