// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include <blosc.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::compress {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kRaw = 40'000;

// Integers of two bytes, the low ones noise: blocks of them are split.
Buffer sample() {
  std::mt19937 random(2);
  Buffer raw(kRaw);
  for (std::size_t i = 0; i < kRaw; ++i) {
    raw.data()[i] = static_cast<std::byte>(i % 2 == 0 ? random() : i / 3000);
  }
  return raw;
}

Buffer sample_frame(const BloscOptions& options = {
                        .shuffle = BloscShuffle::byte, .typesize = 2, .blocksize = 8192}) {
  Buffer frame;
  blosc_compress(options, sample(), frame);
  return frame;
}

// Header: u8 version, u8 versionlz, u8 flags, u8 typesize, u32 nbytes, u32 blocksize, u32 cbytes;
// then u32 bstarts[nblocks] (README_CHUNK_FORMAT.rst).
struct Damage {
  std::string_view name;
  std::size_t offset;
  std::size_t width;
  std::uint32_t value;
  Errc code;
  std::string_view why;
};
constexpr std::uint32_t kHuge = std::numeric_limits<std::uint32_t>::max();
constexpr Damage kDamages[] = {
    {"version", 0, 1, 5, Errc::unsupported, "version 5"},
    {"versionlz", 1, 1, 9, Errc::unsupported, "version 9"},
    {"flag_of_later_versions", 2, 1, 0x2c, Errc::unsupported, "0x2c"},
    {"snappy", 2, 1, 0x44, Errc::unsupported, "snappy"},
    {"codec_of_later_versions", 2, 1, 0xc4, Errc::unsupported, "codec 6"},
    {"copied_but_not", 2, 1, 0x26, Errc::corrupt_data, "stored raw"},
    {"other_codec", 2, 1, 0x84, Errc::corrupt_data, ""},
    {"typesize_zero", 3, 1, 0, Errc::corrupt_data, "elements of 0"},
    {"typesize_that_does_not_divide", 3, 1, 3, Errc::corrupt_data, "whole elements"},
    {"nbytes_less", 4, 4, kRaw - 1, Errc::corrupt_data, "must hold 40000"},
    {"nbytes_huge", 4, 4, kHuge, Errc::corrupt_data, "2 GiB"},
    {"nbytes_zero", 4, 4, 0, Errc::corrupt_data, "must hold 40000"},
    {"blocksize_zero", 8, 4, 0, Errc::corrupt_data, "blocks of 0"},
    {"blocksize_one", 8, 4, 1, Errc::corrupt_data, "cannot index 40000"},
    {"blocksize_beyond_nbytes", 8, 4, kRaw + 1, Errc::corrupt_data, "blocks of 40001"},
    {"blocksize_huge", 8, 4, kHuge, Errc::corrupt_data, "blocks of 4294967295"},
    {"cbytes_less", 12, 4, 500, Errc::corrupt_data, "frame says"},
    {"cbytes_below_index", 12, 4, 35, Errc::corrupt_data, "cannot index"},
    {"cbytes_huge", 12, 4, kHuge, Errc::corrupt_data, "2 GiB"},
    {"bstart_in_header", 16, 4, 0, Errc::corrupt_data, "outside"},
    {"bstart_in_index", 16, 4, 35, Errc::corrupt_data, "outside"},
    {"bstart_negative", 20, 4, kHuge, Errc::corrupt_data, "outside"},
    {"bstart_behind_frame", 20, 4, 1U << 30U, Errc::corrupt_data, "outside"},
    {"bstart_twice", 20, 4, 36, Errc::corrupt_data, "on each other"},
    {"csize_beyond_block", 36, 4, 30'000, Errc::corrupt_data, ""},
    {"csize_negative", 36, 4, kHuge, Errc::corrupt_data, ""},
    {"csize_zero", 36, 4, 0, Errc::corrupt_data, ""},
};

Error error_of(ByteSpan frame, std::size_t raw_bytes = kRaw) {
  Buffer raw(raw_bytes);
  try {
    blosc_decompress(frame, raw.span(), "s3://b/k");
  } catch (const Error& error) {
    return error;
  }
  return {Errc::internal, "expect", "an error", "none was thrown"};
}

TEST(BloscHostile, DamageIsToldWithItsSubject) {
  for (const auto& row : kDamages) {
    Buffer frame = sample_frame();
    std::memcpy(frame.data() + row.offset, &row.value, row.width);
    const Error error = error_of(frame);
    EXPECT_EQ(error.code(), row.code) << row.name << ": " << error.what();
    EXPECT_THAT(error.what(), HasSubstr("s3://b/k")) << row.name;
    EXPECT_THAT(error.what(), HasSubstr(std::string(row.why))) << row.name;
  }
}

TEST(BloscHostile, EveryCutIsTold) {
  for (const BloscShuffle shuffle : {BloscShuffle::none, BloscShuffle::byte, BloscShuffle::bit}) {
    const Buffer frame = sample_frame({.shuffle = shuffle, .typesize = 2, .blocksize = 8192});
    for (std::size_t size = 0; size < frame.size(); size += 1 + size / 50) {
      // With the header telling the truth about the length, only the blocks are cut.
      Buffer cut = Buffer::copy_of(frame.span().first(size));
      const auto told = static_cast<std::uint32_t>(size);
      if (size >= 16) std::memcpy(cut.data() + 12, &told, sizeof told);
      EXPECT_EQ(error_of(cut).code(), Errc::corrupt_data) << size;
    }
  }
}

// A changed byte is either told or decodes to as many bytes; the sanitizers watch the rest.
TEST(BloscHostile, ChangedBytesNeverLeaveTheBuffers) {
  std::mt19937_64 random(1);
  Buffer raw(kRaw);
  for (std::size_t i = 0; i < kRaw; ++i) raw.data()[i] = static_cast<std::byte>(i / 7 % 251);
  for (const char* const codec : {"blosclz", "lz4", "zlib", "zstd"}) {
    Buffer frame(kRaw + BLOSC_MAX_OVERHEAD);
    frame.resize(static_cast<std::size_t>(blosc_compress_ctx(
        5, BLOSC_SHUFFLE, 4, kRaw, raw.data(), frame.data(), frame.size(), codec, 4096, 1)));
    int told = 0;
    for (int round = 0; round < 400; ++round) {
      Buffer changed = Buffer::copy_of(frame);
      for (int k = 0; k < 1 + round % 4; ++k) {
        changed.data()[random() % changed.size()] = static_cast<std::byte>(random());
      }
      const Errc code = error_of(changed).code();
      EXPECT_THAT(code, ::testing::AnyOf(Errc::corrupt_data, Errc::unsupported, Errc::internal));
      told += code == Errc::internal ? 0 : 1;
    }
    EXPECT_GT(told, 0) << codec;
  }
}

TEST(BloscHostile, CallsThatContradictTheFrameAreRefused) {
  const Buffer frame = sample_frame();
  const BloscFrame index(frame, frame.size(), kRaw, "frame");
  const BloscFrame::Range range = index.range_of(0);
  const ByteSpan stored = frame.span().subspan(range.offset, range.length);
  Buffer raw(8193);
  const auto code_of = [&](std::size_t block, ByteSpan bytes, std::size_t size) {
    try {
      index.decode_block(block, bytes, raw.span().first(size), "frame");
    } catch (const Error& error) {
      return error.code();
    }
    return Errc::internal;
  };
  EXPECT_EQ(code_of(0, stored, 8192), Errc::internal);  // is right
  EXPECT_EQ(code_of(0, stored, 8193), Errc::invalid_argument);
  EXPECT_EQ(code_of(0, stored.first(stored.size() - 1), 8192), Errc::invalid_argument);
  EXPECT_EQ(code_of(5, stored, 8192), Errc::invalid_argument);
}

TEST(BloscHostile, PiecesOutsideOfTheirBlockAreRefused) {
  const Buffer frame = sample_frame();
  const BloscFrame index(frame, frame.size(), kRaw, "frame");
  const BloscFrame::Range range = index.range_of(0);
  Buffer scratch(8192);
  const BloscBlock block(index, 0, frame.span().subspan(range.offset, range.length), scratch.span(),
                         "frame");
  const std::size_t piece = index.piece_bytes();
  ASSERT_LT(piece, 8192U);
  Buffer room(8193);
  const auto code_of = [&](std::size_t begin, std::size_t size) {
    try {
      static_cast<void>(block.read(begin, room.span().first(size)));
    } catch (const Error& error) {
      return error.code();
    }
    return Errc::internal;
  };
  EXPECT_EQ(code_of(piece, 8192 - piece), Errc::internal);  // is right
  EXPECT_EQ(code_of(1, piece), Errc::invalid_argument);
  EXPECT_EQ(code_of(0, piece - 1), Errc::invalid_argument);
  EXPECT_EQ(code_of(0, 8193), Errc::invalid_argument);
  EXPECT_EQ(code_of(8192 + piece, 0), Errc::invalid_argument);
}

}  // namespace
}  // namespace cnf::compress
