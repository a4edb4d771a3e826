// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/particles.h"
#include "cnf/formats/cryoem/extract.h"
#include "cnf/formats/cryoem/volume.h"
#include "cnf/zarr/array.h"

namespace cnf::cryoem {

/// z, y, x.
using Extent = std::array<std::uint64_t, 3>;

/// The part of a box that lies within the volume, in voxels from the box's first.
struct Inside {
  Extent begin{};
  Extent end{};
  bool operator==(const Inside&) const = default;
};

/// What is cut around a particle.
struct Cut {
  std::uint32_t row = 0;  ///< Of the particles.
  std::array<std::int64_t, 3>
      begin{};                     ///< z, y, x of its first voxel at the level; may be below 0.
  std::array<double, 3> centre{};  ///< x, y, z of its centre in voxels of level 0.
};

/// A chunk of which something is wanted.
struct WantedChunk {
  Shape at;      ///< In the grid of inner chunks.
  Box elements;  ///< The least that holds all that is wanted of it.
  std::uint64_t bytes = 0;
};

/// What extract() will do: pure, but for the metadata that the volume knows already.
struct ExtractPlan {
  ExtractPlan(const Volume& volume, const em::Particles& particles, const ExtractOptions& options);

  [[nodiscard]] Inside inside(const Cut& cut) const;
  /// The voxels of a cut within the volume, as the array counts them.
  [[nodiscard]] Box elements_of(const Cut& cut) const;
  [[nodiscard]] std::uint64_t raw_bytes() const noexcept;  ///< Of a box before binning.
  [[nodiscard]] std::size_t batches() const noexcept { return batch_ends.size(); }
  [[nodiscard]] std::size_t batch_begin(std::size_t batch) const {
    return batch == 0 ? 0 : batch_ends[batch - 1];
  }
  /// The batch in which a chunk is read. \param number  of the chunk in `grid`.
  [[nodiscard]] std::size_t batch_of(std::uint64_t number) const;

  const zarr::Array& array;
  chunk::Grid grid;  ///< Of inner chunks.
  Extent raw{};      ///< Voxels of a box at the level.
  Extent out{};      ///< The same after binning.
  Extent dims{};     ///< Of the volume at the level.
  std::vector<Cut> cuts;
  std::uint64_t padded = 0, skipped = 0;

  std::vector<WantedChunk> chunks;                         ///< In the order they are read.
  std::unordered_map<std::uint64_t, std::uint32_t> ranks;  ///< Number in the grid → place therein.
  std::vector<std::size_t> batch_ends;                     ///< Of runs of `chunks` read at once.
  std::vector<std::vector<std::uint32_t>> batch_cuts;      ///< Which cuts each batch has a part of.
  std::vector<std::uint32_t> last_batch;                   ///< Of each cut.

 private:
  void place(const Volume& volume, const em::Particles& particles, const ExtractOptions& options);
  void gather();
  void order(std::uint64_t memory);
  void share();
};

}  // namespace cnf::cryoem
