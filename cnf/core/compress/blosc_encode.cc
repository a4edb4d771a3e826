// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include <fmt/core.h>
#include <lz4.h>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/compress/blosc_internal.h"
#include "cnf/core/compress/blosc_kernels_internal.h"
#include "cnf/core/compress/codec_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::compress {
namespace {

constexpr std::size_t kHeaderBytes = BloscFrame::kHeaderBytes;
constexpr std::size_t kMaxRaw = std::numeric_limits<std::int32_t>::max() - kHeaderBytes;
constexpr std::size_t kMaxTypesize = 255;
constexpr int kMaxLevel = 9;
constexpr std::size_t kSampleElements = 8192;
constexpr int kMaxZstdLevel = 22;
constexpr int kFullLz4Level = 5;  // from which LZ4 skips nothing; c-blosc's does only at 9
// What a byte of each element takes in an automatic block. LZ4 finds most in streams of up to 64
// KiB, where it fills a larger table, and zstd no more in larger ones; voxels' low bytes are noise,
// which is stored raw. Smaller blocks only mean more of them.
constexpr std::size_t kAutomaticStream = std::size_t{32} << 10;
constexpr std::size_t kMaxAutomaticBlock = std::size_t{256} << 10;

void check(const BloscOptions& options, std::size_t raw_bytes) {
  const auto refuse = [](const std::string& why) {
    throw Error(Errc::invalid_argument, "compress", "blosc", why);
  };
  if (options.codec != BloscCodec::lz4 && options.codec != BloscCodec::zstd) {
    refuse("only lz4 and zstd are written");
  }
  if (options.level < 0 || options.level > kMaxLevel) {
    refuse(fmt::format("level {} is not 0 to {}", options.level, kMaxLevel));
  }
  if (options.typesize == 0 || options.typesize > kMaxTypesize) {
    refuse(fmt::format("an element of {} bytes is not 1 to {}", options.typesize, kMaxTypesize));
  }
  if (raw_bytes > kMaxRaw) {
    refuse(fmt::format("{} bytes are more than the {} of a frame", raw_bytes, kMaxRaw));
  }
}

std::size_t block_bytes_of(const BloscOptions& options, std::size_t raw_bytes) {
  const std::size_t automatic = std::min(kAutomaticStream * options.typesize, kMaxAutomaticBlock);
  const std::size_t wanted = options.blocksize == 0 ? automatic : options.blocksize;
  const std::size_t block = std::min(std::max(wanted, kBloscMinBlock), raw_bytes);
  return std::max<std::size_t>(block > options.typesize ? block - block % options.typesize : block,
                               1);
}

// Compresses the blocks of one frame into room that is large enough for all of them stored raw.
class Encoder {
 public:
  Encoder(const BloscOptions& options, std::size_t block_bytes, ByteSpan raw, MutableByteSpan room)
      : options_(options),
        block_bytes_(block_bytes),
        raw_(raw),
        room_(room),
        shuffled_(options.shuffle == BloscShuffle::none ? 0 : block_bytes) {}

  // Tries a part of what is in the middle both ways. Split, the low bytes of voxels do not stand
  // between the compressor and the high ones, and stored raw they need not be decoded; but what
  // repeats from one byte to the next is not found. Overwrites what is behind the `at` bytes.
  [[nodiscard]] bool gains_by_splitting(std::size_t at) {
    const std::size_t unit = 8 * options_.typesize;
    const std::size_t size = std::min(block_bytes_, kSampleElements * options_.typesize);
    const ByteSpan sample = raw_.subspan((raw_.size() - size) / 2 / unit * unit, size);
    const std::size_t split = put_block(sample, options_.typesize, at) - at;
    const std::size_t whole = put_block(sample, 1, at) - at;
    return split <= whole + whole / 128;
  }

  // Appends all blocks behind the `at` bytes that are there, and their index behind the header.
  // Returns the bytes that are there then.
  std::size_t put_blocks(bool split, std::size_t at) {
    std::size_t block = 0;
    for (std::size_t from = 0; from < raw_.size(); from += block_bytes_, ++block) {
      const auto start = static_cast<std::uint32_t>(at);
      std::memcpy(&room_[kHeaderBytes + block * sizeof start], &start, sizeof start);
      const ByteSpan raw = raw_.subspan(from, std::min(block_bytes_, raw_.size() - from));
      at = put_block(raw, split && raw.size() == block_bytes_ ? options_.typesize : 1, at);
    }
    return at;
  }

 private:
  std::size_t put_block(ByteSpan raw, std::size_t streams, std::size_t at) {
    const ByteSpan filtered = filter(raw);
    const std::size_t each = raw.size() / streams;
    for (std::size_t k = 0; k < streams; ++k) at = put_stream(filtered.subspan(k * each, each), at);
    return at;
  }

  ByteSpan filter(ByteSpan raw) {
    const std::size_t typesize = options_.typesize;
    const std::size_t elements = raw.size() / typesize;
    if (!blosc_filters(options_.shuffle, elements)) return raw;
    const BloscKernels* const kernels = blosc_kernels(typesize);
    const ByteSpan whole = raw.first(elements * typesize);
    const MutableByteSpan to = shuffled_.bytes().first(raw.size());
    if (options_.shuffle == BloscShuffle::byte) {
      blosc_shuffle(kernels, typesize, whole, to.data());
    } else {
      blosc_bitshuffle(kernels, typesize, whole, to.data());
    }
    const ByteSpan rest = raw.subspan(whole.size());  // less than an element
    if (!rest.empty()) std::memcpy(&to[whole.size()], rest.data(), rest.size());
    return to;
  }

  std::size_t put_stream(ByteSpan bytes, std::size_t at) {
    const std::size_t start = at + sizeof(std::uint32_t);
    // As many bytes as it has mean that it is stored raw, so it must become shorter.
    std::size_t stored = compress(bytes, room_.subspan(start, bytes.size() - 1));
    if (stored == 0) {
      stored = bytes.size();
      std::memcpy(&room_[start], bytes.data(), stored);
    }
    const auto length = static_cast<std::uint32_t>(stored);
    std::memcpy(&room_[at], &length, sizeof length);
    return start + stored;
  }

  // Bytes written to `room`, 0 if it does not fit.
  [[nodiscard]] std::size_t compress(ByteSpan bytes, MutableByteSpan room) const {
    if (options_.codec == BloscCodec::zstd) {
      const int level = options_.level == kMaxLevel ? kMaxZstdLevel : options_.level * 2 - 1;
      return zstd_compress_into(level, bytes, room);
    }
    return static_cast<std::size_t>(LZ4_compress_fast(
        reinterpret_cast<const char*>(bytes.data()), reinterpret_cast<char*>(room.data()),
        static_cast<int>(bytes.size()), static_cast<int>(room.size()),
        std::max(1, kFullLz4Level + 1 - options_.level)));
  }

  BloscOptions options_;
  std::size_t block_bytes_;
  ByteSpan raw_;
  MutableByteSpan room_;
  BloscScratch shuffled_;
};

struct FrameHead {
  unsigned flags = 0;
  std::size_t typesize = 1, raw_bytes = 0, block_bytes = 0, frame_bytes = 0;

  void write(MutableByteSpan to) const {
    const std::uint8_t first[] = {kBloscVersion, kBloscCodecVersion,
                                  static_cast<std::uint8_t>(flags),
                                  static_cast<std::uint8_t>(typesize)};
    const std::uint32_t sizes[] = {static_cast<std::uint32_t>(raw_bytes),
                                   static_cast<std::uint32_t>(block_bytes),
                                   static_cast<std::uint32_t>(frame_bytes)};
    std::memcpy(to.data(), first, sizeof first);
    std::memcpy(&to[sizeof first], sizes, sizeof sizes);
  }
};

unsigned flags_of(const BloscOptions& options, bool split) {
  unsigned flags = static_cast<unsigned>(options.codec) << kBloscCodecShift;
  if (options.shuffle == BloscShuffle::byte) flags |= kBloscByteShuffled;
  if (options.shuffle == BloscShuffle::bit) flags |= kBloscBitShuffled;
  if (!split) flags |= kBloscNotSplit;
  return flags;
}

}  // namespace

void blosc_compress(const BloscOptions& options, ByteSpan raw, Buffer& out) {
  check(options, raw.size());
  const std::size_t block_bytes = block_bytes_of(options, raw.size());
  const std::size_t blocks = (raw.size() + block_bytes - 1) / block_bytes;
  const bool splittable = options.shuffle != BloscShuffle::none && options.typesize > 1 &&
                          blosc_splits(options.typesize, block_bytes);
  const std::size_t index_end = kHeaderBytes + blocks * sizeof(std::uint32_t);
  const std::size_t streams = blocks * (splittable ? options.typesize : 1);
  const std::size_t before = out.size();
  const MutableByteSpan room = out.extend(index_end + raw.size() + streams * sizeof(std::uint32_t));
  out.resize(before);  // first, so that a failure leaves `out` as it was

  bool split = false;
  std::size_t end = index_end;
  if (options.level != 0 && raw.size() >= kBloscMinBlock) {
    Encoder encoder(options, block_bytes, raw, room);
    split = splittable && encoder.gains_by_splitting(index_end);
    end = encoder.put_blocks(split, index_end);
  }
  FrameHead head{.flags = flags_of(options, split),
                 .typesize = options.typesize,
                 .raw_bytes = raw.size(),
                 .block_bytes = block_bytes,
                 .frame_bytes = end};
  if (end == index_end || end >= kHeaderBytes + raw.size()) {
    head.flags |= kBloscCopied;
    head.frame_bytes = kHeaderBytes + raw.size();
    if (!raw.empty()) std::memcpy(&room[kHeaderBytes], raw.data(), raw.size());
  }
  head.write(room);
  out.resize(before + head.frame_bytes);
}

}  // namespace cnf::compress
