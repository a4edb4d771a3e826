// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/query/plan.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {

/// Tells how long objects are (by their keys on the store, in the same order) without asking the
/// store for each: what a dataset's own index lists. nullopt: there is no such object.
using ObjectLengths = std::function<std::vector<std::optional<std::uint64_t>>(
    std::span<const std::string> keys, const Context& context)>;

struct ReadOptions {
  std::size_t threads = 0;                       ///< Decoding; 0: the machine's cores.
  std::uint64_t memory = query::kDefaultMemory;  ///< Bytes fetched and not yet decoded.
  /// Bytes that cost about as much to read as another request: so far apart, chunks are fetched
  /// together. 0: what the store finds best.
  std::uint64_t gap = 0;
};

/// A Zarr array of version 2 or 3 on any store, to be read. Immutable, cheap to copy.
///
/// Threads: concurrent use is fine. Indices of shards that were read are kept (at most 64 MiB).
class Array {
 public:
  /// Opens the array at `path` ("" is the store's root): zarr.json, else .zarray and .zattrs.
  /// Throws Error not_found, corrupt_data, unsupported.
  [[nodiscard]] static Array open(std::shared_ptr<const storage::Storage> storage,
                                  const std::string& path, const Context& context = {});
  /// The same with metadata that is known already (consolidated): no request.
  Array(std::shared_ptr<const storage::Storage> storage, std::string path, ArrayMetadata metadata);
  /// The same array where objects' lengths are known: then indices of all shards that a read meets
  /// are one fetch, and objects that are not there cost nothing.
  [[nodiscard]] Array with_lengths(ObjectLengths lengths) const;

  [[nodiscard]] const ArrayMetadata& metadata() const noexcept;
  [[nodiscard]] const Shape& shape() const noexcept { return metadata().shape; }
  [[nodiscard]] std::string uri() const;

  /// Reads the elements of `box` into the caller's memory: C order, little-endian. \param into
  /// exactly the box's elements; it is written once, also where the fill value stands.
  ///
  /// Cost: one round trip for indices of shards not yet known (for lengths of objects, where there
  /// are no shards), one for the data, and one more for the blocks' places in frames of Blosc where
  /// a part of them saves more than a request costs on the store. Only the blocks that the box
  /// meets are decoded. Little is read on the caller's thread.
  /// Throws Error invalid_argument (the box), corrupt_data, unsupported: the one that is first in
  /// the plan's order, however many threads there are.
  void read(const Box& box, MutableByteSpan into, const ReadOptions& options = {},
            const Context& context = {}) const;

  /// One of many boxes that are read at once: a particle.
  struct Wanted {
    Box box;
    MutableByteSpan into;
  };
  /// Reads many boxes, each chunk fetched and decoded once however many want it. Boxes may overlap.
  /// Memory: options.memory besides the callers' own.
  void read(std::span<const Wanted> wanted, const ReadOptions& options = {},
            const Context& context = {}) const;

  /// What read() of these boxes will fetch: units are inner chunks or blocks of them. Sends the
  /// requests for indices (or lengths) and for blocks' places, nothing else.
  [[nodiscard]] query::Plan plan(std::span<const Box> boxes, const Context& context = {}) const {
    return plan(boxes, ReadOptions(), context);
  }
  /// With options other than the usual: tell their gap and memory to query::CostModel, too.
  [[nodiscard]] query::Plan plan(std::span<const Box> boxes, const ReadOptions& options,
                                 const Context& context) const;

 private:
  struct Impl;
  explicit Array(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace cnf::zarr
