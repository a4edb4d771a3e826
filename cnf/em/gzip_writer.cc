// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/gzip_writer.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include <zconf.h>
#include <zlib.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::em {
namespace {

constexpr std::size_t kOutput = std::size_t{1} << 18;
constexpr std::size_t kMaxPiece = std::size_t{1} << 30;  // zlib counts in 32 bits
// Densities are mostly noise: higher levels take several times as long for a percent.
constexpr int kLevel = 4;

}  // namespace

struct GzipWriter::Impl {
  explicit Impl(Sink to) : sink(std::move(to)) {
    constexpr int kGzip = 16 + MAX_WBITS;
    constexpr int kMemory = 8;
    if (deflateInit2(&stream, kLevel, Z_DEFLATED, kGzip, kMemory, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw Error(Errc::unavailable, "pack", "gzip", "zlib has no memory");
    }
  }
  ~Impl() { (void)deflateEnd(&stream); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void pass(ByteSpan piece, int flush) {
    // zlib takes its input as not const, and does not write to it.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(piece.data()));
    stream.avail_in = static_cast<uInt>(piece.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream.avail_out = static_cast<uInt>(buffer.size());
      (void)deflate(&stream, flush);  // fails only if called wrongly
      const std::size_t packed = buffer.size() - stream.avail_out;
      if (packed != 0) sink(buffer.span().first(packed));
    } while (stream.avail_out == 0);
  }

  Sink sink;
  z_stream stream{};
  Buffer buffer = Buffer(kOutput);
};

GzipWriter::GzipWriter(Sink sink) : impl_(std::make_unique<Impl>(std::move(sink))) {}
GzipWriter::~GzipWriter() = default;

void GzipWriter::write(ByteSpan bytes) {
  while (!bytes.empty()) {
    const ByteSpan piece = bytes.first(std::min(bytes.size(), kMaxPiece));
    impl_->pass(piece, Z_NO_FLUSH);
    bytes = bytes.subspan(piece.size());
  }
}

void GzipWriter::finish() { impl_->pass({}, Z_FINISH); }

}  // namespace cnf::em
