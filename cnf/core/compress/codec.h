// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/util/buffer.h"

namespace cnf::compress {

/// How bytes are compressed; the value is what stands on disk and never changes its meaning.
enum class CodecId : std::uint8_t { none = 0, lz4 = 1, zstd = 2 };

[[nodiscard]] std::string_view to_string(CodecId id) noexcept;
/// Throws Error unsupported for a value this version does not know; `subject` names its object.
[[nodiscard]] CodecId codec_id(std::uint8_t value, std::string_view subject);

/// What to compress with. zstd: levels 1 to 22; lz4: 1 (fast) to 12 (its HC mode from 3); none: 0.
struct CodecOptions {
  std::string algorithm = "zstd";
  int level = 3;

  /// Reads "zstd", "zstd:9", "lz4", "none". Throws Error invalid_argument on an unknown name or a
  /// level out of range, naming what there is.
  [[nodiscard]] static CodecOptions parse(std::string_view text);
};

/// Compresses a stream piece by piece; what it gives belongs appended to what it gave before.
class StreamEncoder {
 public:
  virtual ~StreamEncoder() = default;
  virtual void write(ByteSpan bytes, Buffer& out) = 0;
  virtual void finish(Buffer& out) = 0;
};

/// Decompresses a stream piece by piece. Throws Error corrupt_data.
class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;
  virtual void write(ByteSpan bytes, Buffer& out) = 0;
  /// Throws corrupt_data if the stream is not at its end.
  virtual void finish() = 0;
};

/// One algorithm at one level. Immutable. Threads: every member may be called concurrently.
class Codec {
 public:
  virtual ~Codec() = default;
  [[nodiscard]] virtual CodecId id() const noexcept = 0;
  [[nodiscard]] virtual int level() const noexcept = 0;

  /// Appends the compressed form of `raw` to `out`.
  virtual void compress(ByteSpan raw, Buffer& out) const = 0;
  [[nodiscard]] virtual std::unique_ptr<StreamEncoder> make_encoder() const = 0;
};

/// Throws Error invalid_argument on an unknown name or a level out of range.
[[nodiscard]] std::shared_ptr<const Codec> make_codec(const CodecOptions& options);

/// Decompresses exactly `raw.size()` bytes. Throws Error corrupt_data, naming `subject`, if the
/// frame is damaged or holds another number of bytes. Nothing is allocated on the frame's word.
void decompress(CodecId id, ByteSpan compressed, MutableByteSpan raw, std::string_view subject);

[[nodiscard]] std::unique_ptr<StreamDecoder> make_decoder(CodecId id, std::string subject);

}  // namespace cnf::compress
