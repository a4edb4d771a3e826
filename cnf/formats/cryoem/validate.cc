// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/validate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/formats/cryoem/box_stream.h"
#include "cnf/formats/cryoem/pyramid_internal.h"
#include "cnf/formats/cryoem/statistics.h"
#include "cnf/formats/cryoem/volume.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/ome.h"

namespace cnf::cryoem {
namespace {

// Sums of floats depend on the order in which they are added, in their last bits.
bool is_near(double a, double b, double scale) {
  return std::abs(a - b) <= 1e-9 * std::max({std::abs(a), std::abs(b), scale});
}

/// Voxels of level 0 that a voxel of a level covers along each axis.
using Factors = std::vector<std::uint64_t>;

class Validator {
 public:
  Validator(const Volume& volume, const Complaint& complain, const zarr::ReadOptions& options,
            const Context& context)
      : volume_(volume), complain_(complain), options_(options), context_(context) {}

  void check_metadata() {
    const auto& axes = volume_.image().axes;
    for (std::size_t level = 0; level < volume_.levels(); ++level) {
      const auto& names = volume_.level(level).metadata().dimension_names;
      for (std::size_t axis = 0; axis < names.size() && axis < axes.size(); ++axis) {
        if (names[axis] != axes[axis].name) {
          tell(level, fmt::format("the dimension \"{}\" is the axis \"{}\" to OME", names[axis],
                                  axes[axis].name));
        }
      }
      factors_.push_back(check_scale(level));
    }
  }

  // Every shard's index is read and checked, and every chunk decoded.
  void check_voxels() {
    const auto statistics = volume_.statistics();
    for (std::size_t level = 0; level < volume_.levels(); ++level) {
      unless_damaged(level, [&] {
        Statistics found;
        const zarr::Array& array = volume_.level(level);
        stream_box(
            array, Box::of(array.shape()),
            [&](ByteSpan voxels) { found.merge(statistics_of(volume_.type(), voxels)); },
            {.read = options_}, context_);
        if (statistics) compare(level, found, statistics->at(level));
      });
    }
  }

  void check_pyramid();

 private:
  void tell(std::size_t level, const std::string& what) const {
    complain_(volume_.image().levels[level].path, what);
  }

  template <typename Work>
  void unless_damaged(std::size_t level, const Work& work) const {
    try {
      work();
    } catch (const Error& error) {
      if (error.code() != Errc::corrupt_data && error.code() != Errc::not_found &&
          error.code() != Errc::unsupported) {
        throw;
      }
      tell(level, error.what());
    }
  }

  Factors check_scale(std::size_t level) const;

  void compare(std::size_t level, const Statistics& found, const Statistics& said) const {
    const auto differ = [&](std::string_view name, double is, double was) {
      tell(level, fmt::format("its voxels' {} is {}, the manifest says {}", name, is, was));
    };
    const double range = std::max(std::abs(found.min), std::abs(found.max));
    if (found.count != said.count) {
      differ("number", static_cast<double>(found.count), static_cast<double>(said.count));
    } else if (found.nan != said.nan) {
      differ("number of NaNs", static_cast<double>(found.nan), static_cast<double>(said.nan));
    } else if (found.min != said.min) {
      differ("least value", found.min, said.min);
    } else if (found.max != said.max) {
      differ("greatest value", found.max, said.max);
    } else if (!is_near(found.mean, said.mean, range)) {
      differ("mean", found.mean, said.mean);
    } else if (!is_near(found.deviation(), said.deviation(), range)) {
      differ("deviation", found.deviation(), said.deviation());
    }
  }

  void check_cube(const Box& cube, Downscaling downscaling);
  void compare_level(std::size_t level, const Box& box, const Sums& sums, Downscaling downscaling);

  const Volume& volume_;
  const Complaint& complain_;
  const zarr::ReadOptions& options_;
  const Context& context_;
  std::vector<Factors> factors_;  // of each level
};

Factors Validator::check_scale(std::size_t level) const {
  const zarr::Level& finest = volume_.image().levels.front();
  const zarr::Level& known = volume_.image().levels[level];
  const Shape& shape = volume_.level(level).shape();
  Factors factors;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const double ratio = known.scale[axis] / finest.scale[axis];
    const auto factor = static_cast<std::uint64_t>(std::max(1.0, std::round(ratio)));
    factors.push_back(factor);
    if (!is_near(ratio, static_cast<double>(factor), 1)) {
      tell(level, fmt::format("axis {} is scaled by {}, which is no whole number", axis, ratio));
    }
    const std::uint64_t want = (volume_.level(0).shape()[axis] + factor - 1) / factor;
    if (shape[axis] != want) {
      tell(level, fmt::format("axis {} has {} voxels; at a scale of {} it is {}", axis, shape[axis],
                              factor, want));
    }
    // The centre of the first voxel is that of the voxels below it.
    const double shift = static_cast<double>(factor - 1) / 2 * finest.scale[axis];
    if (!is_near(known.translation[axis], finest.translation[axis] + shift, known.scale[axis])) {
      tell(level, fmt::format("axis {} begins at {}, not at {}", axis, known.translation[axis],
                              finest.translation[axis] + shift));
    }
  }
  return factors;
}

/// A box of up to eight axes as the kernels of the pyramid see it.
Extent extent_of(const Shape& shape) {
  Extent extent{1, 1, 1, 1};
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const std::size_t at = axis + 4 < shape.size() + 1 ? 0 : axis + 4 - shape.size();
    extent[at] *= shape[axis];
  }
  return extent;
}

void Validator::check_pyramid() {
  // Cubes that hold whole voxels of the coarsest level; of what is larger, that is told.
  constexpr std::uint64_t kMostSide = 512;
  const Shape& shape = volume_.level(0).shape();
  Shape side = Shape::filled(shape.size(), 1);
  const Factors& coarsest = factors_.back();
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const bool last_three = axis + 3 >= shape.size();
    side[axis] = std::max<std::uint64_t>(coarsest[axis], last_three ? 128 : 1);
    if (coarsest[axis] > kMostSide || (!last_three && coarsest[axis] != 1)) {
      tell(volume_.levels() - 1, "too coarse to be made anew here");
      return;
    }
  }
  const bool by_mode = volume_.image().downscaling == "mode";
  const chunk::Grid cubes(shape, side);
  chunk::for_each_place(Box::of(cubes.counts()), [&](const Shape& at) {
    unless_damaged(0, [&] {
      check_cube(cubes.elements_of(at), by_mode ? Downscaling::mode : Downscaling::mean);
    });
  });
}

void Validator::check_cube(const Box& cube, Downscaling downscaling) {
  const DataType type = volume_.type();
  Buffer voxels(cube.shape().elements() * size_of(type));
  volume_.level(0).read(cube, voxels.span(), options_, context_);
  Sums sums;
  for (std::size_t level = 1; level < volume_.levels(); ++level) {
    Shape step = Shape::filled(cube.end.size(), 1);
    Box box = cube;
    for (std::size_t axis = 0; axis < step.size(); ++axis) {
      const std::uint64_t factor = factors_[level][axis];
      step[axis] = factor / factors_[level - 1][axis];
      box.begin[axis] /= factor;
      box.end[axis] = (box.end[axis] + factor - 1) / factor;
    }
    sums = level == 1 ? sum_values(type, downscaling, extent_of(cube.shape()), extent_of(step),
                                   voxels, is_floating(type))
                      : sum_sums(type, downscaling, level - 1, sums, extent_of(step));
    unless_damaged(level, [&] { compare_level(level, box, sums, downscaling); });
  }
}

void Validator::compare_level(std::size_t level, const Box& box, const Sums& sums,
                              Downscaling downscaling) {
  const DataType type = volume_.type();
  Coverage coverage{.array = {1, 1, 1, 1}};
  const Extent shape = extent_of(volume_.level(0).shape());
  const std::size_t dimensions = box.begin.size();
  for (std::size_t i = 0; i < 4; ++i) {
    coverage.array[i] = shape[i];
    if (i + dimensions < 4) continue;
    coverage.begin[i] = box.begin[i + dimensions - 4];
    coverage.factor[i] = factors_[level][i + dimensions - 4];
  }
  const std::size_t bytes = box.shape().elements() * size_of(type);
  Buffer want(bytes), found(bytes);
  values_of(type, downscaling, level, sums, coverage, want.span());
  volume_.level(level).read(box, found.span(), options_, context_);
  if (std::memcmp(want.data(), found.data(), bytes) != 0) {
    tell(level, fmt::format("the voxels {} to {} are not made of level 0", to_string(box.begin),
                            to_string(box.end)));
  }
}

}  // namespace

void validate(const Volume& volume, Depth depth, const Complaint& complain,
              const zarr::ReadOptions& options, const Context& context) {
  Validator validator(volume, complain, options, context);
  validator.check_metadata();
  validator.check_voxels();
  if (depth == Depth::pyramid && volume.levels() > 1) validator.check_pyramid();
}

}  // namespace cnf::cryoem
