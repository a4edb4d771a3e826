// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cnf/core/util/buffer.h"

namespace cnf::compress {

/// Streams shorter than this have no frame of their own: they are compressed together.
inline constexpr std::size_t kTinyStream = 128;

/// Several byte strings as one, each compressed by itself so that it can be had alone.
///
/// Bytes: varint number of streams; for each a varint length, and if that is kTinyStream or more a
/// varint stored length; if there are bytes of shorter streams, the varint stored length of all of
/// them together; then these as one, then the others. What is stored in fewer bytes than its length
/// is a zstd frame, else it is the bytes themselves. There is no checksum: whoever stores it has
/// one.
void put_stream_set(const std::vector<Buffer>& streams, int level, Buffer& out);

/// Gives the streams of a set. Threads: one at a time.
class StreamSet {
 public:
  /// The bytes must outlive it. Throws Error corrupt_data if lengths contradict the bytes, are more
  /// than zstd can make of them, or come to more than `max_raw`.
  StreamSet(ByteSpan bytes, std::uint64_t max_raw, std::string subject);

  [[nodiscard]] std::size_t size() const noexcept { return streams_.size(); }
  /// Decompresses a stream. Throws Error corrupt_data if there is no such stream or it is damaged.
  [[nodiscard]] Buffer get(std::size_t index);

 private:
  struct Stream {
    std::uint64_t raw = 0;
    std::uint64_t offset = 0;  // in bytes_, or in tiny_ if it is a short one
    std::uint64_t stored = 0;
  };
  ByteSpan bytes_;
  std::string subject_;
  std::vector<Stream> streams_;
  Stream together_;  // the short streams
  Buffer tiny_;      // the same, once they are decompressed
};

}  // namespace cnf::compress
