// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/util/shape.h"
#include "cnf/core/worker/pipeline.h"
#include "cnf/core/worker/pool.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/chunk_maker_internal.h"
#include "cnf/formats/cryoem/import_pipeline_internal.h"
#include "cnf/formats/cryoem/import_plan_internal.h"
#include "cnf/formats/cryoem/level_writer_internal.h"
#include "cnf/formats/cryoem/levels_internal.h"
#include "cnf/formats/cryoem/pyramid_internal.h"
#include "cnf/formats/cryoem/statistics.h"

namespace cnf::cryoem {
namespace {

// How often a giver of tasks that waits for others looks whether it is to stop.
constexpr std::chrono::milliseconds kLook{20};

// Of all chunks under way; a chunk is there raw, filled up, and encoded.
constexpr std::uint64_t kUnderWay = std::uint64_t{96} << 20;

std::size_t in_flight(const ImportPlan& plan, std::size_t threads) {
  const std::uint64_t chunk = plan.pyramid.chunk.elements() * size_of(plan.type);
  const std::size_t fitting =
      static_cast<std::size_t>(std::max<std::uint64_t>(kUnderWay / (3 * chunk), 1));
  const std::size_t workers = threads == 0 ? worker::default_threads() : threads;
  return std::min(fitting, 2 * workers + 2);
}

void merge_levels(ImportFacts& facts) {
  for (auto& chunks : facts.chunks) {
    std::sort(chunks.begin(), chunks.end(),
              [](const auto& a, const auto& b) { return a.number < b.number; });
    Statistics level;
    for (const ImportFacts::ChunkRow& chunk : chunks) level.merge(chunk.statistics);
    facts.levels.push_back(level);
  }
}

}  // namespace

ImportPipeline::ImportPipeline(const em::Source& source, const ImportPlan& plan,
                               const std::shared_ptr<storage::Storage>& storage,
                               const WrittenObjects& written, const Options& options,
                               const Context& context)
    : plan_(plan),
      options_(options),
      context_(context),
      maker_(source, plan, context),
      facts_{.chunks = std::vector<std::vector<ImportFacts::ChunkRow>>(plan.levels.size()),
             .levels = {},
             .histogram = Histogram(plan.type)},
      growing_(plan.levels.size()),
      order_(plan.pyramid) {
  for (std::size_t level = 0; level < plan.levels.size(); ++level) {
    writers_.emplace_back(
        storage, options.prefix + std::to_string(level), plan.arrays[level], plan.levels[level],
        written, [this, level](const zarr::WrittenObject& object) { options_.done(level, object); },
        context);
  }
}

/// A stage that throws ends the pipeline, and must not leave another one waiting for it.
template <typename Stage>
auto ImportPipeline::telling_failure(const Stage& stage) {
  try {
    return stage();
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failed_ = true;
    changed_.notify_all();
    throw;
  }
}

ImportFacts ImportPipeline::run() {
  worker::run_pipeline<ChunkTask, MadeChunk>(
      {.threads = options_.threads, .in_flight = in_flight(plan_, options_.threads)}, context_,
      [this] { return next(); },
      [this](ChunkTask task) {
        return telling_failure([&] { return maker_.make(std::move(task)); });
      },
      [this](MadeChunk made) { telling_failure([&] { take(std::move(made)); }); });
  for (LevelWriter& writer : writers_) writer.finish();
  merge_levels(facts_);
  facts_.histogram = maker_.histogram();
  return std::move(facts_);
}

std::optional<ChunkTask> ImportPipeline::next() {
  std::optional<ChunkTask> task;
  std::unique_lock lock(mutex_);
  while (!failed_ && !task) {
    if (!complete_.empty()) {
      task = std::move(complete_.front());
      complete_.pop_front();
    } else if (const std::optional<Shape> at = order_.next()) {
      task = ChunkTask{.level = 0, .at = *at, .sums = {}};
    } else if (under_way_ == 0) {
      return std::nullopt;
    } else {
      changed_.wait_for(lock, kLook);
      context_.check("import", "chunks");
    }
  }
  if (!task) return std::nullopt;  // the pipeline rethrows what failed
  ++under_way_;
  task->encode = !writers_[task->level].has(task->at);
  return task;
}

void ImportPipeline::take(MadeChunk made) {
  const chunk::Grid& grid = plan_.levels[made.level].grid;
  if (made.encoded) {
    writers_[made.level].add(made.at, *made.encoded);
    maker_.recycle(std::move(*made.encoded));
  }
  facts_.chunks[made.level].push_back(
      {.number = grid.number_of(made.at), .statistics = made.statistics});
  if (made.sums) grow(made);
  if (made.level == 0 && options_.progress != nullptr) {
    options_.progress->add(grid.elements_of(made.at).shape().elements() * size_of(plan_.type), 0);
  }
  const std::lock_guard lock(mutex_);
  --under_way_;
  changed_.notify_all();
}

void ImportPipeline::grow(MadeChunk& made) {
  const std::size_t number = made.level + 1;
  const LevelPlan& below = plan_.levels[made.level];
  const LevelPlan& level = plan_.levels[number];
  Shape at = made.at;
  Shape offset = Shape::filled(at.size(), 0);
  std::uint64_t children = 1;
  for (std::size_t axis = 0; axis < at.size(); ++axis) {
    const std::uint64_t step = below.step[axis];
    at[axis] /= step;
    offset[axis] = made.at[axis] % step * (level.grid.chunk()[axis] / step);
    children *= std::min(step, below.grid.counts()[axis] - at[axis] * step);
  }
  Growing& growing = growing_[number];
  if (!growing.at) {
    const Extent extent = extent_of(level.grid.elements_of(at).shape());
    growing = {.at = at, .sums = {.extent = extent}, .missing = children};
    growing.sums.values.resize(elements_of(extent) *
                               sum_size(plan_.type, plan_.downscaling, number));
  }
  // The axes before the last three are one to the kernels; a chunk's own are never binned, so that
  // a part fills them.
  Extent place{0, 0, 0, 0};
  for (std::size_t axis = 0; axis < std::min<std::size_t>(3, at.size()); ++axis)
    place[3 - axis] = static_cast<std::size_t>(offset[at.size() - 1 - axis]);
  place_sums(plan_.type, plan_.downscaling, number, *made.sums, place, growing.sums,
             level.coverage_of(at, plan_.pyramid.array));
  if (--growing.missing != 0) return;
  ChunkTask task{.level = number, .at = at, .sums = std::move(growing.sums)};
  growing = {};
  const std::lock_guard lock(mutex_);
  complete_.push_back(std::move(task));
}

}  // namespace cnf::cryoem
