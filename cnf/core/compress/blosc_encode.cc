// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include <fmt/core.h>
#include <lz4.h>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/compress/blosc_internal.h"
#include "cnf/core/compress/codec_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace cnf::compress {
namespace {

constexpr std::size_t kHeaderBytes = BloscFrame::kHeaderBytes;
constexpr std::size_t kMaxRaw = std::numeric_limits<std::int32_t>::max() - kHeaderBytes;
constexpr std::size_t kMaxTypesize = 255;
constexpr int kMaxLevel = 9;
constexpr int kMaxZstdLevel = 22;
constexpr std::size_t kAutomaticBlock = std::size_t{128} << 10;

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
  const std::size_t wanted = options.blocksize == 0 ? kAutomaticBlock : options.blocksize;
  const std::size_t block = std::min(std::max(wanted, kBloscMinBlock), raw_bytes);
  return std::max<std::size_t>(block > options.typesize ? block - block % options.typesize : block,
                               1);
}

// Compresses the blocks of one frame into room that is large enough for all of them stored raw.
class Encoder {
 public:
  Encoder(const BloscOptions& options, bool split, std::size_t block_bytes, MutableByteSpan room)
      : options_(options), split_(split), block_bytes_(block_bytes), room_(room) {
    if (options.shuffle != BloscShuffle::none) shuffled_.resize(block_bytes);
  }

  // Appends one block behind the `at` bytes that are there. Returns the bytes that are there then.
  std::size_t put_block(ByteSpan raw, std::size_t at) {
    const ByteSpan filtered = filter(raw);
    const std::size_t streams = split_ && raw.size() == block_bytes_ ? options_.typesize : 1;
    const std::size_t each = raw.size() / streams;
    for (std::size_t k = 0; k < streams; ++k) at = put_stream(filtered.subspan(k * each, each), at);
    return at;
  }

 private:
  ByteSpan filter(ByteSpan raw) {
    const std::size_t elements = raw.size() / options_.typesize;
    if (!blosc_filters(options_.shuffle, elements)) return raw;
    const std::size_t whole = elements * options_.typesize;
    if (options_.shuffle == BloscShuffle::byte) {
      blosc_shuffle(blosc_kernels(options_.typesize), options_.typesize, raw.first(whole),
                    shuffled_.data());
    } else {
      blosc_bitshuffle(blosc_kernels(options_.typesize), options_.typesize, raw.first(whole),
                       shuffled_.data());
    }
    if (whole != raw.size()) {
      std::memcpy(shuffled_.data() + whole, &raw[whole], raw.size() - whole);
    }
    return shuffled_.span().first(raw.size());
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
      const int level = std::min(options_.level * 2 - 1, kMaxZstdLevel);
      return zstd_compress_into(options_.level == kMaxLevel ? kMaxZstdLevel : level, bytes, room);
    }
    return static_cast<std::size_t>(
        LZ4_compress_fast(reinterpret_cast<const char*>(bytes.data()),
                          reinterpret_cast<char*>(room.data()), static_cast<int>(bytes.size()),
                          static_cast<int>(room.size()), 1 + kMaxLevel - options_.level));
  }

  BloscOptions options_;
  bool split_;
  std::size_t block_bytes_;
  MutableByteSpan room_;
  Buffer shuffled_;
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
  const bool split =
      options.codec != BloscCodec::zstd && blosc_splits(options.typesize, block_bytes);
  FrameHead head{.flags = flags_of(options, split),
                 .typesize = options.typesize,
                 .raw_bytes = raw.size(),
                 .block_bytes = block_bytes};

  const std::size_t before = out.size();
  const std::size_t index_end = kHeaderBytes + blocks * sizeof(std::uint32_t);
  const std::size_t streams = blocks * (split ? options.typesize : 1);
  const MutableByteSpan room = out.extend(index_end + raw.size() + streams * sizeof(std::uint32_t));
  out.resize(before);  // first, so that a failure leaves `out` as it was

  std::size_t at = index_end;
  if (options.level != 0 && raw.size() >= kBloscMinBlock) {
    Encoder encoder(options, split, block_bytes, room);
    for (std::size_t block = 0; block < blocks; ++block) {
      const auto start = static_cast<std::uint32_t>(at);
      std::memcpy(&room[kHeaderBytes + block * sizeof start], &start, sizeof start);
      const std::size_t from = block * block_bytes;
      at = encoder.put_block(raw.subspan(from, std::min(block_bytes, raw.size() - from)), at);
    }
  }
  head.frame_bytes = at;
  if (at == index_end || at >= kHeaderBytes + raw.size()) {
    head.flags |= kBloscCopied;
    head.frame_bytes = kHeaderBytes + raw.size();
    if (!raw.empty()) std::memcpy(&room[kHeaderBytes], raw.data(), raw.size());
  }
  head.write(room);
  out.resize(before + head.frame_bytes);
}

}  // namespace cnf::compress
