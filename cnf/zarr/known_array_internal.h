// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/codecs.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/rows_internal.h"
#include "cnf/zarr/shard.h"

// For this package's tests: arrays whose elements are known.
namespace cnf::zarr::test {

/// Copies a box out of an array in C order, element by element.
[[nodiscard]] inline std::vector<std::byte> box_of(std::span<const std::byte> elements,
                                                   const Shape& shape, const Box& box,
                                                   std::size_t element) {
  std::vector<std::byte> out;
  const Strides strides = c_strides(shape, element);
  chunk::for_each_place(box, [&](const Shape& at) {
    const auto from = elements.subspan(offset_of(at, strides), element);
    out.insert(out.end(), from.begin(), from.end());
  });
  return out;
}

/// An array on a store with what it holds.
struct KnownArray {
  std::shared_ptr<storage::Storage> store = storage::make_memory();
  ArrayMetadata metadata = {};
  std::vector<std::byte> elements = {};  ///< Of all the array, C order.

  [[nodiscard]] std::vector<std::byte> expected(const Box& box) const {
    return box_of(elements, metadata.shape, box, size_of(metadata.type));
  }
};

/// The elements of a chunk that begins at `begin`, and fill value where it sticks out; empty if it
/// is nothing else.
[[nodiscard]] inline std::vector<std::byte> chunk_of(const KnownArray& known, const Shape& begin) {
  const ArrayMetadata& array = known.metadata;
  const std::size_t element = size_of(array.type);
  const Shape& chunk = array.inner_chunk();
  std::vector<std::byte> raw;
  for (std::uint64_t i = 0; i < chunk.elements(); ++i) {
    raw.insert(raw.end(), array.fill.begin(), array.fill.end());
  }
  const std::vector<std::byte> all_fill = raw;
  Box box{begin, begin};
  for (std::size_t axis = 0; axis < begin.size(); ++axis) box.end[axis] += chunk[axis];
  const Strides to = c_strides(chunk, element);
  const Strides from = c_strides(array.shape, element);
  chunk::for_each_place(intersect(box, Box::of(array.shape)), [&](const Shape& place) {
    std::memcpy(&raw[offset_of(Box{begin, place}.shape(), to)],
                &known.elements[offset_of(place, from)], element);
  });
  return raw == all_fill ? std::vector<std::byte>() : raw;
}

/// The bytes of one object: a chunk, or a shard in which the chunks stand in the order of their
/// numbers. Empty if all is fill value.
[[nodiscard]] inline Buffer object_of(const KnownArray& known, const Shape& at) {
  const ArrayMetadata& array = known.metadata;
  const Sharding* sharding = array.sharding();
  const Shape& chunk = array.inner_chunk();
  const chunk::Grid within(array.chunk, chunk);
  const std::size_t index_bytes = within.counts().elements() * sizeof(ShardEntry);
  Buffer body;
  std::vector<ShardEntry> entries;
  chunk::for_each_place(Box::of(within.counts()), [&](const Shape& inner) {
    Shape begin = at;
    for (std::size_t axis = 0; axis < at.size(); ++axis) {
      begin[axis] = at[axis] * array.chunk[axis] + inner[axis] * chunk[axis];
    }
    ShardEntry& entry = entries.emplace_back();
    const std::vector<std::byte> raw = chunk_of(known, begin);
    if (raw.empty()) return;
    entry.offset = body.size();
    encode_chunk(sharding != nullptr ? sharding->codecs : array.codecs, chunk, array.type, raw,
                 body);
    entry.length = body.size() - entry.offset;
  });
  if (sharding == nullptr || body.empty()) return body;
  if (!sharding->index_at_end) {
    for (ShardEntry& entry : entries) {
      if (!entry.missing()) entry.offset += index_bytes + 4;
    }
  }
  Buffer index = Buffer::copy_of(std::as_bytes(std::span(entries)));
  const std::uint32_t sum = crc32c(index);
  index.append(std::as_bytes(std::span(&sum, 1)));
  Buffer shard = std::move(sharding->index_at_end ? body : index);
  shard.append(sharding->index_at_end ? index : body);
  return shard;
}

/// Puts `elements` on a store as `metadata` says, at "a". Objects that hold only the fill value are
/// left out.
[[nodiscard]] inline KnownArray write_known(ArrayMetadata metadata,
                                            std::vector<std::byte> elements) {
  KnownArray known{.metadata = std::move(metadata), .elements = std::move(elements)};
  const chunk::Grid objects(known.metadata.shape, known.metadata.chunk);
  chunk::for_each_place(Box::of(objects.counts()), [&](const Shape& at) {
    const Buffer object = object_of(known, at);
    if (!object.empty()) known.store->put("a/" + known.metadata.chunk_key(at), object);
  });
  known.store->put("a/zarr.json", as_bytes(to_json(known.metadata).dump()));
  return known;
}

/// A store on which requests cost what it is told.
class PricedStorage final : public storage::StorageWrapper {
 public:
  PricedStorage(std::shared_ptr<storage::Storage> inner, std::uint64_t gap)
      : StorageWrapper(std::move(inner)), gap_(gap) {}

 private:
  [[nodiscard]] storage::ReadProfile do_read_profile() const override { return {.gap = gap_}; }
  std::uint64_t gap_;
};

}  // namespace cnf::zarr::test
