// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/metadata/manager.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/layout.h"
#include "cnf/formats/cryoem/statistics.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/ome.h"

namespace cnf::cryoem {

/// A box as the seed's Query spells it: from voxel (x, y, z), 0-based, `width` × `height` × `depth`
/// voxels along x, y, z. Of a stack or series, z counts its images.
struct Query {
  std::uint64_t x = 0, y = 0, z = 0;
  std::uint64_t width = 0, height = 0, depth = 0;
};

/// A dataset of ours, or any OME-Zarr image (0.4, 0.5, 0.6), or a bare Zarr array, opened to be
/// read. Immutable, cheap to copy. Threads: concurrent use is fine.
class Volume {
 public:
  /// One request for ours (the root zarr.json tells all). Throws Error not_found, corrupt_data,
  /// unsupported (a newer major version of ours).
  [[nodiscard]] static Volume open(std::shared_ptr<storage::Storage> root,
                                   const Context& context = {});

  /// The manifest; null for what others wrote.
  [[nodiscard]] const metadata::Committed* committed() const noexcept;
  /// What the manifest says of the format's own; null for what others wrote.
  [[nodiscard]] const Custom* custom() const noexcept;
  [[nodiscard]] const zarr::Multiscale& image() const noexcept;
  [[nodiscard]] em::Kind kind() const noexcept;
  [[nodiscard]] std::size_t levels() const noexcept;
  /// Throws Error invalid_argument beyond levels().
  [[nodiscard]] const zarr::Array& level(std::size_t level) const;
  [[nodiscard]] DataType type() const noexcept;
  /// Å of a voxel of a level along the array's axes; 0 where it is not told.
  [[nodiscard]] std::vector<double> voxel(std::size_t level) const;
  /// Å of a level's first voxel's centre along the array's axes; 0 where it is not told.
  [[nodiscard]] std::vector<double> origin(std::size_t level) const;
  /// Statistics of every level as the import found them; nullopt for what others wrote.
  [[nodiscard]] std::optional<std::vector<Statistics>> statistics() const;
  [[nodiscard]] std::vector<std::string> labels(const Context& context = {}) const;
  [[nodiscard]] Volume label(std::string_view name, const Context& context = {}) const;
  [[nodiscard]] const std::shared_ptr<storage::Storage>& storage() const noexcept;

  /// The axis that a query's z counts along: the last before y and x that is no channel.
  [[nodiscard]] std::optional<std::size_t> depth_axis() const noexcept;
  /// The query that means all of a level.
  [[nodiscard]] Query whole(std::size_t level) const;
  /// The box of array elements that a query means, in voxels of that level. Axes in front of
  /// depth_axis(), and channels, come whole. Throws Error invalid_argument if it does not lie
  /// within, or is empty.
  [[nodiscard]] Box box_of(const Query& query, std::size_t level) const;
  /// A query's voxels: C order (x fastest), little-endian, exactly as many bytes. Cost: see
  /// zarr::Array::read.
  void read(const Query& query, MutableByteSpan into, std::size_t level = 0,
            const zarr::ReadOptions& options = {}, const Context& context = {}) const;
  /// The same into a buffer of its own.
  [[nodiscard]] Buffer read(const Query& query, std::size_t level = 0,
                            const zarr::ReadOptions& options = {},
                            const Context& context = {}) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace cnf::cryoem
