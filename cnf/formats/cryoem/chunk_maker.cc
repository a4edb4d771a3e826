// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/convert.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/chunk_maker_internal.h"
#include "cnf/formats/cryoem/import_plan_internal.h"
#include "cnf/formats/cryoem/keep_bits_internal.h"
#include "cnf/formats/cryoem/levels_internal.h"
#include "cnf/formats/cryoem/pyramid_internal.h"
#include "cnf/formats/cryoem/statistics.h"
#include "cnf/zarr/codecs.h"

namespace cnf::cryoem {
namespace {

// Beyond so many voxels a histogram of every eighth row tells the same quantiles.
constexpr std::uint64_t kSmall = std::uint64_t{1} << 24;
constexpr std::size_t kRowStep = 8;

constexpr std::size_t kRetained = std::size_t{64} << 20;

/// Turns the rows of each plane over.
void flip_rows(const Extent& extent, std::size_t element, MutableByteSpan values) {
  const std::size_t row = extent[3] * element;
  const std::size_t plane = extent[2] * row;
  for (std::size_t first = 0; first < values.size(); first += plane) {
    for (std::size_t y = 0; y < extent[2] / 2; ++y) {
      std::byte* const a = values.data() + first + y * row;
      std::byte* const b = values.data() + first + (extent[2] - 1 - y) * row;
      std::swap_ranges(a, a + row, b);
    }
  }
}

/// A chunk that the array's end cuts, filled up with fill values.
void fill_up(ByteSpan values, const Extent& extent, const Extent& chunk, std::size_t element,
             MutableByteSpan into) {
  std::memset(into.data(), 0, into.size());
  const std::size_t row = extent[3] * element;
  for (std::size_t outer = 0; outer < extent[0]; ++outer) {
    for (std::size_t z = 0; z < extent[1]; ++z) {
      for (std::size_t y = 0; y < extent[2]; ++y) {
        const std::size_t from = (outer * extent[1] + z) * extent[2] + y;
        const std::size_t to = (outer * chunk[1] + z) * chunk[2] + y;
        std::memcpy(into.data() + to * chunk[3] * element, values.data() + from * row, row);
      }
    }
  }
}

bool is_fill(const Statistics& statistics, ByteSpan values) {
  // Numbers that equal 0 are not yet its bits: there is -0.
  return statistics.nan == 0 && statistics.min == 0 && statistics.max == 0 &&
         std::all_of(values.begin(), values.end(), [](std::byte b) { return b == std::byte{}; });
}

/// Labels are whole numbers: rounding would invent classes. Throws Error invalid_argument.
void require_whole(DataType type, ByteSpan values) {
  std::vector<double> numbers(values.size() / size_of(type));
  convert_elements(type, values, DataType::float64, std::as_writable_bytes(std::span(numbers)),
                   "the labels");
  const auto part = std::find_if(numbers.begin(), numbers.end(),
                                 [](double number) { return number != std::floor(number); });
  if (part == numbers.end()) return;
  throw Error(Errc::invalid_argument, "import", "the labels",
              fmt::format("{} is no whole number", *part),
              "labels are numbers of classes: round them before, if that is what they mean");
}

}  // namespace

ChunkMaker::ChunkMaker(const em::Source& source, const ImportPlan& plan, const Context& context)
    : source_(source),
      plan_(plan),
      context_(context),
      row_step_(plan.voxels() <= kSmall ? 1 : kRowStep),
      pool_(kRetained) {}

Buffer ChunkMaker::read(const Box& box) {
  Box wanted = box;
  if (plan_.flip_y) {
    const std::size_t y = box.begin.size() - 2;
    const std::uint64_t rows = plan_.pyramid.array[y];
    wanted.begin[y] = rows - box.end[y];
    wanted.end[y] = rows - box.begin[y];
  }
  const auto elements = static_cast<std::size_t>(box.shape().elements());
  Buffer values = pool_.take(elements * size_of(plan_.source_type));
  source_.read(wanted, values.span(), context_);
  if (plan_.flip_y) flip_rows(extent_of(box.shape()), size_of(plan_.source_type), values.span());
  if (plan_.type == plan_.source_type) return values;
  const bool are_labels = plan_.downscaling == Downscaling::mode;
  if (are_labels && is_floating(plan_.source_type)) require_whole(plan_.source_type, values);
  Buffer converted = pool_.take(elements * size_of(plan_.type));
  convert_elements(plan_.source_type, values, plan_.type, converted.span(), "the input");
  pool_.give(std::move(values));
  return converted;
}

void ChunkMaker::count(const Extent& extent, ByteSpan values) {
  std::optional<Histogram> mine;
  {
    const std::lock_guard lock(mutex_);
    if (!histograms_.empty()) {
      mine = std::move(histograms_.back());
      histograms_.pop_back();
    }
  }
  if (!mine) mine.emplace(plan_.type);
  const std::size_t row = extent[3] * size_of(plan_.type);
  for (std::size_t i = 0; i < extent[0] * extent[1]; ++i) {
    for (std::size_t y = 0; y < extent[2]; ++y) {
      if ((i + y) % row_step_ == 0) mine->add(values.subspan((i * extent[2] + y) * row, row));
    }
  }
  const std::lock_guard lock(mutex_);
  histograms_.push_back(std::move(*mine));
}

std::optional<Buffer> ChunkMaker::encode(const Box& box, const Statistics& statistics,
                                         ByteSpan values) {
  if (is_fill(statistics, values)) return std::nullopt;
  const Shape& chunk = plan_.pyramid.chunk;
  const std::size_t element = size_of(plan_.type);
  const auto bytes = static_cast<std::size_t>(chunk.elements()) * element;
  Buffer encoded = pool_.take(bytes);
  encoded.clear();
  const auto& codecs = plan_.arrays.front().sharding()->codecs;
  if (box.shape() == chunk) {
    zarr::encode_chunk(codecs, chunk, plan_.type, values, encoded);
    return encoded;
  }
  Buffer whole = pool_.take(bytes);
  fill_up(values, extent_of(box.shape()), extent_of(chunk), element, whole.span());
  zarr::encode_chunk(codecs, chunk, plan_.type, whole, encoded);
  pool_.give(std::move(whole));
  return encoded;
}

MadeChunk ChunkMaker::make(ChunkTask task) {
  const LevelPlan& level = plan_.levels[task.level];
  const Box box = level.grid.elements_of(task.at);
  const Extent extent = extent_of(box.shape());
  Buffer values;
  if (task.level == 0) {
    values = read(box);
  } else {
    values = pool_.take(elements_of(extent) * size_of(plan_.type));
    values_of(plan_.type, plan_.downscaling, task.level, task.sums,
              level.coverage_of(task.at, plan_.pyramid.array), values.span());
  }
  if (plan_.keep_bits) keep_mantissa_bits(plan_.type, *plan_.keep_bits, values.span());
  MadeChunk made{.level = task.level,
                 .at = task.at,
                 .statistics = statistics_of(plan_.type, values),
                 .encoded = {},
                 .sums = {}};
  if (task.level == 0 && plan_.downscaling != Downscaling::mode) count(extent, values);
  if (task.level + 1 < plan_.levels.size()) {
    const Extent step = extent_of(level.step);
    made.sums = task.level == 0
                    ? sum_values(plan_.type, plan_.downscaling, extent, step, values,
                                 made.statistics.nan != 0)
                    : sum_sums(plan_.type, plan_.downscaling, task.level, task.sums, step);
  }
  if (task.encode) made.encoded = encode(box, made.statistics, values);
  pool_.give(std::move(values));
  return made;
}

Histogram ChunkMaker::histogram() const {
  Histogram all(plan_.type);
  for (const Histogram& part : histograms_) all.merge(part);
  return all;
}

}  // namespace cnf::cryoem
