// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <limits>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"

namespace cnf::storage {

struct ScanOptions {
  std::uint64_t offset = 0;
  std::uint64_t length = std::numeric_limits<std::uint64_t>::max();  ///< Cut at the object's end.
  std::uint64_t window = std::uint64_t{8} << 20;  ///< Bytes fetched ahead; twice that is held.
};

/// Reads an object from front to back in bounded memory: while `visit` has one window, the next is
/// on its way.
///
/// `info` is what the store said about the object: its size bounds the scan, and all windows must
/// come from the bytes with its ETag. Memory: 2 × window. `visit` runs on the calling thread.
/// Throws what Storage::fetch throws (corrupt_data if the object changed) and what `visit` throws.
void scan(const Storage& storage, const FileInfo& info, const ScanOptions& options,
          const Context& context, const std::function<void(ByteSpan)>& visit);

}  // namespace cnf::storage
