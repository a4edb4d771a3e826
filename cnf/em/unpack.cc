// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <bzlib.h>
#include <zconf.h>
#include <zlib.h>

#include "cnf/core/storage/temporary_file.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/em/unpack_internal.h"

namespace cnf::em {
namespace {

constexpr std::size_t kOutput = std::size_t{1} << 20;
constexpr std::size_t kMaxPiece = std::size_t{1} << 30;  // the libraries count in 32 bits

// Both kinds are members one behind another (bgzip, pbzip2); what follows the last one and is no
// member is ignored, as gzip and bzip2 do, for tapes were padded.
class MemberUnpacker : public Unpacker {
 public:
  MemberUnpacker(storage::TemporaryFile& out, std::string subject)
      : out_(out), subject_(std::move(subject)), buffer_(kOutput) {}

  void take(ByteSpan piece) final {
    while (!piece.empty() && !padding_) {
      if (between_ && !begin_member(piece)) return;
      const ByteSpan part = piece.first(std::min(piece.size(), kMaxPiece));
      piece = piece.subspan(unpack(part));
    }
  }
  void finish() final {
    if (!between_) fail("it ends in the middle", "fetch or copy it again");
  }

 protected:
  /// Unpacks until `part` is used up or the member ends; returns the bytes used.
  virtual std::size_t unpack(ByteSpan part) = 0;
  virtual void reset() = 0;
  [[nodiscard]] virtual std::byte first_byte() const noexcept = 0;

  [[noreturn]] void fail(std::string_view why, std::string_view remedy = {}) const {
    throw Error(Errc::corrupt_data, "unpack", subject_, why, remedy);
  }
  [[nodiscard]] MutableByteSpan buffer() noexcept { return buffer_.span(); }
  void put(std::size_t size) { out_.append(buffer_.span().first(size)); }
  void end_member() noexcept { between_ = true; }

 private:
  bool begin_member(ByteSpan piece) {
    if (piece.front() != first_byte()) {
      padding_ = true;
      return false;
    }
    reset();
    between_ = false;
    return true;
  }

  storage::TemporaryFile& out_;
  const std::string subject_;
  Buffer buffer_;
  bool between_ = true;   // members
  bool padding_ = false;  // behind the last one
};

class GzipUnpacker final : public MemberUnpacker {
 public:
  GzipUnpacker(storage::TemporaryFile& out, std::string subject)
      : MemberUnpacker(out, std::move(subject)) {
    constexpr int kGzip = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, kGzip) != Z_OK) fail("zlib has no memory");
  }
  ~GzipUnpacker() override { (void)inflateEnd(&stream_); }

 private:
  [[nodiscard]] std::byte first_byte() const noexcept override { return std::byte{0x1f}; }
  void reset() override { (void)inflateReset(&stream_); }

  std::size_t unpack(ByteSpan part) override {
    // zlib takes its input as not const, and does not write to it.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(part.data()));
    stream_.avail_in = static_cast<uInt>(part.size());
    for (;;) {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer().data());
      stream_.avail_out = static_cast<uInt>(buffer().size());
      const int result = inflate(&stream_, Z_NO_FLUSH);
      if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        fail(stream_.msg != nullptr ? std::string("gzip: ") + stream_.msg : "its gzip is damaged",
             "fetch or copy it again");
      }
      put(buffer().size() - stream_.avail_out);
      if (result == Z_STREAM_END) end_member();
      if (result == Z_STREAM_END || stream_.avail_out != 0) break;
    }
    return part.size() - stream_.avail_in;
  }

  z_stream stream_{};
};

class Bzip2Unpacker final : public MemberUnpacker {
 public:
  Bzip2Unpacker(storage::TemporaryFile& out, std::string subject)
      : MemberUnpacker(out, std::move(subject)) {}
  ~Bzip2Unpacker() override { release(); }

 private:
  [[nodiscard]] std::byte first_byte() const noexcept override { return std::byte{'B'}; }
  void reset() override {
    release();
    stream_ = {};
    if (BZ2_bzDecompressInit(&stream_, 0, 0) != BZ_OK) fail("bzip2 has no memory");
    open_ = true;
  }
  void release() noexcept {
    if (std::exchange(open_, false)) (void)BZ2_bzDecompressEnd(&stream_);
  }

  std::size_t unpack(ByteSpan part) override {
    stream_.next_in = reinterpret_cast<char*>(const_cast<std::byte*>(part.data()));
    stream_.avail_in = static_cast<unsigned>(part.size());
    for (;;) {
      stream_.next_out = reinterpret_cast<char*>(buffer().data());
      stream_.avail_out = static_cast<unsigned>(buffer().size());
      const int result = BZ2_bzDecompress(&stream_);
      if (result != BZ_OK && result != BZ_STREAM_END) {
        fail("its bzip2 is damaged", "fetch or copy it again");
      }
      put(buffer().size() - stream_.avail_out);
      if (result == BZ_STREAM_END) end_member();
      if (result == BZ_STREAM_END || stream_.avail_out != 0) break;
    }
    return part.size() - stream_.avail_in;
  }

  bz_stream stream_{};
  bool open_ = false;
};

}  // namespace

Packing packing_of(ByteSpan first_bytes) noexcept {
  const std::string_view text = as_text(first_bytes);
  if (text.starts_with("\x1f\x8b\x08")) return Packing::gzip;
  if (text.size() >= 4 && text.starts_with("BZh") && text[3] >= '1' && text[3] <= '9') {
    return Packing::bzip2;
  }
  return Packing::none;
}

std::unique_ptr<Unpacker> make_unpacker(Packing packing, storage::TemporaryFile& out,
                                        std::string subject) {
  if (packing == Packing::gzip) return std::make_unique<GzipUnpacker>(out, std::move(subject));
  return std::make_unique<Bzip2Unpacker>(out, std::move(subject));
}

}  // namespace cnf::em
