// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cnf/core/query/executor.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"

namespace cnf::query {

/// The part of the memory that buffers which wait to be used again may take.
inline constexpr std::uint64_t kRetained = 8;
/// Those of the options, or, where none are told, new ones that keep a part of the memory.
[[nodiscard]] std::shared_ptr<BufferPool> buffers_of(const ExecutorOptions& options);

// A unit's bytes in memory: those of all its ranges, one behind the other.

/// Memory for them. Throws Error out_of_space.
[[nodiscard]] Buffer take_bytes(const Unit& unit, BufferPool& buffers,
                                const storage::Storage& storage);
/// Appends what fetches them into `into`, a request a range.
void append_requests(const Unit& unit, MutableByteSpan into,
                     std::vector<storage::FetchRequest>& requests);
/// One span a range. Throws Error corrupt_data where a range has not its sum.
[[nodiscard]] std::vector<ByteSpan> checked_ranges(const Unit& unit, ByteSpan bytes,
                                                   const storage::Storage& storage);

}  // namespace cnf::query
