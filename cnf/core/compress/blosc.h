// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"

namespace cnf::compress {

/// Blosc-1 frames (c-blosc, README_CHUNK_FORMAT.rst): a chunk's bytes cut into blocks that are
/// shuffled and compressed each by itself, with an index of the blocks, so that a part of the chunk
/// is read and decoded alone. All is pure. Frames from outside are hostile until parsed and
/// decoded: everything throws Error corrupt_data naming `subject` (unsupported for snappy and for
/// what came after Blosc 1), nothing is allocated on a frame's word.
enum class BloscCodec : std::uint8_t { blosclz = 0, lz4 = 1, snappy = 2, zlib = 3, zstd = 4 };
enum class BloscShuffle : std::uint8_t { none = 0, byte = 1, bit = 2 };

struct BloscOptions {
  BloscCodec codec = BloscCodec::lz4;  ///< To write: lz4 or zstd.
  /// 0 (stored) to 9. lz4: 5 and above leave nothing out, those below are faster (c-blosc's 5 is
  /// our 1). zstd: its level 2 level - 1, and 22 for 9. For voxels 1 does best.
  int level = 5;
  BloscShuffle shuffle = BloscShuffle::bit;
  std::size_t typesize = 1;  ///< Bytes an element, 1 to 255.
  /// Bytes a block, cut to whole elements, at least 128. 0 is 32 KiB for each byte of an element,
  /// at most 256 KiB: 64 KiB for int16, 128 KiB for float32. Whoever reads parts of a chunk wants
  /// whole planes in a block, or whole blocks in a plane: the size nearest to the automatic one
  /// that does it (half a plane of 256x256 int16, eight of 64x64, sixteen of 32x32). Twice as much
  /// costs int16 1% in size, eight times 5%; half as much gains nothing.
  std::size_t blocksize = 0;
};

/// A frame's header and block index, checked against each other.
class BloscFrame {
 public:
  static constexpr std::size_t kHeaderBytes = 16;

  /// Bytes from the frame's front that hold header and block index: never more than the frame's
  /// length as the header tells it, which the caller bounds. \param header  >= 16 bytes.
  [[nodiscard]] static std::size_t head_bytes(ByteSpan header, std::string_view subject);

  /// \param head         at least head_bytes() of the frame's front.
  /// \param frame_bytes  the frame's whole length, which the header must tell too.
  /// \param raw_bytes    what the frame must decode to.
  BloscFrame(ByteSpan head, std::uint64_t frame_bytes, std::uint64_t raw_bytes,
             std::string_view subject);

  [[nodiscard]] std::size_t raw_bytes() const noexcept { return raw_bytes_; }
  /// Decoded bytes of every block but the last, which may be shorter.
  [[nodiscard]] std::size_t block_bytes() const noexcept { return block_bytes_; }
  [[nodiscard]] std::size_t blocks() const noexcept {
    return raw_bytes_ == 0 ? 0 : (raw_bytes_ - 1) / block_bytes_ + 1;
  }
  [[nodiscard]] std::size_t raw_bytes_of(std::size_t block) const noexcept;

  struct Range {
    std::uint64_t offset = 0;  ///< From the frame's front.
    std::uint64_t length = 0;
  };
  /// Where the block lies in the frame, at most: up to the start of the next one in the file.
  [[nodiscard]] Range range_of(std::size_t block) const noexcept;

  /// Blocks are decoded in parts of a multiple of so many bytes. At most block_bytes().
  [[nodiscard]] std::size_t piece_bytes() const noexcept;

  /// Decodes one block. \param stored  the bytes of range_of(block), and no more.
  /// \param raw  exactly raw_bytes_of(block). Cost: no allocation once a thread has decoded one.
  void decode_block(std::size_t block, ByteSpan stored, MutableByteSpan raw,
                    std::string_view subject) const;

 private:
  friend class BloscBlock;
  struct Header;
  [[nodiscard]] static Header parse(ByteSpan header, std::string_view subject);
  void read_starts(ByteSpan index, std::uint32_t frame_bytes, std::string_view subject);

  BloscCodec codec_{};
  BloscShuffle shuffle_{};
  bool copied_ = false;  // memcpyed: raw bytes follow the header
  bool split_ = false;   // blocks are cut into one stream per byte of an element
  std::size_t typesize_ = 1;
  std::size_t raw_bytes_ = 0, block_bytes_ = 0;
  std::vector<std::uint32_t> starts_, ends_;  // of each block that is not copied, in the frame
};

/// A block whose streams are decompressed. Its elements are put together where they are wanted:
/// that costs more than the streams, most of which are often stored as they are.
class BloscBlock {
 public:
  /// \param stored  the bytes of frame.range_of(block), and no more. \param scratch  as many bytes
  /// as the block decodes to. Both are used as long as this lives, and so is the frame.
  BloscBlock(const BloscFrame& frame, std::size_t block, ByteSpan stored, MutableByteSpan scratch,
             std::string_view subject);

  /// As many bytes as `room` has, from `begin` on, which is a multiple of the frame's
  /// piece_bytes(): in `room`, or where they lie if nothing shuffled them. They end at such a
  /// multiple, too, or with the block. Throws Error invalid_argument otherwise.
  [[nodiscard]] ByteSpan read(std::size_t begin, MutableByteSpan room) const;

 private:
  static constexpr std::size_t kMaxTypesize = 255;
  [[nodiscard]] bool is_shuffled() const noexcept;

  const BloscFrame& frame_;
  std::size_t bytes_;
  std::array<const std::byte*, kMaxTypesize> places_{};  // of each byte of an element
};

/// Decodes a whole frame into exactly raw.size() bytes.
void blosc_decompress(ByteSpan frame, MutableByteSpan raw, std::string_view subject);

/// Appends a frame that every reader of Blosc 1 takes. The same input gives the same bytes on every
/// machine and thread. Throws Error invalid_argument beyond 2 GiB - 17 or on options out of range.
void blosc_compress(const BloscOptions& options, ByteSpan raw, Buffer& out);

}  // namespace cnf::compress
