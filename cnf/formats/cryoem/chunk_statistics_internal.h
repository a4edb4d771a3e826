// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "cnf/core/index/paged_tree.h"
#include "cnf/core/util/buffer.h"
#include "cnf/formats/cryoem/import_pipeline_internal.h"
#include "cnf/formats/cryoem/statistics.h"

namespace cnf::cryoem {

// The object "statistics": an index::BTree with a row a chunk (SPEC.md).

/// A level in 2 bytes and a chunk's number in 8, big-endian: in order of both.
[[nodiscard]] std::string statistics_key(std::size_t level, std::uint64_t chunk);

inline constexpr std::size_t kStatisticsColumns = 6;
[[nodiscard]] std::array<std::uint64_t, kStatisticsColumns> to_columns(
    const Statistics& statistics) noexcept;

[[nodiscard]] index::TreeInfo save_statistics(const ImportFacts& facts,
                                              const std::function<void(ByteSpan)>& sink);

}  // namespace cnf::cryoem
