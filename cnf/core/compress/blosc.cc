// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/compress/blosc.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <libdeflate.h>
#include <lz4.h>

#include "cnf/core/compress/blosc_internal.h"
#include "cnf/core/compress/blosc_kernels_internal.h"
#include "cnf/core/compress/codec_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace cnf::compress {

struct BloscFrame::Header {
  std::uint32_t flags = 0, typesize = 1, raw_bytes = 0, block_bytes = 0, frame_bytes = 0;
  std::uint32_t codec_version = 0;

  [[nodiscard]] bool copied() const noexcept { return (flags & kBloscCopied) != 0; }
  [[nodiscard]] std::uint64_t blocks() const noexcept {
    return raw_bytes == 0 ? 0 : (std::uint64_t{raw_bytes} + block_bytes - 1) / block_bytes;
  }
  [[nodiscard]] std::uint64_t head_bytes() const noexcept {
    return kHeaderBytes + (copied() ? 0 : blocks() * sizeof(std::uint32_t));
  }
};

namespace {

[[noreturn]] void throw_unsupported(std::string_view subject, std::string_view what) {
  throw Error(Errc::unsupported, "decompress", subject, what,
              "write it again with lz4, zstd, zlib or blosclz in a Blosc 1 frame");
}

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* zlib) const noexcept {
    libdeflate_free_decompressor(zlib);
  }
};

bool zlib_decompress(ByteSpan stored, MutableByteSpan raw) {
  thread_local const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> zlib(
      libdeflate_alloc_decompressor());
  if (!zlib) throw std::bad_alloc();
  return libdeflate_zlib_decompress(zlib.get(), stored.data(), stored.size(), raw.data(),
                                    raw.size(), nullptr) == LIBDEFLATE_SUCCESS;
}

bool lz4_block_decompress(ByteSpan stored, MutableByteSpan raw) {
  // Both fit: a frame and what it decodes to are below 2 GiB.
  const int size = LZ4_decompress_safe(
      reinterpret_cast<const char*>(stored.data()), reinterpret_cast<char*>(raw.data()),
      static_cast<int>(stored.size()), static_cast<int>(raw.size()));
  return size >= 0 && static_cast<std::size_t>(size) == raw.size();
}

void decode_stream(BloscCodec codec, ByteSpan stored, MutableByteSpan raw,
                   std::string_view subject) {
  bool decoded = false;
  switch (codec) {
    case BloscCodec::blosclz:
      decoded = blosclz_decompress(stored, raw);
      break;
    case BloscCodec::lz4:
      decoded = lz4_block_decompress(stored, raw);
      break;
    case BloscCodec::zlib:
      decoded = zlib_decompress(stored, raw);
      break;
    case BloscCodec::zstd:
      return zstd_decompress(stored, raw, subject);
    case BloscCodec::snappy:
      break;  // refused with the header
  }
  if (!decoded) throw_corrupt(subject, "a stream of a blosc block is damaged");
}

// The streams of a block, one after another.
class Streams {
 public:
  Streams(BloscCodec codec, ByteSpan stored, std::string_view subject) noexcept
      : codec_(codec), in_(stored, subject), subject_(subject) {}

  // The next stream's bytes: where they lie if they are stored raw, else decoded to `room`.
  [[nodiscard]] const std::byte* next(MutableByteSpan room) {
    const ByteSpan stored = in_.get_bytes(in_.get<std::uint32_t>());
    if (stored.size() == room.size()) return stored.data();
    decode_stream(codec_, stored, room, subject_);
    return room.data();
  }
  void next_into(MutableByteSpan room) {
    const std::byte* const bytes = next(room);
    if (bytes != room.data()) std::memcpy(room.data(), bytes, room.size());
  }

 private:
  BloscCodec codec_;
  ByteReader in_;
  std::string_view subject_;
};

}  // namespace

BloscFrame::Header BloscFrame::parse(ByteSpan bytes, std::string_view subject) {
  ByteReader in(bytes, subject);
  const auto version = in.get<std::uint8_t>();
  Header header;
  header.codec_version = in.get<std::uint8_t>();
  header.flags = in.get<std::uint8_t>();
  header.typesize = in.get<std::uint8_t>();
  header.raw_bytes = in.get<std::uint32_t>();
  header.block_bytes = in.get<std::uint32_t>();
  header.frame_bytes = in.get<std::uint32_t>();
  if (version != kBloscVersion || (header.flags & kBloscLater) != 0) {
    throw_unsupported(subject, fmt::format("a blosc frame of version {} with flags {:#04x}",
                                           version, header.flags));
  }
  constexpr std::uint32_t kMax = std::numeric_limits<std::int32_t>::max();
  if (header.raw_bytes > kMax || header.frame_bytes > kMax) {
    throw_corrupt(subject, "the blosc frame says that it is 2 GiB or more");
  }
  if (header.raw_bytes != 0 &&
      (header.typesize == 0 || header.block_bytes == 0 || header.block_bytes > header.raw_bytes)) {
    throw_corrupt(subject, fmt::format("blocks of {} bytes and elements of {} in a blosc frame "
                                       "that holds {} bytes",
                                       header.block_bytes, header.typesize, header.raw_bytes));
  }
  if (header.frame_bytes < header.head_bytes()) {
    throw_corrupt(subject, fmt::format("a blosc frame of {} bytes cannot index {} blocks",
                                       header.frame_bytes, header.blocks()));
  }
  return header;
}

std::size_t BloscFrame::head_bytes(ByteSpan header, std::string_view subject) {
  return parse(header, subject).head_bytes();
}

BloscFrame::BloscFrame(ByteSpan head, std::uint64_t frame_bytes, std::uint64_t raw_bytes,
                       std::string_view subject) {
  const Header header = parse(head, subject);
  if (header.frame_bytes != frame_bytes || header.raw_bytes != raw_bytes) {
    throw_corrupt(subject,
                  fmt::format("the blosc frame says {} bytes that hold {}, it has {} and "
                              "must hold {}",
                              header.frame_bytes, header.raw_bytes, frame_bytes, raw_bytes));
  }
  codec_ = static_cast<BloscCodec>(header.flags >> kBloscCodecShift);
  copied_ = header.copied();
  typesize_ = header.typesize;
  raw_bytes_ = header.raw_bytes;
  block_bytes_ = header.block_bytes;
  if (copied_) {
    if (frame_bytes != kHeaderBytes + raw_bytes) {
      throw_corrupt(subject, "the blosc frame says that its bytes are stored raw, but has others");
    }
  } else if (codec_ == BloscCodec::snappy || codec_ > BloscCodec::zstd ||
             header.codec_version != kBloscCodecVersion) {
    const auto name = codec_ == BloscCodec::snappy
                          ? std::string("snappy")
                          : fmt::format("codec {} version {}", header.flags >> kBloscCodecShift,
                                        header.codec_version);
    throw_unsupported(subject, "a blosc frame compressed by " + name);
  }
  // A frame may say both; c-blosc then shuffles bytes, unless elements are single ones.
  const bool bytes = (header.flags & kBloscByteShuffled) != 0 && typesize_ > 1;
  const bool bits = (header.flags & kBloscBitShuffled) != 0;
  shuffle_ = bytes ? BloscShuffle::byte : bits ? BloscShuffle::bit : BloscShuffle::none;
  split_ = raw_bytes_ != 0 && (header.flags & kBloscNotSplit) == 0 &&
           blosc_splits(typesize_, block_bytes_);
  if (split_ && block_bytes_ % typesize_ != 0) {
    throw_corrupt(subject, "the blosc frame splits blocks that are not whole elements");
  }
  if (!copied_) {
    const ByteSpan index = ByteReader(head, subject).get_bytes(header.head_bytes());
    read_starts(index.subspan(kHeaderBytes), header.frame_bytes, subject);
  }
}

void BloscFrame::read_starts(ByteSpan index, std::uint32_t frame_bytes, std::string_view subject) {
  starts_.resize(blocks());
  if (!index.empty()) std::memcpy(starts_.data(), index.data(), index.size());
  // Threads of c-blosc store blocks in the order in which they are done.
  std::vector<std::uint32_t> sorted;
  std::span<const std::uint32_t> ascending = starts_;
  if (!std::ranges::is_sorted(starts_)) {
    sorted = starts_;
    std::ranges::sort(sorted);
    ascending = sorted;
  }
  const auto first = static_cast<std::uint32_t>(kHeaderBytes + index.size());
  if (!ascending.empty() && (ascending.front() < first || ascending.back() >= frame_bytes ||
                             std::ranges::adjacent_find(ascending) != ascending.end())) {
    throw_corrupt(subject, "the blosc frame's blocks lie outside of it or on each other");
  }
  ends_.reserve(starts_.size());
  if (sorted.empty()) {
    ends_.insert(ends_.end(), starts_.begin() + (starts_.empty() ? 0 : 1), starts_.end());
    if (!starts_.empty()) ends_.push_back(frame_bytes);
    return;
  }
  for (const std::uint32_t start : starts_) {
    const auto next = std::ranges::upper_bound(sorted, start);
    ends_.push_back(next == sorted.end() ? frame_bytes : *next);
  }
}

std::size_t BloscFrame::raw_bytes_of(std::size_t block) const noexcept {
  return std::min(block_bytes_, raw_bytes_ - block * block_bytes_);
}

BloscFrame::Range BloscFrame::range_of(std::size_t block) const noexcept {
  if (copied_) return {kHeaderBytes + block * block_bytes_, raw_bytes_of(block)};
  return {starts_[block], std::uint64_t{ends_[block]} - starts_[block]};
}

std::size_t BloscFrame::piece_bytes() const noexcept {
  if (copied_ || shuffle_ == BloscShuffle::none) return block_bytes_;
  return std::min(block_bytes_, 8 * kBloscTile * typesize_);
}

void BloscFrame::decode_block(std::size_t block, ByteSpan stored, MutableByteSpan raw,
                              std::string_view subject) const {
  const bool is_filtered = !copied_ && blosc_filters(shuffle_, raw.size() / typesize_);
  const BloscScratch scratch(is_filtered ? raw.size() : 0);
  const BloscBlock decoded(*this, block, stored, is_filtered ? scratch.bytes() : raw, subject);
  const ByteSpan bytes = decoded.read(0, raw);
  if (bytes.data() != raw.data()) std::memcpy(raw.data(), bytes.data(), bytes.size());
}

BloscBlock::BloscBlock(const BloscFrame& frame, std::size_t block, ByteSpan stored,
                       MutableByteSpan scratch, std::string_view subject)
    : frame_(frame), bytes_(block < frame.blocks() ? frame.raw_bytes_of(block) : 0) {
  if (block >= frame.blocks() || scratch.size() < bytes_ ||
      stored.size() != frame.range_of(block).length) {
    throw Error(Errc::invalid_argument, "decompress", subject,
                fmt::format("{} bytes for block {} of a blosc frame, and {} to work in",
                            stored.size(), block, scratch.size()));
  }
  if (frame.copied_) {
    places_[0] = stored.data();
    return;
  }
  Streams in(frame.codec_, stored, subject);
  const std::size_t streams = frame.split_ && bytes_ == frame.block_bytes_ ? frame.typesize_ : 1;
  const std::size_t each = bytes_ / streams;
  if (is_shuffled()) {
    places_[0] = in.next(scratch.first(each));
    for (std::size_t k = 1; k < frame.typesize_; ++k) {
      places_[k] = streams == 1 ? places_[k - 1] + bytes_ / frame.typesize_
                                : in.next(scratch.subspan(k * each, each));
    }
  } else if (streams == 1) {
    places_[0] = in.next(scratch.first(bytes_));
  } else {
    for (std::size_t k = 0; k < streams; ++k) in.next_into(scratch.subspan(k * each, each));
    places_[0] = scratch.data();
  }
}

bool BloscBlock::is_shuffled() const noexcept {
  return !frame_.copied_ && blosc_filters(frame_.shuffle_, bytes_ / frame_.typesize_);
}

ByteSpan BloscBlock::read(std::size_t begin, MutableByteSpan room) const {
  const std::size_t piece = frame_.piece_bytes();
  if (begin > bytes_ || room.size() > bytes_ - begin || begin % piece != 0 ||
      (room.size() % piece != 0 && begin + room.size() != bytes_)) {
    throw Error(Errc::invalid_argument, "decompress", "a blosc frame",
                fmt::format("{} bytes are wanted from byte {} on of a block of {}", room.size(),
                            begin, bytes_));
  }
  if (!is_shuffled()) return {places_[0] + begin, room.size()};
  const std::size_t typesize = frame_.typesize_;
  const std::size_t elements = bytes_ / typesize;
  const std::size_t first = begin / typesize;
  const bool is_bits = frame_.shuffle_ == BloscShuffle::bit;
  // Filling all of it first would take as long as a piece does.
  std::array<const std::byte*, kMaxTypesize> places;  // NOLINT(*-pro-type-member-init)
  for (std::size_t k = 0; k < typesize; ++k) places[k] = places_[k] + (is_bits ? first / 8 : first);
  const std::span<const std::byte* const> planes(places.data(), typesize);
  const MutableByteSpan whole = room.first(room.size() / typesize * typesize);
  is_bits ? blosc_unbitshuffle(blosc_kernels(typesize), planes, elements / 8, whole)
          : blosc_unshuffle(blosc_kernels(typesize), planes, whole);
  const MutableByteSpan rest = room.subspan(whole.size());  // less than an element, in one stream
  if (!rest.empty()) std::memcpy(rest.data(), places_[typesize - 1] + elements, rest.size());
  return room;
}

void blosc_decompress(ByteSpan frame, MutableByteSpan raw, std::string_view subject) {
  const BloscFrame index(frame, frame.size(), raw.size(), subject);
  for (std::size_t block = 0; block < index.blocks(); ++block) {
    const BloscFrame::Range range = index.range_of(block);
    index.decode_block(block, frame.subspan(range.offset, range.length),
                       raw.subspan(block * index.block_bytes(), index.raw_bytes_of(block)),
                       subject);
  }
}

}  // namespace cnf::compress
