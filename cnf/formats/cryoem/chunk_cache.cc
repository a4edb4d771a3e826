// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/formats/cryoem/chunk_cache_internal.h"
#include "cnf/zarr/array.h"

namespace cnf::cryoem {
namespace {

// The index, in a box's memory, of an element that it holds.
std::uint64_t index_in(const Box& box, const Shape& at) {
  std::uint64_t index = 0;
  for (std::size_t axis = 0; axis < at.size(); ++axis) {
    index = index * (box.end[axis] - box.begin[axis]) + (at[axis] - box.begin[axis]);
  }
  return index;
}

}  // namespace

void copy_box(const std::byte* from, const Box& from_box, std::byte* to, const Box& to_box,
              const Box& wanted, std::size_t element) {
  if (wanted.empty()) return;
  // Rows along the last axis are what lies together in both.
  Box rows = wanted;
  const std::size_t last = wanted.end.size() - 1;
  const std::uint64_t row = (wanted.end[last] - wanted.begin[last]) * element;
  rows.end[last] = rows.begin[last] + 1;
  chunk::for_each_place(rows, [&](const Shape& at) {
    std::memcpy(to + index_in(to_box, at) * element, from + index_in(from_box, at) * element, row);
  });
}

bool ChunkCache::suits(const zarr::Array& array) {
  constexpr std::uint64_t kCube = 256;
  const Shape& chunk = array.metadata().inner_chunk();
  std::uint64_t bytes = size_of(array.metadata().type);
  for (std::size_t axis = 0; axis < chunk.size(); ++axis) {
    const std::uint64_t size = array.shape()[axis];
    // A cube that lies athwart the grid meets one chunk more.
    const std::uint64_t met =
        (std::min(kCube, size) - 1) / chunk[axis] + (kCube % chunk[axis] != 0 ? 2 : 1);
    const std::uint64_t side = std::min((size + chunk[axis] - 1) / chunk[axis], met) * chunk[axis];
    if (side > kMaxBytes / bytes) return false;
    bytes *= side;
  }
  return true;
}

ChunkCache::ChunkCache(const zarr::Array& array)
    : array_(array),
      element_(size_of(array.metadata().type)),
      grid_(array.shape(), array.metadata().inner_chunk()) {}

void ChunkCache::read(const Box& box, MutableByteSpan into, const Context& context) {
  chunk::for_each_place(grid_.chunks_of(box), [&](const Shape& at) {
    const Box elements = grid_.elements_of(at);
    copy_box(get(at, context)->data(), elements, into.data(), box, intersect(elements, box),
             element_);
  });
}

ChunkCache::Chunk ChunkCache::get(const Shape& at, const Context& context) {
  const std::uint64_t number = grid_.number_of(at);
  {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(used_, number, &std::pair<std::uint64_t, Chunk>::first);
    if (found != used_.end()) {
      used_.splice(used_.begin(), used_, found);
      return found->second;
    }
  }
  // Outside the lock, so that others read meanwhile; two may decode the same chunk at times.
  const Box elements = grid_.elements_of(at);
  auto decoded = std::make_shared<Buffer>(elements.shape().elements() * element_);
  array_.read(elements, decoded->span(), {.threads = 1}, context);
  keep(number, decoded);
  return decoded;
}

void ChunkCache::keep(std::uint64_t number, const Chunk& chunk) {
  const std::scoped_lock lock(mutex_);
  used_.emplace_front(number, chunk);
  bytes_ += chunk->size();
  while (bytes_ > kMaxBytes && used_.size() > 1) {
    bytes_ -= used_.back().second->size();
    used_.pop_back();
  }
}

}  // namespace cnf::cryoem
