// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <utility>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/array.h"

namespace cnf::cryoem {

/// Copies the elements of `wanted`, which both hold, from the memory of one box into that of
/// another; each is in C order.
void copy_box(const std::byte* from, const Box& from_box, std::byte* to, const Box& to_box,
              const Box& wanted, std::size_t element);

/// Decoded chunks of an array, the last used ones, for readers that come back to the neighbourhood.
/// Threads: read() may be called concurrently.
class ChunkCache {
 public:
  static constexpr std::uint64_t kMaxBytes = std::uint64_t{256} << 20;

  /// Whether all chunks that meet any cube of 256 voxels fit, so that a reader who goes through the
  /// array cube by cube decodes none twice but at the cubes' faces.
  [[nodiscard]] static bool suits(const zarr::Array& array);

  explicit ChunkCache(const zarr::Array& array);
  void read(const Box& box, MutableByteSpan into, const Context& context);

 private:
  using Chunk = std::shared_ptr<const Buffer>;
  [[nodiscard]] Chunk get(const Shape& at, const Context& context);
  void keep(std::uint64_t number, const Chunk& chunk);

  const zarr::Array array_;
  const std::size_t element_;
  const chunk::Grid grid_;
  std::mutex mutex_;
  std::list<std::pair<std::uint64_t, Chunk>> used_;  // guarded by mutex_; the last used first
  std::uint64_t bytes_ = 0;                          // guarded by mutex_
};

}  // namespace cnf::cryoem
