// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/import_plan_internal.h"
#include "cnf/formats/cryoem/pyramid_internal.h"
#include "cnf/formats/cryoem/statistics.h"

namespace cnf::cryoem {

/// A chunk that is to be made: of level 0 from the source, of others from sums.
struct ChunkTask {
  std::size_t level = 0;
  Shape at;        ///< In the level's grid.
  Sums sums = {};  ///< What the chunk's box covers of level 0; not of level 0 itself.
  bool encode = true;
};

/// A chunk that was made.
struct MadeChunk {
  std::size_t level = 0;
  Shape at;
  Statistics statistics;
  std::optional<Buffer> encoded;  ///< None where all is fill value, or it was not asked for.
  std::optional<Sums> sums;       ///< Its part of the next level, if there is one.
};

/// Makes chunks: reads, converts, counts, halves and encodes them. Threads: make() may be called
/// concurrently.
class ChunkMaker {
 public:
  /// All must outlive it.
  ChunkMaker(const em::Source& source, const ImportPlan& plan, const Context& context);

  [[nodiscard]] MadeChunk make(ChunkTask task);
  /// Takes an encoded chunk's memory back.
  void recycle(Buffer buffer) noexcept { pool_.give(std::move(buffer)); }

  /// Of level 0: all of a small image, every eighth row of each chunk of a large one. Empty where
  /// values are labels. After the last make().
  [[nodiscard]] Histogram histogram() const;

 private:
  [[nodiscard]] Buffer read(const Box& box);
  void count(const Extent& extent, ByteSpan values);
  [[nodiscard]] std::optional<Buffer> encode(const Box& box, const Statistics& statistics,
                                             ByteSpan values);

  const em::Source& source_;
  const ImportPlan& plan_;
  const Context& context_;
  std::size_t row_step_;  // for the histogram
  BufferPool pool_;
  std::mutex mutex_;
  std::vector<Histogram> histograms_;  // those nobody adds to just now; guarded by mutex_
};

}  // namespace cnf::cryoem
