// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/zarr/metadata.h"

namespace cnf::fuzz {

/// Codecs of the arrays that zarr_array_fuzz.cc reads. The index of shards has no checksum: no
/// fuzzer guesses one.
inline constexpr std::array<std::string_view, 10> kZarrChains{
    R"([{"name":"bytes","configuration":{"endian":"little"}}])",
    R"([{"name":"transpose","configuration":{"order":[1,0]}},
        {"name":"bytes","configuration":{"endian":"big"}}])",
    R"([{"name":"bytes","configuration":{"endian":"little"}},
        {"name":"blosc","configuration":{"cname":"lz4","clevel":5,"shuffle":"bitshuffle",
         "typesize":2,"blocksize":16}}])",
    R"([{"name":"bytes","configuration":{"endian":"little"}},"zstd"])",
    R"([{"name":"bytes","configuration":{"endian":"little"}},"gzip"])",
    R"([{"name":"bytes","configuration":{"endian":"little"}},"numcodecs.zlib"])",
    R"([{"name":"bytes","configuration":{"endian":"little"}},"numcodecs.bz2"])",
    R"([{"name":"bytes","configuration":{"endian":"little"}},"numcodecs.shuffle",
        "numcodecs.lz4"])",
    R"([{"name":"sharding_indexed","configuration":{"chunk_shape":[3,4],
         "codecs":[{"name":"bytes","configuration":{"endian":"little"}},
                   {"name":"blosc","configuration":{"cname":"zstd","clevel":1,
                    "shuffle":"shuffle","typesize":2,"blocksize":0}}],
         "index_codecs":[{"name":"bytes","configuration":{"endian":"little"}}]}}])",
    R"([{"name":"sharding_indexed","configuration":{"chunk_shape":[6,4],
         "codecs":[{"name":"sharding_indexed","configuration":{"chunk_shape":[3,2],
           "codecs":[{"name":"bytes","configuration":{"endian":"big"}}],
           "index_codecs":[{"name":"bytes","configuration":{"endian":"big"}}],
           "index_location":"start"}}],
         "index_codecs":[{"name":"bytes","configuration":{"endian":"little"}}]}}])",
};

/// An array of 6 × 7 int16 whose one object is 6 × 8.
[[nodiscard]] inline zarr::ArrayMetadata zarr_array(std::size_t chain) {
  const std::string text =
      R"({"zarr_format":3,"node_type":"array","shape":[6,7],"data_type":"int16","fill_value":5,
          "chunk_grid":{"name":"regular","configuration":{"chunk_shape":[6,8]}},
          "chunk_key_encoding":{"name":"default"},"codecs":)" +
      std::string(kZarrChains[chain % kZarrChains.size()]) + "}";
  return zarr::parse_array(zarr::parse_document(as_bytes(text), "input"), "input");
}

}  // namespace cnf::fuzz
