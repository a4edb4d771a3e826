// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cnf/core/storage/uri.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/particles.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cryoem {

/// What becomes of a box that reaches beyond the volume.
enum class Padding : std::uint8_t {
  fill,  ///< Voxels outside are ExtractOptions::fill.
  mean,  ///< They are the mean of the box's voxels inside.
  skip,  ///< The particle is left out.
};

struct ExtractOptions {
  std::uint64_t box_size = 0;  ///< Voxels of an edge, as they are written.
  std::size_t level = 0;       ///< Of the pyramid, from which voxels are taken.
  /// A voxel is the exact mean of so many of that level along each edge, around the particle.
  std::uint64_t bin = 1;
  Padding padding = Padding::fill;
  double fill = 0;
  enum class Intensities : std::uint8_t { as_they_are, normalised };
  /// normalised: a box's voxels inside the volume get mean 0 and standard deviation 1.
  Intensities intensities = Intensities::as_they_are;
  enum class Contrast : std::uint8_t { kept, inverted };
  Contrast contrast = Contrast::kept;  ///< inverted: times -1, after all else but fill.
  std::uint64_t memory = std::uint64_t{384} << 20;  ///< Bytes held, besides 100 a particle.
  std::size_t threads = 0;                          ///< 0: the machine's cores.
  std::filesystem::path temporary = {};  ///< Where boxes wait; empty: the system's folder.
  Progress* progress = nullptr;          ///< Told bytes and boxes written; not owned.
};

struct ExtractReport {
  std::uint64_t boxes = 0;
  std::uint64_t padded = 0;   ///< Of them, those that reach beyond the volume.
  std::uint64_t skipped = 0;  ///< Particles that were left out.
  std::uint64_t chunks = 0;   ///< Fetched and decoded, each once.
  DataType type = DataType::float32;
  std::string stack, list;  ///< URIs of what was written.
};

/// Cuts a box around each particle (an image, of stacks and series) and writes them in the
/// particles' order, with a list of them (STAR, see em::extracted_star) beside.
///
/// A box of n voxels has its particle at voxel n / 2, as RELION has it, to the nearest voxel; what
/// is left over is told as a shift. Voxels are never interpolated. They keep their type where the
/// target has it and nothing is computed; else they become float32.
///
/// \param to  the key's ending tells what is written: `.mrcs` and `.mrc` a stack of MRC2014 (ISPG
/// 401 and MZ the box, of images ISPG 0); `.zarr` a sharded Zarr array with a box a chunk. The list
/// has the same name, ending in `.star`, and comes last; a stack is visible whole or not at all.
///
/// Cost: each chunk that any box meets is fetched and decoded once, shard by shard along a Z-order
/// curve, while the boxes of those before are put together. Boxes that reach into chunks which come
/// later, and finished ones, wait in temporary files without a name.
/// Throws Error invalid_argument (options; a particle outside the volume that is not to be skipped;
/// boxes too large for the memory), unsupported (complex voxels, more than three axes),
/// already_exists (a Zarr array at the target), corrupt_data, out_of_space, cancelled.
ExtractReport extract(const Volume& volume, const em::Particles& particles,
                      const storage::Location& to, const ExtractOptions& options,
                      const Context& context = {});

/// The voxels of the level that extract() would read, a box a particle that is not left out. For
/// plans. Throws as it.
[[nodiscard]] std::vector<Box> boxes_of(const Volume& volume, const em::Particles& particles,
                                        const ExtractOptions& options);

}  // namespace cnf::cryoem
