// SPDX-License-Identifier: Apache-2.0
#include "cnf/zarr/codecs.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {
namespace {

using Json = nlohmann::json;

/// Of an array [4, 6] of int16 in one chunk, through these codecs of v3.
ArrayMetadata array_with(std::string_view codecs) {
  Json document = Json::parse(R"({"zarr_format": 3, "node_type": "array", "shape": [4, 6],
    "data_type": "int16", "fill_value": 9, "chunk_key_encoding": "default",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [4, 6]}}})");
  document["codecs"] = Json::parse(codecs);
  return parse_array(document, "test");
}
/// The same in v2, with these filters and this compressor.
ArrayMetadata v2_array_with(std::string_view dtype, std::string_view filters,
                            std::string_view compressor) {
  Json document = Json::parse(R"({"zarr_format": 2, "shape": [4, 6], "chunks": [4, 6],
    "order": "C", "fill_value": 0})");
  document["dtype"] = dtype;
  document["filters"] = Json::parse(filters);
  document["compressor"] = Json::parse(compressor);
  return parse_array_v2(document, nullptr, "test");
}

Buffer bytes_of_hex(std::string_view hex) {
  Buffer out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.extend(1)[0] =
        static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return out;
}

template <typename T>
std::vector<T> decoded(const ArrayMetadata& array, ByteSpan encoded) {
  std::vector<T> values(array.chunk.elements());
  decode_chunk(array.codecs, array.chunk, array.type, encoded,
               std::as_writable_bytes(std::span(values)), "chunk");
  return values;
}

std::vector<std::int16_t> counting() {
  std::vector<std::int16_t> values(24);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int16_t>(i);
  return values;
}

// Oracle: numcodecs 0.16 and zarr-python 3.1, of np.arange(24, dtype="<i2").reshape(4, 6). Each
// row's bytes were made by the encode() that is named.
struct Known {
  const char* name;
  const char* codecs;
  const char* hex;
};
const Known kKnown[] = {
    {"big endian", R"([{"name": "bytes", "configuration": {"endian": "big"}}])",
     "0000000100020003000400050006000700080009000a000b000c000d000e000f001000110012001300140015"
     "00160017"},
    {"transposed, crc32c",
     R"([{"name": "transpose", "configuration": {"order": [1, 0]}},
         {"name": "bytes", "configuration": {"endian": "little"}},
         {"name": "crc32c"}])",
     "000006000c001200010007000d001300020008000e001400030009000f00150004000a001000160005000b00"
     "1100170099ba3992"},
    {"zstd",
     R"([{"name": "bytes", "configuration": {"endian": "little"}},
         {"name": "zstd", "configuration": {"level": 3, "checksum": true}}])",
     "28b52ffd243081010000000100020003000400050006000700080009000a000b000c000d000e000f00100011"
     "00120013001400150016001700326011fd"},
    {"gzip",
     R"([{"name": "bytes", "configuration": {"endian": "little"}},
         {"name": "gzip", "configuration": {"level": 5}}])",
     "1f8b0800fb8b036b00ff05c1850180200000b05918800122ff7feac66034992d82d566778892ec74b93d8aea"
     "d57cba1f7cdd19d330000000"},
    {"blosc",
     R"([{"name": "bytes", "configuration": {"endian": "little"}},
         {"name": "blosc", "configuration": {"cname": "lz4", "clevel": 5, "shuffle": "bitshuffle", "typesize": 2, "blocksize": 0}}])",
     "0201360230000000300000004000000000000100020003000400050006000700080009000a000b000c000d00"
     "0e000f0010001100120013001400150016001700"},
    {"a shard, index at its start",
     R"([{"name": "sharding_indexed", "configuration": {"chunk_shape": [2, 3],
          "codecs": [{"name": "bytes", "configuration": {"endian": "little"}},
         {"name": "crc32c"}],
          "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}},
         {"name": "crc32c"}], "index_location": "start"}}])",
     "4400000000000000100000000000000064000000000000001000000000000000540000000000000010000000"
     "00000000740000000000000010000000000000001ae78aa900000100020006000700080070d8239f0c000d00"
     "0e001200130014009d93f3de03000400050009000a000b00801b585c0f0010001100150016001700e81be886"},
    {"a shard in a shard",
     R"([{"name": "sharding_indexed", "configuration": {"chunk_shape": [4, 3],
          "codecs": [{"name": "sharding_indexed", "configuration": {"chunk_shape": [2, 3],
          "codecs": [{"name": "bytes", "configuration": {"endian": "big"}},
         {"name": "crc32c"}],
          "index_codecs": [{"name": "bytes", "configuration": {"endian": "little"}},
         {"name": "crc32c"}], "index_location": "start"}}],
          "index_codecs": [{"name": "bytes", "configuration": {"endian": "big"}}]}}])",
     "2400000000000000100000000000000034000000000000001000000000000000d4f4e62c0000000100020006"
     "00070008cb671661000c000d000e0012001300148b3640ca2400000000000000100000000000000034000000"
     "000000001000000000000000d4f4e62c0003000400050009000a000b0b53f397000f00100011001500160017"
     "a2519dde0000000000000000000000000000004400000000000000440000000000000044"},
    {"numcodecs.zlib",
     R"([{"name": "bytes", "configuration": {"endian": "little"}},
         {"name": "numcodecs.zlib", "configuration": {"level": 1}}])",
     "780105c1850180200000b05918800122ff7feac66034992d82d566778892ec74b93d8aead57cba1f12280115"},
    {"numcodecs.bz2",
     R"([{"name": "bytes", "configuration": {"endian": "little"}},
         {"name": "numcodecs.bz2", "configuration": {"level": 1}}])",
     "425a683131415926535941616f55000000e0007fffff80200022350000032141a3468320344512d8d73e1194"
     "e95b5f19d6f9df1a1800be2ee48a70a12082c2deaa"},
    {"numcodecs.lz4",
     R"([{"name": "bytes", "configuration": {"endian": "little"}},
         {"name": "numcodecs.lz4", "configuration": {"acceleration": 1}}])",
     "30000000f02100000100020003000400050006000700080009000a000b000c000d000e000f00100011001200"
     "13001400150016001700"},
    {"numcodecs.shuffle",
     R"([{"name": "bytes", "configuration": {"endian": "little"}},
         {"name": "numcodecs.shuffle", "configuration": {"elementsize": 2}}])",
     "000102030405060708090a0b0c0d0e0f10111213141516170000000000000000000000000000000000000000"
     "00000000"},
    {"numcodecs.fletcher32",
     R"([{"name": "bytes", "configuration": {"endian": "little"}},
         {"name": "numcodecs.fletcher32", "configuration": {}}])",
     "00000100020003000400050006000700080009000a000b000c000d000e000f00100011001200130014001500"
     "16001700011408fc"},
};

TEST(DecodeChunk, AsNumcodecsEncoded) {
  for (const Known& known : kKnown) {
    const Buffer encoded = bytes_of_hex(known.hex);
    EXPECT_EQ(decoded<std::int16_t>(array_with(known.codecs), encoded), counting()) << known.name;
  }
}

struct KnownFilter {
  const char* name;
  const char* filters;
  const char* compressor;
  const char* hex;
};
const KnownFilter kFilters[] = {
    {"delta", R"([{"id": "delta", "dtype": "<i2", "astype": "<i2"}])", R"(null)",
     "0000010001000100010001000100010001000100010001000100010001000100010001000100010001000100"
     "01000100"},
    {"delta to bytes, zlib", R"([{"id": "delta", "dtype": "<i2", "astype": "|i1"}])",
     R"({"id": "zlib", "level": 1})", "78016360c40e00012c0018"},
    {"delta big, shuffle, zstd",
     R"([{"id": "delta", "dtype": "<i2", "astype": ">i2"},
         {"id": "shuffle", "elementsize": 2}])",
     R"({"id": "zstd", "level": 1, "checksum": false})",
     "28b52ffd20305d0000180000010200401135c002"},
    {"fixedscaleoffset",
     R"([{"id": "fixedscaleoffset", "scale": 2, "offset": -3, "dtype": "<i2", "astype": "<i4"}])",
     R"(null)",
     "06000000080000000a0000000c0000000e00000010000000120000001400000016000000180000001a000000"
     "1c0000001e00000020000000220000002400000026000000280000002a0000002c0000002e00000030000000"
     "3200000034000000"},
    {"blosc", R"(null)",
     R"({"id": "blosc", "cname": "zstd", "clevel": 1, "shuffle": 1, "blocksize": 0})",
     "0201930230000000300000004000000000000100020003000400050006000700080009000a000b000c000d00"
     "0e000f0010001100120013001400150016001700"},
};

TEST(DecodeChunk, AsNumcodecsFiltered) {
  for (const KnownFilter& known : kFilters) {
    const ArrayMetadata array = v2_array_with("<i2", known.filters, known.compressor);
    EXPECT_EQ(decoded<std::int16_t>(array, bytes_of_hex(known.hex)), counting()) << known.name;
  }
}

TEST(DecodeChunk, ScalesAndOffsetsComeBackAsNumpyHasThem) {
  const ArrayMetadata array = v2_array_with(
      "<f8", R"([{"id": "fixedscaleoffset", "scale": 10, "offset": 1000, "dtype": "<f8",
                  "astype": "|u1"}])",
      "null");
  std::vector<std::uint8_t> stored(24);
  for (std::size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<std::uint8_t>(i * 7);
  const auto values = decoded<double>(array, std::as_bytes(std::span(stored)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(values[i], static_cast<double>(i * 7) / 10 + 1000) << i;
  }
}

TEST(EncodeChunk, ComesBack) {
  constexpr std::string_view kChains[] = {
      R"([{"name": "bytes", "configuration": {"endian": "little"}}])",
      R"([{"name": "bytes", "configuration": {"endian": "big"}}, "crc32c"])",
      R"([{"name": "bytes", "configuration": {"endian": "big"}},
          {"name": "zstd", "configuration": {"level": 3, "checksum": false}}])",
      R"([{"name": "bytes", "configuration": {"endian": "little"}},
          {"name": "gzip", "configuration": {"level": 5}}, "crc32c"])",
      R"([{"name": "bytes", "configuration": {"endian": "little"}},
          {"name": "blosc", "configuration": {"cname": "lz4", "clevel": 5,
           "shuffle": "bitshuffle", "typesize": 2, "blocksize": 16}}, "crc32c"])",
  };
  for (const std::string_view chain : kChains) {
    const ArrayMetadata array = array_with(chain);
    const std::vector<std::int16_t> values = counting();
    Buffer out = Buffer::copy_of(as_bytes("kept"));
    encode_chunk(array.codecs, array.chunk, array.type, std::as_bytes(std::span(values)), out);
    EXPECT_EQ(as_text(out).substr(0, 4), "kept");
    EXPECT_EQ(decoded<std::int16_t>(array, out.span().subspan(4)), values) << chain;
  }
}

TEST(EncodeChunk, RefusesWhatIsOnlyRead) {
  const ArrayMetadata array =
      array_with(R"([{"name": "bytes", "configuration": {"endian": "little"}}, "numcodecs.bz2"])");
  const std::vector<std::int16_t> values = counting();
  Buffer out;
  EXPECT_THROW(
      encode_chunk(array.codecs, array.chunk, array.type, std::as_bytes(std::span(values)), out),
      Error);
}

TEST(DecodeChunk, DamageAndOtherLengthsAreRefused) {
  std::mt19937 random(20261123);  // NOLINT(cert-msc51-cpp): the same bytes in every run
  for (const Known& known : kKnown) {
    const ArrayMetadata array = array_with(known.codecs);
    const Buffer whole = bytes_of_hex(known.hex);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_THROW(static_cast<void>(decoded<std::int16_t>(array, whole.span().first(size))), Error)
          << known.name << " cut at " << size;
    }
    for (int round = 0; round < 50; ++round) {
      Buffer damaged = Buffer::copy_of(whole);
      damaged.span()[random() % damaged.size()] ^= static_cast<std::byte>(1U << random() % 8);
      try {
        static_cast<void>(decoded<std::int16_t>(array, damaged));
      } catch (const Error& error) {
        // A later version of Blosc is one bit away.
        EXPECT_TRUE(error.code() == Errc::corrupt_data || error.code() == Errc::unsupported)
            << known.name << ": " << error.what();
      }
    }
  }
}

TEST(DecodeChunk, StreamsThatHoldMoreThanTheChunkAreRefused) {
  const std::vector<std::int16_t> bomb(1 << 20);
  for (const std::string_view codec : {"zstd", "gzip", "blosc"}) {
    const std::string chain = R"([{"name": "bytes", "configuration": {"endian": "little"}}, ")" +
                              std::string(codec) + "\"]";
    const ArrayMetadata array = array_with(chain);
    Buffer out;
    encode_chunk(array.codecs, {1 << 20}, array.type, std::as_bytes(std::span(bomb)), out);
    EXPECT_THROW(static_cast<void>(decoded<std::int16_t>(array, out)), Error) << codec;
  }
}

}  // namespace
}  // namespace cnf::zarr
