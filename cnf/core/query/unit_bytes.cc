// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/query/batches_internal.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/query/plan.h"
#include "cnf/core/query/unit_bytes_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"

namespace cnf::query {

std::shared_ptr<BufferPool> buffers_of(const ExecutorOptions& options) {
  if (options.buffers) return options.buffers;
  return std::make_shared<BufferPool>(options.memory / kRetained);
}

Buffer take_bytes(const Unit& unit, BufferPool& buffers, const storage::Storage& storage) {
  const std::uint64_t bytes = fetched_bytes(unit);
  try {
    return buffers.take(bytes);
  } catch (const std::bad_alloc&) {
    throw Error(Errc::out_of_space, "fetch", storage.uri(unit.ranges.front().key),
                fmt::format("there is no memory for {}", format_size(bytes)));
  }
}

void append_requests(const Unit& unit, MutableByteSpan into,
                     std::vector<storage::FetchRequest>& requests) {
  for (const PlannedRange& range : unit.ranges) {
    requests.push_back(
        {.key = range.key, .offset = range.offset, .into = into.first(range.length)});
    into = into.subspan(range.length);
  }
}

std::vector<ByteSpan> checked_ranges(const Unit& unit, ByteSpan bytes,
                                     const storage::Storage& storage) {
  std::vector<ByteSpan> spans;
  spans.reserve(unit.ranges.size());
  for (const PlannedRange& range : unit.ranges) {
    spans.push_back(bytes.first(range.length));
    bytes = bytes.subspan(range.length);
    if (range.crc32c) {
      verify_crc32c(spans.back(), *range.crc32c,
                    fmt::format("{}@{}", storage.uri(range.key), range.offset));
    }
  }
  return spans;
}

}  // namespace cnf::query
