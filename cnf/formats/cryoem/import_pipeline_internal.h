// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/chunk_maker_internal.h"
#include "cnf/formats/cryoem/import_plan_internal.h"
#include "cnf/formats/cryoem/level_writer_internal.h"
#include "cnf/formats/cryoem/levels_internal.h"
#include "cnf/formats/cryoem/pyramid_internal.h"
#include "cnf/formats/cryoem/statistics.h"

namespace cnf::cryoem {

/// What an import found out about its voxels.
struct ImportFacts {
  struct ChunkRow {
    std::uint64_t number = 0;  ///< In the level's grid, C order.
    Statistics statistics;
  };
  std::vector<std::vector<ChunkRow>> chunks;  ///< Of each level, by number.
  std::vector<Statistics> levels;             ///< Merged in the order of the numbers.
  Histogram histogram;
};

/// Takes a source through all levels of a pyramid, and writes their shards, in one pass.
///
/// One pipeline makes the chunks of every level, in parallel: those of level 0 in ChunkOrder; one
/// of a further level when the last of its children has been taken, and before any other, so that
/// there is about one unfinished chunk a level. Chunks of a level are written in order.
class ImportPipeline {
 public:
  struct Options {
    std::size_t threads = 0;
    Progress* progress = nullptr;  ///< Told bytes of voxels of level 0.
    std::string prefix = {};       ///< Of the arrays' paths.
    /// Told each shard of any level when it is on the store.
    std::function<void(std::size_t level, const zarr::WrittenObject&)> done = {};
  };

  /// \param written  shards that are there already. All must outlive it.
  ImportPipeline(const em::Source& source, const ImportPlan& plan,
                 const std::shared_ptr<storage::Storage>& storage, const WrittenObjects& written,
                 const Options& options, const Context& context);

  /// Throws what sources and stores throw; then an unknown part of the shards is there.
  [[nodiscard]] ImportFacts run();

 private:
  /// A chunk of a further level on its way to be complete.
  struct Growing {
    std::optional<Shape> at = {};
    Sums sums = {};
    std::uint64_t missing = 0;  // children
  };

  [[nodiscard]] std::optional<ChunkTask> next();
  void take(MadeChunk made);
  void grow(MadeChunk& made);
  template <typename Stage>
  auto telling_failure(const Stage& stage);

  const ImportPlan& plan_;
  const Options& options_;
  const Context& context_;
  ChunkMaker maker_;
  std::vector<LevelWriter> writers_;

  // Of the stage that takes chunks, which come in order.
  ImportFacts facts_;
  std::vector<Growing> growing_;  // by level

  ChunkOrder order_;  // of the stage that gives tasks out
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ChunkTask> complete_;  // of further levels; guarded by mutex_
  std::size_t under_way_ = 0;       // chunks given out and not taken; guarded by mutex_
  bool failed_ = false;             // guarded by mutex_
};

}  // namespace cnf::cryoem
