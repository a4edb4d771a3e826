// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/util/buffer.h"

namespace cnf::compress {

/// How bytes are compressed; the value is what stands on disk and never changes its meaning.
///
/// zstd: frames of RFC 8878. lz4: frames of the LZ4 Frame Format 1.6, so that one-shot and streamed
/// bytes are the same thing and the `lz4` tool reads both. none: the bytes themselves.
enum class CodecId : std::uint8_t { none = 0, lz4 = 1, zstd = 2 };

[[nodiscard]] std::string_view to_string(CodecId id) noexcept;
/// Throws Error unsupported for a value this version does not know; `subject` names its object.
[[nodiscard]] CodecId codec_id(std::uint8_t value, std::string_view subject);

/// What to compress with. zstd: levels 1 to 22; lz4: 1 (fast) to 12 (its HC mode from 3); none: 0.
struct CodecOptions {
  std::string algorithm = "zstd";
  int level = 3;

  /// Reads "zstd", "zstd:9", "lz4", "none"; without a level: zstd 3, lz4 1, none 0. Throws Error
  /// invalid_argument on an unknown name or a level out of range, naming what there is.
  [[nodiscard]] static CodecOptions parse(std::string_view text);
};

/// Compresses a stream piece by piece; what it gives belongs appended to what it gave before. The
/// stream carries a checksum of its content (zstd and lz4), for it may have to stand alone.
/// Memory: zstd at most 8 MiB of window whatever the level; lz4 under 1 MiB. Threads: one at a
/// time.
class StreamEncoder {
 public:
  virtual ~StreamEncoder() = default;
  StreamEncoder() = default;
  StreamEncoder(const StreamEncoder&) = delete;
  StreamEncoder& operator=(const StreamEncoder&) = delete;

  /// Appends to `out` what is ready.
  virtual void write(ByteSpan bytes, Buffer& out) = 0;
  /// Appends the rest; the encoder is done after it.
  virtual void finish(Buffer& out) = 0;
};

/// Decompresses a stream piece by piece. Throws Error corrupt_data. Threads: one at a time.
class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;
  StreamDecoder() = default;
  StreamDecoder(const StreamDecoder&) = delete;
  StreamDecoder& operator=(const StreamDecoder&) = delete;

  /// Appends what the bytes decode to. A few bytes may decode to thousands of times their length:
  /// give pieces of a bounded size, or bound the whole by make_decoder's `max_raw`.
  virtual void write(ByteSpan bytes, Buffer& out) = 0;
  /// Throws corrupt_data if the stream is not at its end.
  virtual void finish() = 0;
};

/// One algorithm at one level. Immutable. Threads: every member may be called concurrently; each
/// thread keeps one context per algorithm for its one-shot calls.
class Codec {
 public:
  virtual ~Codec() = default;
  Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;

  [[nodiscard]] virtual CodecId id() const noexcept = 0;
  [[nodiscard]] virtual int level() const noexcept = 0;

  /// Appends the compressed form of `raw` to `out`: one frame without a checksum, for whoever
  /// stores it keeps its CRC32C. The same input gives the same bytes on every thread.
  virtual void compress(ByteSpan raw, Buffer& out) const = 0;
  [[nodiscard]] virtual std::unique_ptr<StreamEncoder> make_encoder() const = 0;
};

/// Throws Error invalid_argument on an unknown name or a level out of range.
[[nodiscard]] std::shared_ptr<const Codec> make_codec(const CodecOptions& options);

/// Decompresses exactly `raw.size()` bytes. Throws Error corrupt_data, naming `subject`, if the
/// frame is damaged or holds another number of bytes. Nothing is allocated on the frame's word.
void decompress(CodecId id, ByteSpan compressed, MutableByteSpan raw, std::string_view subject);

/// \param max_raw  bytes the whole stream may decode to; more is corrupt_data.
/// A zstd stream whose window exceeds 8 MiB (only `zstd --ultra` or `--long` make one) is refused
/// as corrupt_data: the window would be allocated on the stream's word.
[[nodiscard]] std::unique_ptr<StreamDecoder> make_decoder(
    CodecId id, std::string subject,
    std::uint64_t max_raw = std::numeric_limits<std::uint64_t>::max());

}  // namespace cnf::compress
