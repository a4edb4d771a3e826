// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/core.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "cnf/core/compress/codec.h"
#include "cnf/core/compress/codec_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::compress {
namespace {

// The window of a stream is allocated by whoever reads it, on the frame's word. 8 MiB is what level
// 19, the last below `--ultra`, takes; streams are written and read within it.
constexpr int kStreamWindowLog = 23;
constexpr int kFirstUltraLevel = 20;

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const noexcept { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const noexcept { ZSTD_freeDCtx(context); }
};
using Compressor = std::unique_ptr<ZSTD_CCtx, FreeContext>;
using Decompressor = std::unique_ptr<ZSTD_DCtx, FreeContext>;

template <typename Context>
Context checked(Context context) {
  if (!context) throw std::bad_alloc();
  return context;
}

ZSTD_CCtx* thread_compressor() {
  thread_local const Compressor context = checked(Compressor(ZSTD_createCCtx()));
  return context.get();
}

ZSTD_DCtx* thread_decompressor() {
  thread_local const Decompressor context = checked(Decompressor(ZSTD_createDCtx()));
  return context.get();
}

// Compression fails for want of memory or by a bug of ours; neither is the data's fault.
std::size_t compressed_size(std::size_t result) {
  if (ZSTD_isError(result) == 0) return result;
  if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation) throw std::bad_alloc();
  throw Error(Errc::internal, "compress", "zstd", ZSTD_getErrorName(result));
}

class ZstdEncoder final : public StreamEncoder {
 public:
  explicit ZstdEncoder(int level) : context_(checked(Compressor(ZSTD_createCCtx()))) {
    set(ZSTD_c_compressionLevel, level);
    set(ZSTD_c_checksumFlag, 1);
    if (level >= kFirstUltraLevel) set(ZSTD_c_windowLog, kStreamWindowLog);
  }

  void write(ByteSpan bytes, Buffer& out) override {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    while (input.pos < input.size) step(input, ZSTD_e_continue, out);
  }

  void finish(Buffer& out) override {
    ZSTD_inBuffer input{nullptr, 0, 0};
    while (step(input, ZSTD_e_end, out) != 0) {
    }
  }

 private:
  void set(ZSTD_cParameter parameter, int value) {
    compressed_size(ZSTD_CCtx_setParameter(context_.get(), parameter, value));
  }

  std::size_t step(ZSTD_inBuffer& input, ZSTD_EndDirective directive, Buffer& out) {
    const std::size_t before = out.size();
    const MutableByteSpan room = out.extend(ZSTD_CStreamOutSize());
    ZSTD_outBuffer output{room.data(), room.size(), 0};
    const std::size_t result = ZSTD_compressStream2(context_.get(), &output, &input, directive);
    out.resize(before + output.pos);
    return compressed_size(result);
  }

  Compressor context_;
};

class ZstdDecoder final : public StreamDecoder {
 public:
  ZstdDecoder(std::string subject, std::uint64_t max_raw)
      : subject_(std::move(subject)),
        bound_(max_raw),
        context_(checked(Decompressor(ZSTD_createDCtx()))) {
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kStreamWindowLog);
  }

  void write(ByteSpan bytes, Buffer& out) override {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    bool full = false;  // a full output may mean that more of the same input is waiting
    while (input.pos < input.size || full) {
      const std::size_t before = out.size();
      const MutableByteSpan room = out.extend(ZSTD_DStreamOutSize());
      ZSTD_outBuffer output{room.data(), room.size(), 0};
      const std::size_t position = input.pos;
      const std::size_t result = ZSTD_decompressStream(context_.get(), &output, &input);
      out.resize(before + output.pos);
      if (ZSTD_isError(result) != 0) throw_corrupt(subject_, ZSTD_getErrorName(result));
      bound_.take(output.pos, subject_);
      full = output.pos == output.size;
      // Asked for more after a frame's end, zstd would begin to wait for another one.
      if (input.pos != position || output.pos != 0) at_frame_end_ = result == 0;
    }
  }

  void finish() override {
    if (!at_frame_end_) throw_corrupt(subject_, "the zstd stream is cut off");
  }

 private:
  std::string subject_;
  RawBound bound_;
  Decompressor context_;
  bool at_frame_end_ = false;
};

class ZstdCodec final : public Codec {
 public:
  explicit ZstdCodec(int level) noexcept : level_(level) {}
  [[nodiscard]] CodecId id() const noexcept override { return CodecId::zstd; }
  [[nodiscard]] int level() const noexcept override { return level_; }

  void compress(ByteSpan raw, Buffer& out) const override {
    const std::size_t before = out.size();
    const MutableByteSpan room = out.extend(ZSTD_compressBound(raw.size()));
    const std::size_t result = ZSTD_compressCCtx(thread_compressor(), room.data(), room.size(),
                                                 raw.data(), raw.size(), level_);
    out.resize(before);  // first, so that a failure leaves `out` as it was
    out.resize(before + compressed_size(result));
  }

  [[nodiscard]] std::unique_ptr<StreamEncoder> make_encoder() const override {
    return std::make_unique<ZstdEncoder>(level_);
  }

 private:
  int level_;
};

}  // namespace

std::shared_ptr<const Codec> make_zstd_codec(int level) {
  return std::make_shared<ZstdCodec>(level);
}

void zstd_decompress(ByteSpan compressed, MutableByteSpan raw, std::string_view subject) {
  std::array<std::byte, 1> nothing{};  // zstd wants a destination even for no bytes
  std::byte* const into = raw.empty() ? nothing.data() : raw.data();
  const std::size_t result = ZSTD_decompressDCtx(thread_decompressor(), into, raw.size(),
                                                 compressed.data(), compressed.size());
  if (ZSTD_isError(result) != 0) throw_corrupt(subject, ZSTD_getErrorName(result));
  if (result != raw.size() || compressed.empty()) {
    throw_corrupt(
        subject, fmt::format("the zstd frame holds {} bytes, {} are expected", result, raw.size()));
  }
}

std::size_t zstd_compress_into(int level, ByteSpan raw, MutableByteSpan room) {
  const std::size_t result = ZSTD_compressCCtx(thread_compressor(), room.data(), room.size(),
                                               raw.data(), raw.size(), level);
  if (ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall) return 0;
  return compressed_size(result);
}

std::unique_ptr<StreamDecoder> make_zstd_decoder(std::string subject, std::uint64_t max_raw) {
  return std::make_unique<ZstdDecoder>(std::move(subject), max_raw);
}

}  // namespace cnf::compress
