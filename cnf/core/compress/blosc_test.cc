// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/compress/blosc.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <thread>

#include <blosc.h>
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::compress {
namespace {

constexpr std::array kShuffles{BloscShuffle::none, BloscShuffle::byte, BloscShuffle::bit};
constexpr std::array<std::size_t, 8> kTypesizes{1, 2, 3, 4, 8, 12, 16, 31};
// Empty, too short to compress, not whole elements, one block, several, and a short last one.
constexpr std::array<std::size_t, 9> kSizes{0, 1, 127, 128, 1001, 4096, 65'536, 200'003, 262'144};

// Integers of the width whose low bits are noise and whose high ones are not, as voxels are.
Buffer voxels(std::size_t size, std::size_t typesize, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> noise(0, 60);
  Buffer bytes(size);
  for (std::size_t at = 0; at < size; at += typesize) {
    const auto value =
        static_cast<std::int64_t>(noise(random) + 200 * std::sin(static_cast<double>(at) * 1e-3));
    for (std::size_t k = 0; k < typesize && at + k < size; ++k) {
      bytes.data()[at + k] = static_cast<std::byte>(k < 8 ? value >> 8 * k & 0xff : 0);
    }
  }
  return bytes;
}

Buffer compressed(const BloscOptions& options, ByteSpan raw) {
  Buffer out = Buffer::copy_of(as_bytes("before"));
  blosc_compress(options, raw, out);
  EXPECT_EQ(as_text(out).substr(0, 6), "before");
  return Buffer::copy_of(out.span().subspan(6));
}

Buffer decompressed(ByteSpan frame, std::size_t size) {
  Buffer raw(size);
  blosc_decompress(frame, raw.span(), "frame");
  return raw;
}

struct PeerOptions {
  const char* codec = "lz4";
  int level = 5;
  BloscShuffle shuffle = BloscShuffle::bit;
  std::size_t typesize = 1, blocksize = 0;
  int threads = 1;
};

// What Debian's c-blosc makes of it: the oracle.
Buffer peer_compressed(const PeerOptions& options, ByteSpan raw) {
  Buffer frame(raw.size() + BLOSC_MAX_OVERHEAD);
  const int size = blosc_compress_ctx(
      options.level, static_cast<int>(options.shuffle), options.typesize, raw.size(), raw.data(),
      frame.data(), frame.size(), options.codec, options.blocksize, options.threads);
  EXPECT_GT(size, 0) << options.codec;
  frame.resize(static_cast<std::size_t>(size));
  return frame;
}

Buffer peer_decompressed(ByteSpan frame, std::size_t size) {
  Buffer raw(size);
  EXPECT_EQ(blosc_decompress_ctx(frame.data(), raw.data(), size, 1), static_cast<int>(size));
  return raw;
}

std::string text(ByteSpan bytes) { return std::string(as_text(bytes)); }

TEST(Blosc, ReadsWhatCBloscWrites) {
  for (const char* const codec : {"lz4", "lz4hc", "zstd", "zlib", "blosclz"}) {
    for (const BloscShuffle shuffle : kShuffles) {
      for (const std::size_t typesize : kTypesizes) {
        for (const std::size_t size : kSizes) {
          const Buffer raw = voxels(size, typesize, size + typesize);
          const Buffer frame =
              peer_compressed({.codec = codec, .shuffle = shuffle, .typesize = typesize}, raw);
          ASSERT_TRUE(text(decompressed(frame, size)) == text(raw))
              << codec << " shuffle " << static_cast<int>(shuffle) << " typesize " << typesize
              << " size " << size;
        }
      }
    }
  }
}

TEST(Blosc, ReadsEveryLevelAndBlocksizeOfCBlosc) {
  const Buffer raw = voxels(300'001, 2, 1);
  for (const char* const codec : {"lz4", "zstd", "zlib", "blosclz"}) {
    for (int level = 0; level <= 9; ++level) {
      for (const std::size_t blocksize : {0U, 1U, 200U, 256U, 8192U, 131'072U}) {
        const Buffer frame = peer_compressed(
            {.codec = codec, .level = level, .typesize = 2, .blocksize = blocksize}, raw);
        ASSERT_TRUE(text(decompressed(frame, raw.size())) == text(raw))
            << codec << " level " << level << " blocksize " << blocksize;
      }
    }
  }
}

// Its threads store blocks in the order in which they are done.
TEST(Blosc, ReadsBlocksInAnyOrder) {
  const Buffer raw = voxels(4'000'000, 2, 2);
  for (int round = 0; round < 5; ++round) {
    const Buffer frame = peer_compressed({.typesize = 2, .blocksize = 16'384, .threads = 4}, raw);
    ASSERT_TRUE(text(decompressed(frame, raw.size())) == text(raw));
  }
}

// blosclz's far and long matches, and its runs.
TEST(Blosc, ReadsMatchesOfAllKindsOfBlosclz) {
  std::mt19937_64 random(3);
  Buffer raw(200'000);
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t length = std::min<std::size_t>(1 + random() % 700, raw.size() - at);
    const std::size_t distance = random() % 3 == 0 ? 1 : 1 + random() % 70'000;
    for (std::size_t i = 0; i < length; ++i, ++at) {
      raw.data()[at] = distance <= at && random() % 200 != 0 ? raw.data()[at - distance]
                                                             : static_cast<std::byte>(random());
    }
  }
  for (int level = 1; level <= 9; ++level) {
    const Buffer frame =
        peer_compressed({.codec = "blosclz", .level = level, .shuffle = BloscShuffle::none}, raw);
    ASSERT_LT(frame.size(), raw.size());
    ASSERT_TRUE(text(decompressed(frame, raw.size())) == text(raw)) << level;
  }
}

TEST(Blosc, WritesWhatCBloscReads) {
  for (const BloscCodec codec : {BloscCodec::lz4, BloscCodec::zstd}) {
    for (const BloscShuffle shuffle : kShuffles) {
      for (const std::size_t typesize : kTypesizes) {
        for (const std::size_t size : kSizes) {
          const Buffer raw = voxels(size, typesize, size + typesize);
          const Buffer frame =
              compressed({.codec = codec, .shuffle = shuffle, .typesize = typesize}, raw);
          const auto row =
              fmt::format("codec {} shuffle {} typesize {} size {}", static_cast<int>(codec),
                          static_cast<int>(shuffle), typesize, size);
          ASSERT_TRUE(text(decompressed(frame, size)) == text(raw)) << row;
          ASSERT_TRUE(text(peer_decompressed(frame, size)) == text(raw)) << row;
        }
      }
    }
  }
}

TEST(Blosc, WritesEveryLevelAndBlocksize) {
  const Buffer raw = voxels(100'001, 4, 4);
  for (const BloscCodec codec : {BloscCodec::lz4, BloscCodec::zstd}) {
    for (int level = 0; level <= 9; ++level) {
      for (const std::size_t blocksize : {0U, 1U, 4099U, 131'072U}) {
        const Buffer frame = compressed(
            {.codec = codec, .level = level, .typesize = 4, .blocksize = blocksize}, raw);
        ASSERT_TRUE(text(peer_decompressed(frame, raw.size())) == text(raw))
            << "level " << level << " blocksize " << blocksize;
        ASSERT_TRUE(text(decompressed(frame, raw.size())) == text(raw))
            << "level " << level << " blocksize " << blocksize;
      }
    }
  }
}

constexpr unsigned kNotSplitFlag = 0x10;

unsigned flags_of(ByteSpan frame) { return std::to_integer<unsigned>(frame[2]); }

// Noise below what hardly changes is kept apart from it; the same byte four times is not.
TEST(Blosc, SplitsWhereItGains) {
  std::mt19937_64 random(8);
  Buffer noisy(400'000);
  Buffer alike(400'000);
  for (std::size_t i = 0; i < noisy.size(); ++i) {
    noisy.data()[i] = static_cast<std::byte>(i % 2 == 0 ? random() : i / 10'000);
    alike.data()[i] = i % 4 == 0 ? static_cast<std::byte>(random()) : alike.data()[i - 1];
  }
  for (const BloscCodec codec : {BloscCodec::lz4, BloscCodec::zstd}) {
    const BloscOptions options{.codec = codec, .shuffle = BloscShuffle::byte, .typesize = 4};
    const Buffer split = compressed(options, noisy);
    EXPECT_EQ(flags_of(split) & kNotSplitFlag, 0U);
    EXPECT_TRUE(text(peer_decompressed(split, noisy.size())) == text(noisy));
    const Buffer whole = compressed(options, alike);
    EXPECT_EQ(flags_of(whole) & kNotSplitFlag, kNotSplitFlag);
    EXPECT_LT(whole.size(), alike.size() / 3);
    EXPECT_TRUE(text(peer_decompressed(whole, alike.size())) == text(alike));
  }
}

RC_GTEST_PROP(Blosc, ComesBack, ()) {
  const BloscOptions options{
      .codec = *rc::gen::element(BloscCodec::lz4, BloscCodec::zstd),
      .level = *rc::gen::inRange(0, 10),
      .shuffle = *rc::gen::elementOf(kShuffles),
      .typesize = *rc::gen::inRange<std::size_t>(1, 256),
      .blocksize = *rc::gen::element<std::size_t>(0, 128, 1000, 4096, 100'000)};
  const auto size = *rc::gen::inRange<std::size_t>(0, 50'000);
  const auto period = *rc::gen::inRange<std::size_t>(1, 2000);
  std::mt19937_64 random(*rc::gen::arbitrary<std::uint32_t>());
  Buffer raw(size);
  for (std::size_t i = 0; i < size; ++i) {
    raw.data()[i] = i < period ? static_cast<std::byte>(random()) : raw.data()[i - period];
  }
  const Buffer frame = compressed(options, raw);
  RC_ASSERT(frame.size() <= size + BloscFrame::kHeaderBytes);
  RC_ASSERT(as_text(decompressed(frame, size)) == as_text(raw));
  RC_ASSERT(as_text(peer_decompressed(frame, size)) == as_text(raw));
}

TEST(Blosc, BlocksAreDecodedAlone) {
  const Buffer raw = voxels(1'000'001, 2, 5);
  const Buffer frame = compressed({.typesize = 2, .blocksize = 131'072}, raw);
  const std::size_t head = BloscFrame::head_bytes(frame.span().first(16), "frame");
  EXPECT_EQ(head, 16 + 8 * 4U);
  const BloscFrame index(frame.span().first(head), frame.size(), raw.size(), "frame");
  EXPECT_EQ(index.raw_bytes(), raw.size());
  EXPECT_EQ(index.block_bytes(), 131'072U);
  ASSERT_EQ(index.blocks(), 8U);
  std::uint64_t end = head;
  for (std::size_t block = 0; block < index.blocks(); ++block) {
    const BloscFrame::Range range = index.range_of(block);
    EXPECT_EQ(range.offset, end) << block;
    end += range.length;
    Buffer piece(index.raw_bytes_of(block));
    index.decode_block(block, frame.span().subspan(range.offset, range.length), piece.span(),
                       "frame");
    EXPECT_TRUE(text(piece) == text(raw.span().subspan(block * 131'072, piece.size()))) << block;
  }
  EXPECT_EQ(end, frame.size());
}

TEST(Blosc, PiecesOfABlockAreReadAlone) {
  constexpr std::size_t kBlock = 131'072;  // cut to whole elements
  for (const BloscShuffle shuffle : kShuffles) {
    for (const std::size_t typesize : kTypesizes) {
      const Buffer raw = voxels(300'001, typesize, typesize);
      const Buffer frame =
          compressed({.shuffle = shuffle, .typesize = typesize, .blocksize = kBlock}, raw);
      const BloscFrame index(frame, frame.size(), raw.size(), "frame");
      Buffer scratch(index.block_bytes());
      Buffer room(index.block_bytes());
      for (std::size_t block = 0; block < index.blocks(); ++block) {
        const BloscFrame::Range range = index.range_of(block);
        const BloscBlock parts(index, block, frame.span().subspan(range.offset, range.length),
                               scratch.span(), "frame");
        const ByteSpan want =
            raw.span().subspan(block * index.block_bytes(), index.raw_bytes_of(block));
        const std::size_t piece = index.piece_bytes();
        for (std::size_t end = want.size(); end != 0; end = (end - 1) / piece * piece) {
          const std::size_t begin = (end - 1) / piece * piece;
          ASSERT_TRUE(text(parts.read(begin, room.span().first(end - begin))) ==
                      text(want.subspan(begin, end - begin)))
              << "shuffle " << static_cast<int>(shuffle) << " typesize " << typesize << " block "
              << block << " byte " << begin;
        }
      }
    }
  }
}

TEST(Blosc, NoiseIsStored) {
  std::mt19937_64 random(6);
  Buffer raw(100'000);
  for (std::byte& byte : raw.span()) byte = static_cast<std::byte>(random());
  const Buffer frame = compressed({.typesize = 2, .blocksize = 4096}, raw);
  EXPECT_EQ(frame.size(), raw.size() + 16);
  const BloscFrame index(frame.span().first(16), frame.size(), raw.size(), "frame");
  EXPECT_EQ(index.range_of(2).offset, 16 + 2 * 4096U);
  EXPECT_TRUE(text(decompressed(frame, raw.size())) == text(raw));
}

TEST(Blosc, EveryThreadWritesTheSameBytes) {
  const Buffer raw = voxels(500'000, 2, 7);
  const BloscOptions options{.typesize = 2};
  compressed({.codec = BloscCodec::zstd, .level = 9}, raw);  // contexts that have seen other data
  const std::string here = text(compressed(options, raw));
  std::string there;
  std::thread([&] { there = text(compressed(options, raw)); }).join();
  EXPECT_TRUE(here == there);
}

struct BadOptions {
  std::string_view name;
  BloscOptions options;
};
constexpr BadOptions kBadOptions[] = {
    {"codec", {.codec = BloscCodec::zlib}}, {"level_below", {.level = -1}},
    {"level_above", {.level = 10}},         {"typesize_below", {.typesize = 0}},
    {"typesize_above", {.typesize = 256}},
};
TEST(Blosc, RefusesOptionsOutOfRange) {
  for (const auto& row : kBadOptions) {
    Buffer out;
    try {
      blosc_compress(row.options, as_bytes("raw"), out);
      ADD_FAILURE() << row.name;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument) << row.name;
    }
    EXPECT_TRUE(out.empty()) << row.name;
  }
}

}  // namespace
}  // namespace cnf::compress
