// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"

namespace cnf::compress {

// What each algorithm's file gives to codec.cc. Levels are checked before they come here.

[[nodiscard]] std::shared_ptr<const Codec> make_zstd_codec(int level);
void zstd_decompress(ByteSpan compressed, MutableByteSpan raw, std::string_view subject);
/// Bytes of the frame written to `room`, 0 if it does not fit. \param level  1 to 22.
[[nodiscard]] std::size_t zstd_compress_into(int level, ByteSpan raw, MutableByteSpan room);
[[nodiscard]] std::unique_ptr<StreamDecoder> make_zstd_decoder(std::string subject,
                                                               std::uint64_t max_raw);

[[nodiscard]] std::shared_ptr<const Codec> make_lz4_codec(int level);
void lz4_decompress(ByteSpan compressed, MutableByteSpan raw, std::string_view subject);
[[nodiscard]] std::unique_ptr<StreamDecoder> make_lz4_decoder(std::string subject,
                                                              std::uint64_t max_raw);

[[noreturn]] void throw_corrupt(std::string_view subject, std::string_view why);

/// Counts what a stream has decoded to, and refuses more than its bound.
class RawBound {
 public:
  explicit RawBound(std::uint64_t max_raw) noexcept : left_(max_raw) {}
  void take(std::uint64_t bytes, std::string_view subject) {
    if (bytes > left_) throw_corrupt(subject, "the stream decodes to more bytes than are expected");
    left_ -= bytes;
  }

 private:
  std::uint64_t left_;
};

}  // namespace cnf::compress
