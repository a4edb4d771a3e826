// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/seeds.h"
#include "fuzz/zarr_chains.h"
#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/codecs.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/shard.h"

namespace cnf::fuzz {
namespace {

/// What the array's one object may hold: through each chain that is also written here.
constexpr std::size_t kWritten[] = {0, 2, 3, 4};
constexpr std::size_t kShards = 8;

std::vector<std::int16_t> counting(std::size_t count) {
  std::vector<std::int16_t> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<std::int16_t>(i * i);
  return values;
}

Buffer started(std::size_t chain) {
  Buffer out(1);
  out.span()[0] = static_cast<std::byte>(chain);
  return out;
}

void write_array_seeds(const SeedWriter& seeds) {
  const std::vector<std::int16_t> values = counting(48);
  for (const std::size_t chain : kWritten) {
    const zarr::ArrayMetadata array = zarr_array(chain);
    Buffer out = started(chain);
    zarr::encode_chunk(array.codecs, array.chunk, array.type, std::as_bytes(std::span(values)),
                       out);
    seeds.write("zarr_array", "chain_" + std::to_string(chain), out);
  }
  // Four chunks in a shard, the second one missing.
  const zarr::ArrayMetadata array = zarr_array(kShards);
  const zarr::Sharding& sharding = *array.sharding();
  Buffer out = started(kShards);
  std::vector<zarr::ShardEntry> entries(4);
  for (const std::size_t i : {0U, 2U, 3U}) {
    const std::vector<std::int16_t> part = counting(12 + i);
    entries[i].offset = out.size() - 1;
    zarr::encode_chunk(sharding.codecs, sharding.chunk, array.type,
                       std::as_bytes(std::span(part).first(12)), out);
    entries[i].length = out.size() - 1 - entries[i].offset;
  }
  out.append(std::as_bytes(std::span(entries)));
  seeds.write("zarr_array", "shard", out);
}

void write_metadata_seeds(const SeedWriter& seeds) {
  for (std::size_t chain = 0; chain < kZarrChains.size(); ++chain) {
    nlohmann::json document = zarr::to_json(zarr_array(0));
    document["codecs"] = nlohmann::json::parse(kZarrChains[chain]);
    seeds.write("zarr_metadata", "chain_" + std::to_string(chain), document.dump());
  }
  seeds.write("zarr_metadata", "v2",
              R"({"zarr_format":2,"shape":[9,5],"chunks":[4,5],"dtype":">f4","fill_value":"NaN",
"order":"F","filters":[{"id":"delta","dtype":"<i4","astype":"|i1"},{"id":"shuffle",
"elementsize":4}],"compressor":{"id":"blosc","cname":"zstd","clevel":1,"shuffle":-1},
"dimension_separator":"/"})");
  seeds.write("zarr_metadata", "complex",
              R"({"zarr_format":3,"node_type":"array","shape":[3],"data_type":"complex64",
"fill_value":["0x7fc00001","-Infinity"],"chunk_grid":{"name":"regular","configuration":
{"chunk_shape":[2]}},"chunk_key_encoding":"v2","codecs":[{"name":"bytes","configuration":
{"endian":"big"}},"crc32c"],"x":{"must_understand":false},"dimension_names":[null]})");
}

}  // namespace

void write_zarr_seeds(const SeedWriter& seeds) {
  write_array_seeds(seeds);
  write_metadata_seeds(seeds);
}

}  // namespace cnf::fuzz
