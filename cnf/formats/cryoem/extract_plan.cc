// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/particles.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/extract.h"
#include "cnf/formats/cryoem/extract_plan_internal.h"
#include "cnf/formats/cryoem/volume.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/ome.h"

namespace cnf::cryoem {
namespace {

constexpr std::size_t kAxes = 3;

[[noreturn]] void refuse(const Volume& volume, std::string_view why, std::string_view remedy = {}) {
  throw Error(Errc::invalid_argument, "extract from", volume.storage()->uri(), why, remedy);
}

void check(const Volume& volume, const em::Particles& particles, const ExtractOptions& options) {
  const Shape& shape = volume.level(options.level).shape();
  const auto unsupported = [&](std::string_view why) {
    throw Error(Errc::unsupported, "extract from", volume.storage()->uri(), why);
  };
  if (is_complex(volume.type())) unsupported("its voxels are complex");
  if (shape.size() < kAxes) unsupported("it has no three axes");
  for (std::size_t axis = 0; axis + kAxes < shape.size(); ++axis) {
    if (shape[axis] != 1) {
      unsupported(fmt::format("it is {} of volumes or channels", to_string(shape)));
    }
  }
  constexpr std::uint64_t kMaxEdge = 1U << 14;
  if (options.box_size == 0 || options.bin == 0 || options.box_size > kMaxEdge ||
      options.bin > kMaxEdge / options.box_size) {
    refuse(volume, fmt::format("a box of {} voxels, binned by {}", options.box_size, options.bin),
           fmt::format("both are 1 or more, and their product at most {}", kMaxEdge));
  }
  if (particles.rows.size() >= std::numeric_limits<std::uint32_t>::max()) {
    refuse(volume, fmt::format("{} particles at once", particles.rows.size()));
  }
}

/// Bits of three places in turn: neighbours in space become neighbours on a line.
std::array<std::uint64_t, 2> z_order(const Shape& at) {
  std::array<std::uint64_t, 2> code{};  // the high bits first
  const std::size_t first = at.size() - kAxes;
  for (unsigned bit = 42; bit-- > 0;) {
    for (std::size_t axis = 0; axis < kAxes; ++axis) {
      code[0] = code[0] << 1 | code[1] >> 63;
      code[1] = code[1] << 1 | ((at[first + axis] >> bit) & 1U);
    }
  }
  return code;
}

/// When a chunk is read: its shard's place on the curve, and its own.
struct ReadingPlace {
  std::array<std::uint64_t, 2> shard{};
  std::array<std::uint64_t, 2> chunk{};
  std::uint32_t number = 0;
  auto operator<=>(const ReadingPlace&) const = default;
};

/// How places at level 0 become places at another, by what the image says of both.
struct LevelPlaces {
  std::array<double, kAxes> scale{};   // voxels of level 0 in one of this, z, y, x
  std::array<double, kAxes> offset{};  // of its first voxel's centre, in voxels of level 0

  LevelPlaces(const zarr::Multiscale& image, std::size_t level) {
    const zarr::Level& finest = image.levels.front();
    const zarr::Level& coarse = image.levels[level];
    const std::size_t first = finest.scale.size() - kAxes;
    for (std::size_t axis = 0; axis < kAxes; ++axis) {
      scale[axis] = coarse.scale[first + axis] / finest.scale[first + axis];
      offset[axis] = (coarse.translation[first + axis] - finest.translation[first + axis]) /
                     finest.scale[first + axis];
    }
  }
};

}  // namespace

ExtractPlan::ExtractPlan(const Volume& volume, const em::Particles& particles,
                         const ExtractOptions& options)
    : array((check(volume, particles, options), volume.level(options.level))),
      grid(array.shape(), array.metadata().inner_chunk()) {
  const bool flat = volume.kind() != em::Kind::volume;
  const std::size_t first = array.shape().size() - kAxes;
  for (std::size_t axis = 0; axis < kAxes; ++axis) {
    dims[axis] = array.shape()[first + axis];
    out[axis] = flat && axis == 0 ? 1 : options.box_size;
    raw[axis] = flat && axis == 0 ? 1 : options.box_size * options.bin;
  }
  place(volume, particles, options);
  gather();
  order(options.memory / 4);
  share();
}

std::uint64_t ExtractPlan::raw_bytes() const noexcept {
  return raw[0] * raw[1] * raw[2] * size_of(array.metadata().type);
}

void ExtractPlan::place(const Volume& volume, const em::Particles& particles,
                        const ExtractOptions& options) {
  const LevelPlaces places(volume.image(), options.level);
  for (std::size_t row = 0; row < particles.rows.size(); ++row) {
    Cut cut{.row = static_cast<std::uint32_t>(row), .begin = {}, .centre = {}};
    bool outside = false;
    bool whole = true;
    for (std::size_t axis = 0; axis < kAxes; ++axis) {
      const double at =
          (particles.rows[row].at[2 - axis] - places.offset[axis]) / places.scale[axis];
      outside = outside || !(at >= -0.5 && at < static_cast<double>(dims[axis]) - 0.5);
      if (outside) break;
      // The centre is that of voxel out / 2, which is the mean of `step` voxels.
      const std::uint64_t step = raw[axis] / out[axis];
      const std::uint64_t before = out[axis] / 2 * step;
      const double centre = static_cast<double>(before) + (static_cast<double>(step) - 1) / 2;
      cut.begin[axis] = static_cast<std::int64_t>(std::floor(at - centre + 0.5));
      cut.centre[2 - axis] = (static_cast<double>(cut.begin[axis]) + centre) * places.scale[axis] +
                             places.offset[axis];
      whole = whole && cut.begin[axis] >= 0 &&
              static_cast<std::uint64_t>(cut.begin[axis]) + raw[axis] <= dims[axis];
    }
    if (options.padding == Padding::skip && (outside || !whole)) {
      ++skipped;
      continue;
    }
    if (outside) {
      const auto& at = particles.rows[row].at;
      refuse(volume,
             fmt::format("particle {} at ({:.6g}, {:.6g}, {:.6g}) lies outside of its {} x {} x {} "
                         "voxels (x, y, z)",
                         row + 1, at[0], at[1], at[2], dims[2], dims[1], dims[0]),
             "say which pixels its coordinates count, or leave such particles out");
    }
    padded += whole ? 0 : 1;
    cuts.push_back(cut);
  }
}

Inside ExtractPlan::inside(const Cut& cut) const {
  Inside part;
  for (std::size_t axis = 0; axis < kAxes; ++axis) {
    const std::int64_t begin = cut.begin[axis];
    part.begin[axis] = begin < 0 ? static_cast<std::uint64_t>(-begin) : 0;
    part.end[axis] = std::min(
        raw[axis], static_cast<std::uint64_t>(static_cast<std::int64_t>(dims[axis]) - begin));
  }
  return part;
}

Box ExtractPlan::elements_of(const Cut& cut) const {
  const Inside part = inside(cut);
  Box box{Shape::filled(array.shape().size(), 0), Shape::filled(array.shape().size(), 1)};
  const std::size_t first = array.shape().size() - kAxes;
  for (std::size_t axis = 0; axis < kAxes; ++axis) {
    const auto at = [&](std::uint64_t place) {
      return static_cast<std::uint64_t>(cut.begin[axis] + static_cast<std::int64_t>(place));
    };
    box.begin[first + axis] = at(part.begin[axis]);
    box.end[first + axis] = at(part.end[axis]);
  }
  return box;
}

void ExtractPlan::gather() {
  for (const Cut& cut : cuts) {
    const Box wanted = elements_of(cut);
    chunk::for_each_place(grid.chunks_of(wanted), [&](const Shape& at) {
      const Box part = intersect(wanted, grid.elements_of(at));
      const auto [found, is_new] =
          ranks.try_emplace(grid.number_of(at), static_cast<std::uint32_t>(chunks.size()));
      if (is_new) {
        chunks.push_back({at, part, 0});
        return;
      }
      Box& all = chunks[found->second].elements;
      for (std::size_t axis = 0; axis < at.size(); ++axis) {
        all.begin[axis] = std::min(all.begin[axis], part.begin[axis]);
        all.end[axis] = std::max(all.end[axis], part.end[axis]);
      }
    });
  }
  for (WantedChunk& chunk : chunks) {
    chunk.bytes = chunk.elements.shape().elements() * size_of(array.metadata().type);
  }
}

// Shard by shard along a Z-order curve, and so within each: what is read at once lies together. A
// batch ends where a shard does if all of the next shard would not fit.
void ExtractPlan::order(std::uint64_t memory) {
  std::vector<ReadingPlace> places;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    Shape shard = chunks[i].at;
    for (std::size_t axis = 0; axis < shard.size(); ++axis) {
      shard[axis] = shard[axis] * grid.chunk()[axis] / array.metadata().chunk[axis];
    }
    places.push_back({z_order(shard), z_order(chunks[i].at), static_cast<std::uint32_t>(i)});
  }
  std::ranges::sort(places);
  std::vector<WantedChunk> ordered;
  for (const ReadingPlace& place : places) ordered.push_back(chunks[place.number]);
  chunks = std::move(ordered);
  std::uint64_t bytes = 0;
  for (std::size_t begin = 0; begin < chunks.size();) {
    std::size_t end = begin;  // of the shard
    std::uint64_t shard_bytes = 0;
    while (end < chunks.size() && places[end].shard == places[begin].shard) {
      shard_bytes += chunks[end++].bytes;
    }
    for (std::size_t i = begin; i < end; ++i) {
      const bool cut = i == begin ? bytes + shard_bytes > memory : bytes + chunks[i].bytes > memory;
      if (bytes > 0 && cut) {
        batch_ends.push_back(i);
        bytes = 0;
      }
      bytes += chunks[i].bytes;
    }
    begin = end;
  }
  if (!chunks.empty()) batch_ends.push_back(chunks.size());
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    ranks[grid.number_of(chunks[i].at)] = static_cast<std::uint32_t>(i);
  }
}

std::size_t ExtractPlan::batch_of(std::uint64_t number) const {
  const auto end = std::ranges::upper_bound(batch_ends, ranks.at(number));
  return static_cast<std::size_t>(end - batch_ends.begin());
}

void ExtractPlan::share() {
  batch_cuts.resize(batches());
  last_batch.resize(cuts.size());
  std::vector<std::size_t> met;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    met.clear();
    chunk::for_each_place(grid.chunks_of(elements_of(cuts[i])),
                          [&](const Shape& at) { met.push_back(batch_of(grid.number_of(at))); });
    std::ranges::sort(met);
    met.erase(std::unique(met.begin(), met.end()), met.end());
    for (const std::size_t batch : met) {
      batch_cuts[batch].push_back(static_cast<std::uint32_t>(i));
    }
    last_batch[i] = static_cast<std::uint32_t>(met.back());
  }
}

}  // namespace cnf::cryoem
