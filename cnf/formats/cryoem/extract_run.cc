// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/util/shape.h"
#include "cnf/core/worker/pool.h"
#include "cnf/formats/cryoem/extract.h"
#include "cnf/formats/cryoem/extract_box_internal.h"
#include "cnf/formats/cryoem/extract_plan_internal.h"
#include "cnf/formats/cryoem/extract_run_internal.h"
#include "cnf/formats/cryoem/statistics.h"
#include "cnf/zarr/array.h"

namespace cnf::cryoem {
namespace {

constexpr std::uint64_t kNowhere = ~std::uint64_t{0};

/// A part of a box in memory: where it begins there, and the box's sides.
struct Spot {
  Extent at{};
  Extent sides{};

  [[nodiscard]] std::uint64_t row(std::uint64_t z, std::uint64_t y) const noexcept {
    return ((at[0] + z) * sides[1] + at[1] + y) * sides[2] + at[2];
  }
};

void copy_rows(const std::byte* from, const Spot& from_spot, std::byte* to, const Spot& to_spot,
               const Extent& count, std::size_t element) {
  for (std::uint64_t z = 0; z < count[0]; ++z) {
    for (std::uint64_t y = 0; y < count[1]; ++y) {
      std::memcpy(to + to_spot.row(z, y) * element, from + from_spot.row(z, y) * element,
                  count[2] * element);
    }
  }
}

}  // namespace

ExtractRun::ExtractRun(const ExtractPlan& plan, const BoxRecipe& recipe,
                       const ExtractOptions& options, const Context& context)
    : plan_(plan),
      recipe_(recipe),
      options_(options),
      context_(context),
      scratch_(options.memory / 8),
      waiting_at_(plan.cuts.size(), kNowhere),
      finished_at_(plan.cuts.size(), kNowhere),
      statistics_(plan.cuts.size()),
      waiting_(options.temporary, "keep unfinished boxes in"),
      finished_(options.temporary, "keep boxes in") {
  // A box before and after binning, and twice as float32.
  const std::uint64_t needed = plan.raw_bytes() + 3 * recipe.out_bytes();
  const std::uint64_t fit = options.memory / 4 / needed;
  if (fit == 0) {
    throw Error(
        Errc::invalid_argument, "extract", "a box",
        fmt::format("it takes {} bytes, and a quarter of {} is for boxes", needed, options.memory),
        "give more memory, or take a coarser level instead of binning");
  }
  const std::size_t threads = options.threads == 0 ? worker::default_threads() : options.threads;
  makers_ = std::min<std::uint64_t>(threads, fit);
}

void ExtractRun::run() {
  Loaded next;
  worker::Pool fetcher(1, context_);
  worker::Pool makers(makers_, context_);
  const auto fetch = [&](std::size_t batch) {
    if (batch < plan_.batches()) fetcher.submit([this, &next, batch] { next = load(batch); });
  };
  fetch(0);
  for (std::size_t batch = 0; batch < plan_.batches(); ++batch) {
    fetcher.wait();
    const Loaded loaded = std::exchange(next, {});
    fetch(batch + 1);
    for (const std::uint32_t cut : plan_.batch_cuts[batch]) {
      makers.submit([this, &loaded, batch, cut] { hand_out(loaded, batch, cut); });
    }
    makers.wait();
  }
}

Statistics ExtractRun::statistics() const {
  Statistics all;
  for (const Statistics& each : statistics_) all.merge(each);
  return all;
}

void ExtractRun::take(std::size_t cut, MutableByteSpan into) {
  context_.check("extract", finished_.folder());
  finished_.read_at(finished_at_[cut], into);
  finished_.forget(finished_at_[cut], finished_at_[cut] + into.size());
  if (options_.progress != nullptr) options_.progress->add(into.size(), 1);
}

ExtractRun::Loaded ExtractRun::load(std::size_t batch) const {
  Loaded loaded;
  std::size_t bytes = 0;
  const std::size_t begin = plan_.batch_begin(batch);
  for (std::size_t i = begin; i < plan_.batch_ends[batch]; ++i) {
    loaded.offsets.push_back(bytes);
    bytes += plan_.chunks[i].bytes;
  }
  loaded.bytes.resize(bytes);
  std::vector<zarr::Array::Wanted> wanted;
  wanted.reserve(loaded.offsets.size());
  for (std::size_t i = 0; i < loaded.offsets.size(); ++i) {
    const WantedChunk& chunk = plan_.chunks[begin + i];
    wanted.push_back({chunk.elements, loaded.bytes.span().subspan(loaded.offsets[i], chunk.bytes)});
  }
  // A fetch takes a quarter of what it is given: all of a batch, so that no shard is cut in two.
  plan_.array.read(wanted, {.threads = options_.threads, .memory = options_.memory}, context_);
  return loaded;
}

void ExtractRun::hand_out(const Loaded& loaded, std::size_t batch, std::size_t cut) {
  Buffer raw = scratch_.take(plan_.raw_bytes());
  if (waiting_at_[cut] != kNowhere) waiting_.read_at(waiting_at_[cut], raw.span());
  gather(loaded, batch, plan_.cuts[cut], raw.span());
  Buffer box;
  const bool is_done = plan_.last_batch[cut] == batch;
  if (is_done) {
    box = scratch_.take(recipe_.out_bytes());
    make_box(recipe_, plan_.inside(plan_.cuts[cut]), raw, box.span());
    statistics_[cut] = statistics_of(recipe_.to, box);
  }
  const std::lock_guard lock(files_);
  if (waiting_at_[cut] != kNowhere) {
    waiting_.forget(waiting_at_[cut], waiting_at_[cut] + raw.size());
  }
  storage::TemporaryFile& file = is_done ? finished_ : waiting_;
  (is_done ? finished_at_ : waiting_at_)[cut] = file.size();
  file.append(is_done ? box.span() : raw.span());
  scratch_.give(std::move(raw));
  scratch_.give(std::move(box));
}

void ExtractRun::gather(const Loaded& loaded, std::size_t batch, const Cut& cut,
                        MutableByteSpan raw) const {
  const Box inside = plan_.elements_of(cut);
  const Inside part = plan_.inside(cut);
  const std::size_t first = inside.begin.size() - part.begin.size();
  const std::size_t begin = plan_.batch_begin(batch);
  chunk::for_each_place(plan_.grid.chunks_of(inside), [&](const Shape& at) {
    const std::size_t rank = plan_.ranks.at(plan_.grid.number_of(at));
    if (rank < begin || rank >= plan_.batch_ends[batch]) return;
    const Box& chunk = plan_.chunks[rank].elements;
    const Box common = intersect(chunk, inside);
    Spot from;
    Spot to{.at = {}, .sides = plan_.raw};
    Extent count{};
    for (std::size_t axis = 0; axis < count.size(); ++axis) {
      const std::uint64_t place = common.begin[first + axis];
      from.at[axis] = place - chunk.begin[first + axis];
      from.sides[axis] = chunk.end[first + axis] - chunk.begin[first + axis];
      to.at[axis] = place - inside.begin[first + axis] + part.begin[axis];
      count[axis] = common.end[first + axis] - place;
    }
    copy_rows(loaded.bytes.data() + loaded.offsets[rank - begin], from, raw.data(), to, count,
              size_of(recipe_.from));
  });
}

}  // namespace cnf::cryoem
