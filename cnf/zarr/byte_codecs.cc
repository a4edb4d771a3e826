// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

#include <bzlib.h>
#include <fmt/format.h>
#include <libdeflate.h>
#include <lz4.h>

#include "cnf/core/compress/blosc.h"
#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/zarr/byte_codecs_internal.h"
#include "cnf/zarr/json_internal.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {
namespace {

using Kind = Codec::Kind;

struct FreeDeflate {
  void operator()(libdeflate_compressor* c) const noexcept { libdeflate_free_compressor(c); }
  void operator()(libdeflate_decompressor* d) const noexcept { libdeflate_free_decompressor(d); }
};

libdeflate_decompressor* thread_inflater() {
  thread_local const std::unique_ptr<libdeflate_decompressor, FreeDeflate> inflater(
      libdeflate_alloc_decompressor());
  if (!inflater) throw std::bad_alloc();
  return inflater.get();
}

[[noreturn]] void refuse_stream(std::string_view kind, std::size_t raw, std::string_view subject) {
  refuse(subject, fmt::format("the {} stream is damaged, or does not hold {} bytes", kind, raw));
}

/// Members may follow one another, as RFC 1952 allows.
void gunzip(ByteSpan encoded, MutableByteSpan raw, std::string_view subject) {
  do {
    std::size_t taken = 0;
    std::size_t given = 0;
    const libdeflate_result result = libdeflate_gzip_decompress_ex(
        thread_inflater(), encoded.data(), encoded.size(), raw.data(), raw.size(), &taken, &given);
    if (result != LIBDEFLATE_SUCCESS) refuse_stream("gzip", raw.size(), subject);
    encoded = encoded.subspan(taken);
    raw = raw.subspan(given);
  } while (!encoded.empty());
  if (!raw.empty()) refuse_stream("gzip", raw.size(), subject);
}

void inflate(ByteSpan encoded, MutableByteSpan raw, std::string_view subject) {
  const libdeflate_result result = libdeflate_zlib_decompress(
      thread_inflater(), encoded.data(), encoded.size(), raw.data(), raw.size(), nullptr);
  if (result != LIBDEFLATE_SUCCESS) refuse_stream("zlib", raw.size(), subject);
}

void bunzip(ByteSpan encoded, MutableByteSpan raw, std::string_view subject) {
  auto given = static_cast<unsigned>(raw.size());
  // libbz2 takes what it reads without const; it does not change it.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
  char* const from = const_cast<char*>(reinterpret_cast<const char*>(encoded.data()));
  const int result =
      encoded.size() > UINT_MAX
          ? BZ_DATA_ERROR
          : BZ2_bzBuffToBuffDecompress(reinterpret_cast<char*>(raw.data()), &given, from,
                                       static_cast<unsigned>(encoded.size()), 0, 0);
  if (result == BZ_MEM_ERROR) throw std::bad_alloc();
  if (result != BZ_OK || given != raw.size()) refuse_stream("bz2", raw.size(), subject);
}

/// numcodecs: how many bytes there are, then one block.
void unpack_lz4(ByteSpan encoded, MutableByteSpan raw, std::string_view subject) {
  ByteReader in(encoded, subject);
  const auto told = in.get<std::uint32_t>();
  const ByteSpan block = in.get_bytes(in.remaining());
  const int given =
      told != raw.size() || block.size() > INT_MAX
          ? -1
          : LZ4_decompress_safe(reinterpret_cast<const char*>(block.data()),
                                reinterpret_cast<char*>(raw.data()), static_cast<int>(block.size()),
                                static_cast<int>(raw.size()));
  if (given < 0 || static_cast<std::size_t>(given) != raw.size()) {
    refuse_stream("lz4", raw.size(), subject);
  }
}

void gzip(int level, ByteSpan raw, Buffer& out) {
  const std::unique_ptr<libdeflate_compressor, FreeDeflate> deflater(
      libdeflate_alloc_compressor(std::clamp(level, 0, 12)));
  if (!deflater) throw std::bad_alloc();
  const std::size_t before = out.size();
  const MutableByteSpan room =
      out.extend(libdeflate_gzip_compress_bound(deflater.get(), raw.size()));
  out.resize(before + libdeflate_gzip_compress(deflater.get(), raw.data(), raw.size(), room.data(),
                                               room.size()));
}

/// As numcodecs/fletcher32.pyx, which has it from HDF5's H5checksum.c.
std::uint32_t fletcher32(ByteSpan bytes) {
  constexpr std::size_t kWords = 360;  // so many do not overflow the sums
  std::uint32_t first = 0;
  std::uint32_t second = 0;
  const auto fold = [](std::uint32_t sum) { return (sum & 0xffffU) + (sum >> 16U); };
  const auto word = [](std::byte high, std::byte low) {
    return std::to_integer<std::uint32_t>(high) << 8U | std::to_integer<std::uint32_t>(low);
  };
  while (bytes.size() > 1) {
    const std::size_t words = std::min(bytes.size() / 2, kWords);
    for (std::size_t i = 0; i < words; ++i) {
      first += word(bytes[2 * i], bytes[2 * i + 1]);
      second += first;
    }
    bytes = bytes.subspan(2 * words);
    first = fold(first);
    second = fold(second);
  }
  if (!bytes.empty()) {
    first += word(bytes[0], std::byte{0});
    second += first;
    first = fold(first);
    second = fold(second);
  }
  return fold(second) << 16U | fold(first);
}

}  // namespace

void decompress(const Codec& codec, ByteSpan encoded, MutableByteSpan raw,
                std::string_view subject) {
  switch (codec.kind) {
    case Kind::blosc:
      return compress::blosc_decompress(encoded, raw, subject);
    case Kind::zstd:
      return compress::decompress(compress::CodecId::zstd, encoded, raw, subject);
    case Kind::gzip:
      return gunzip(encoded, raw, subject);
    case Kind::zlib:
      return inflate(encoded, raw, subject);
    case Kind::bz2:
      return bunzip(encoded, raw, subject);
    case Kind::lz4:
      return unpack_lz4(encoded, raw, subject);
    default:
      throw Error(Errc::internal, "decode", subject, "its codec is no compressor");
  }
}

void compress(const Codec& codec, ByteSpan raw, Buffer& out) {
  switch (codec.kind) {
    case Kind::blosc:
      return compress::blosc_compress(codec.blosc, raw, out);
    case Kind::zstd:
      return compress::make_codec({.algorithm = "zstd", .level = codec.level})->compress(raw, out);
    case Kind::gzip:
      return gzip(codec.level, raw, out);
    default:
      throw Error(Errc::unsupported, "encode", "a chunk", "its codec is only read here");
  }
}

ByteSpan without_sum(const Codec& codec, ByteSpan bytes, std::string_view subject) {
  constexpr std::size_t kSumBytes = 4;
  if (bytes.size() < kSumBytes) refuse(subject, "it is shorter than its checksum");
  const ByteSpan body = bytes.first(bytes.size() - kSumBytes);
  std::uint32_t told = 0;
  std::memcpy(&told, bytes.last(kSumBytes).data(), kSumBytes);
  if (codec.kind == Kind::crc32c) {
    verify_crc32c(body, told, subject);
  } else if (const std::uint32_t sum = fletcher32(body); sum != told) {
    refuse(subject, fmt::format("its fletcher32 is {:#010x}, it says {:#010x}", sum, told));
  }
  return body;
}

void swap_words(MutableByteSpan bytes, std::size_t word) {
  const auto swap_all = [&]<typename Word>(Word /*kind*/) {
    for (std::size_t at = 0; at + sizeof(Word) <= bytes.size(); at += sizeof(Word)) {
      Word value{};
      std::memcpy(&value, &bytes[at], sizeof(Word));
      if constexpr (sizeof(Word) == 2) value = __builtin_bswap16(value);
      if constexpr (sizeof(Word) == 4) value = __builtin_bswap32(value);
      if constexpr (sizeof(Word) == 8) value = __builtin_bswap64(value);
      std::memcpy(&bytes[at], &value, sizeof(Word));
    }
  };
  if (word == 2) swap_all(std::uint16_t{});
  if (word == 4) swap_all(std::uint32_t{});
  if (word == 8) swap_all(std::uint64_t{});
}

}  // namespace cnf::zarr
