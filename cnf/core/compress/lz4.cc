// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>
#include <lz4frame.h>

#include "cnf/core/compress/codec.h"
#include "cnf/core/compress/codec_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::compress {
namespace {

constexpr std::size_t kStreamBlock = std::size_t{256} << 10;  // LZ4F_max256KB

struct FreeContext {
  void operator()(LZ4F_cctx* context) const noexcept { LZ4F_freeCompressionContext(context); }
  void operator()(LZ4F_dctx* context) const noexcept { LZ4F_freeDecompressionContext(context); }
};
using Compressor = std::unique_ptr<LZ4F_cctx, FreeContext>;
using Decompressor = std::unique_ptr<LZ4F_dctx, FreeContext>;

Compressor make_compressor() {
  LZ4F_cctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createCompressionContext(&context, LZ4F_VERSION)) != 0) {
    throw std::bad_alloc();
  }
  return Compressor(context);
}

Decompressor make_decompressor() {
  LZ4F_dctx* context = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0) {
    throw std::bad_alloc();
  }
  return Decompressor(context);
}

// Compression fails for want of memory or by a bug of ours; neither is the data's fault.
std::size_t compressed_size(std::size_t result) {
  if (LZ4F_isError(result) == 0) return result;
  const std::string_view name = LZ4F_getErrorName(result);
  if (name == "ERROR_allocation_failed") throw std::bad_alloc();
  throw Error(Errc::internal, "compress", "lz4", name);
}

// The smallest block that takes all of it: a reader allocates by what the frame says.
LZ4F_blockSizeID_t block_size_for(std::size_t raw) {
  constexpr std::size_t kKiB = 1024;
  if (raw <= 64 * kKiB) return LZ4F_max64KB;
  if (raw <= 256 * kKiB) return LZ4F_max256KB;
  if (raw <= 1024 * kKiB) return LZ4F_max1MB;
  return LZ4F_max4MB;
}

LZ4F_preferences_t one_shot_preferences(int level, std::size_t raw) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = block_size_for(raw);
  preferences.frameInfo.blockMode =
      raw <= (std::size_t{4} << 20) ? LZ4F_blockIndependent : LZ4F_blockLinked;
  preferences.compressionLevel = level;
  preferences.autoFlush = 1;  // compress from the caller's bytes, without a copy in between
  return preferences;
}

LZ4F_preferences_t stream_preferences(int level) {
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max256KB;
  preferences.frameInfo.blockMode = LZ4F_blockLinked;
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  preferences.compressionLevel = level;
  return preferences;
}

class Lz4Encoder final : public StreamEncoder {
 public:
  explicit Lz4Encoder(int level)
      : preferences_(stream_preferences(level)), context_(make_compressor()) {}

  void write(ByteSpan bytes, Buffer& out) override {
    begin(out);
    while (!bytes.empty()) {
      const ByteSpan piece = bytes.first(std::min(bytes.size(), kStreamBlock));
      append(out, LZ4F_compressBound(piece.size(), &preferences_), [&](MutableByteSpan room) {
        return LZ4F_compressUpdate(context_.get(), room.data(), room.size(), piece.data(),
                                   piece.size(), nullptr);
      });
      bytes = bytes.subspan(piece.size());
    }
  }

  void finish(Buffer& out) override {
    begin(out);
    append(out, LZ4F_compressBound(0, &preferences_), [&](MutableByteSpan room) {
      return LZ4F_compressEnd(context_.get(), room.data(), room.size(), nullptr);
    });
  }

 private:
  template <typename Step>
  static void append(Buffer& out, std::size_t bound, const Step& step) {
    const std::size_t before = out.size();
    const std::size_t result = step(out.extend(bound));
    out.resize(before);
    out.resize(before + compressed_size(result));
  }

  void begin(Buffer& out) {
    if (std::exchange(begun_, true)) return;
    append(out, LZ4F_HEADER_SIZE_MAX, [&](MutableByteSpan room) {
      return LZ4F_compressBegin(context_.get(), room.data(), room.size(), &preferences_);
    });
  }

  LZ4F_preferences_t preferences_;
  Compressor context_;
  bool begun_ = false;
};

class Lz4Decoder final : public StreamDecoder {
 public:
  Lz4Decoder(std::string subject, std::uint64_t max_raw)
      : subject_(std::move(subject)), bound_(max_raw), context_(make_decompressor()) {}

  void write(ByteSpan bytes, Buffer& out) override {
    bool full = false;  // a full output may mean that more of the same input is waiting
    while (!bytes.empty() || full) {
      const std::size_t before = out.size();
      const MutableByteSpan room = out.extend(kStreamBlock);
      std::size_t given = room.size();
      std::size_t taken = bytes.size();
      const std::size_t result =
          LZ4F_decompress(context_.get(), room.data(), &given, bytes.data(), &taken, nullptr);
      const bool failed = LZ4F_isError(result) != 0;
      out.resize(before + (failed ? 0 : given));
      if (failed) throw_corrupt(subject_, LZ4F_getErrorName(result));
      bound_.take(given, subject_);
      bytes = bytes.subspan(taken);
      full = given == room.size();
      if (taken != 0 || given != 0) at_frame_end_ = result == 0;
    }
  }

  void finish() override {
    if (!at_frame_end_) throw_corrupt(subject_, "the lz4 stream is cut off");
  }

 private:
  std::string subject_;
  RawBound bound_;
  Decompressor context_;
  bool at_frame_end_ = false;
};

class Lz4Codec final : public Codec {
 public:
  explicit Lz4Codec(int level) noexcept : level_(level) {}
  [[nodiscard]] CodecId id() const noexcept override { return CodecId::lz4; }
  [[nodiscard]] int level() const noexcept override { return level_; }

  void compress(ByteSpan raw, Buffer& out) const override {
    thread_local const Compressor context = make_compressor();
    const LZ4F_preferences_t preferences = one_shot_preferences(level_, raw.size());
    const std::size_t before = out.size();
    const MutableByteSpan room =
        out.extend(LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(raw.size(), &preferences));
    out.resize(before);  // first, so that a failure leaves `out` as it was
    std::size_t size =
        compressed_size(LZ4F_compressBegin(context.get(), room.data(), room.size(), &preferences));
    if (!raw.empty()) {
      size +=
          compressed_size(LZ4F_compressUpdate(context.get(), room.subspan(size).data(),
                                              room.size() - size, raw.data(), raw.size(), nullptr));
    }
    size += compressed_size(
        LZ4F_compressEnd(context.get(), room.subspan(size).data(), room.size() - size, nullptr));
    out.resize(before + size);
  }

  [[nodiscard]] std::unique_ptr<StreamEncoder> make_encoder() const override {
    return std::make_unique<Lz4Encoder>(level_);
  }

 private:
  int level_;
};

}  // namespace

std::shared_ptr<const Codec> make_lz4_codec(int level) { return std::make_shared<Lz4Codec>(level); }

void lz4_decompress(ByteSpan compressed, MutableByteSpan raw, std::string_view subject) {
  thread_local const Decompressor context = make_decompressor();
  LZ4F_resetDecompressionContext(context.get());  // the call before may have ended in an error

  std::array<std::byte, 1> nothing{};  // lz4 wants a destination even for no bytes
  std::byte* const into = raw.empty() ? nothing.data() : raw.data();
  LZ4F_decompressOptions_t options{};
  options.stableDst = 1;  // decoded bytes stay where they are, so that no history is copied
  std::size_t position = 0;
  std::size_t filled = 0;
  std::size_t wanted = 1;  // 0 at the end of the frame
  while (wanted != 0) {
    std::size_t given = raw.size() - filled;
    std::size_t taken = compressed.size() - position;
    wanted = LZ4F_decompress(context.get(), into + filled, &given, compressed.data() + position,
                             &taken, &options);
    if (LZ4F_isError(wanted) != 0) throw_corrupt(subject, LZ4F_getErrorName(wanted));
    position += taken;
    filled += given;
    if (taken == 0 && given == 0) break;
  }
  if (wanted != 0 || position != compressed.size() || filled != raw.size()) {
    throw_corrupt(subject, fmt::format("not one lz4 frame of {} bytes", raw.size()));
  }
}

std::unique_ptr<StreamDecoder> make_lz4_decoder(std::string subject, std::uint64_t max_raw) {
  return std::make_unique<Lz4Decoder>(std::move(subject), max_raw);
}

}  // namespace cnf::compress
