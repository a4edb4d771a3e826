// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "cnf/core/index/btree.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/util/buffer.h"
#include "cnf/formats/cryoem/chunk_statistics_internal.h"
#include "cnf/formats/cryoem/import_pipeline_internal.h"
#include "cnf/formats/cryoem/statistics.h"

namespace cnf::cryoem {

std::string statistics_key(std::size_t level, std::uint64_t chunk) {
  return index::big_endian_key(level).substr(6) + index::big_endian_key(chunk);
}

std::array<std::uint64_t, kStatisticsColumns> to_columns(const Statistics& statistics) noexcept {
  return {statistics.count,
          statistics.nan,
          std::bit_cast<std::uint64_t>(statistics.min),
          std::bit_cast<std::uint64_t>(statistics.max),
          std::bit_cast<std::uint64_t>(statistics.mean),
          std::bit_cast<std::uint64_t>(statistics.m2)};
}

index::TreeInfo save_statistics(const ImportFacts& facts,
                                const std::function<void(ByteSpan)>& sink) {
  index::BTreeBuilder builder({.columns = kStatisticsColumns, .summed = 2}, sink);
  for (std::size_t level = 0; level < facts.chunks.size(); ++level) {
    for (const ImportFacts::ChunkRow& chunk : facts.chunks[level])
      builder.add(statistics_key(level, chunk.number), to_columns(chunk.statistics));
  }
  return builder.finish();
}

}  // namespace cnf::cryoem
