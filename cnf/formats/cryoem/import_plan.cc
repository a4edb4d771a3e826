// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/util/convert.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/import.h"
#include "cnf/formats/cryoem/import_plan_internal.h"
#include "cnf/formats/cryoem/levels_internal.h"
#include "cnf/formats/cryoem/pyramid_internal.h"
#include "cnf/formats/cryoem/rules_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/ome.h"

namespace cnf::cryoem {
namespace {

[[noreturn]] void refuse(const std::string& why, const std::string& remedy = "") {
  throw Error(Errc::invalid_argument, "import", "the input", why, remedy);
}

void check_options(const ImportPlan& plan, const ImportOptions& options) {
  if (!is_convertible(plan.source_type, plan.type)) {
    refuse(fmt::format("{} values cannot become {}", to_string(plan.source_type),
                       to_string(plan.type)));
  }
  if (options.keep_bits && !is_floating(plan.type))
    refuse(fmt::format("{} values have no mantissa of which to keep bits", to_string(plan.type)));
  if (options.keep_bits && (*options.keep_bits < 1 || *options.keep_bits > 23))
    refuse(fmt::format("{} bits of mantissa", *options.keep_bits), "keep 1 to 23");
  if (options.label && !is_integer(plan.type)) {
    refuse(fmt::format("labels of type {}", to_string(plan.type)),
           "convert them to integers by --dtype");
  }
}

std::shared_ptr<const zarr::Sharding> sharding_of(const Shape& chunk,
                                                  std::vector<zarr::Codec> codecs) {
  return std::make_shared<const zarr::Sharding>(
      zarr::Sharding{.chunk = chunk,
                     .codecs = std::move(codecs),
                     .index_codecs = {zarr::Codec{.kind = zarr::Codec::Kind::bytes},
                                      zarr::Codec{.kind = zarr::Codec::Kind::crc32c}}});
}

/// Å, or 1 where the source does not tell.
double scale_of(const em::SourceInfo& source, std::size_t axis) {
  const double voxel = axis < source.voxel.size() ? source.voxel[axis] : 0;
  return voxel > 0 ? voxel : 1;
}

zarr::Axis axis_of(const em::SourceInfo& source, std::size_t axis, bool is_space) {
  const std::string& name = source.axes[axis];
  if (is_space) {
    const bool known = axis < source.voxel.size() && source.voxel[axis] > 0;
    return {.name = name, .type = "space", .unit = known ? "angstrom" : ""};
  }
  if (name == "c") return {.name = name, .type = "channel"};
  if (name == "t") return {.name = name, .type = "time"};
  return {.name = name};
}

}  // namespace

nlohmann::json ImportPlan::options_json() const {
  const auto sides = [](const Shape& shape) {
    return std::vector<std::uint64_t>(shape.begin(), shape.end());
  };
  return {{"shape", sides(pyramid.array)},
          {"chunk", sides(pyramid.chunk)},
          {"shard", sides(pyramid.shard)},
          {"levels", levels.size()},
          {"type", to_string(type)},
          {"codec", codec},
          {"downscaling", downscaling == Downscaling::mode ? "mode" : "mean"},
          {"keep_bits", keep_bits ? nlohmann::json(*keep_bits) : nlohmann::json()},
          {"flip_y", flip_y}};
}

ImportPlan plan_import(const em::SourceInfo& source, const ImportOptions& options) {
  ImportPlan plan{.type = options.type.value_or(source.type),
                  .source_type = source.type,
                  .downscaling = options.label ? Downscaling::mode : Downscaling::mean,
                  .keep_bits = options.keep_bits,
                  .flip_y = options.flip_y};
  check_options(plan, options);
  const Shape& array = source.shape;
  if (std::find(array.begin(), array.end(), 0U) != array.end()) refuse("it has no voxels");
  Shape chunk = options.chunk.size() == 0 ? automatic_chunk(source, plan.type)
                                          : asked_sides(options.chunk, array, "the chunk");
  for (std::size_t axis = 0; axis < chunk.size(); ++axis)
    chunk[axis] = std::min(chunk[axis], array[axis]);
  const Shape shard = options.shard.size() == 0 ? automatic_shard(source, plan.type, chunk)
                                                : asked_sides(options.shard, array, "the shard");
  plan.pyramid = {.array = array,
                  .binned = binned_axes(source),
                  .chunk = chunk,
                  .shard = shard,
                  .levels = options.levels};
  // A mean of Fourier coefficients is no image of less detail.
  if (is_complex(plan.type)) plan.pyramid.levels = 1;
  plan.levels = plan_levels(plan.pyramid);
  ChosenCodec codec =
      choose_codec(options.codec, plan.type, plan.downscaling, chunk, options.checksum);
  plan.codec = std::move(codec.name);
  const auto shards = sharding_of(chunk, std::move(codec.codecs));
  for (const LevelPlan& level : plan.levels) {
    plan.arrays.push_back(
        {.shape = level.grid.array(),
         .type = plan.type,
         .chunk = level.shard,
         .fill = std::vector<std::byte>(size_of(plan.type)),
         .codecs = {zarr::Codec{.kind = zarr::Codec::Kind::sharding, .sharding = shards}},
         .dimension_names = source.axes,
         .has_chunk_sums = true});
  }
  return plan;
}

zarr::Multiscale describe_image(const em::SourceInfo& source, const ImportPlan& plan,
                                const std::string& name, const std::string& prefix) {
  zarr::Multiscale image{.name = name,
                         .downscaling = plan.downscaling == Downscaling::mode ? "mode" : "mean"};
  const std::vector<bool>& binned = plan.pyramid.binned;
  for (std::size_t axis = 0; axis < binned.size(); ++axis)
    image.axes.push_back(axis_of(source, axis, binned[axis]));
  for (std::size_t number = 0; number < plan.levels.size(); ++number) {
    zarr::Level level{.path = prefix + std::to_string(number), .scale = {}, .translation = {}};
    for (std::size_t axis = 0; axis < binned.size(); ++axis) {
      const double voxel = scale_of(source, axis);
      const auto factor = static_cast<double>(plan.levels[number].factor[axis]);
      const double origin = axis < source.origin.size() ? source.origin[axis] : 0;
      level.scale.push_back(voxel * factor);
      // The centre of the first voxel lies amid those that it covers.
      level.translation.push_back(origin + (factor - 1) / 2 * voxel);
    }
    image.levels.push_back(std::move(level));
  }
  return image;
}

}  // namespace cnf::cryoem
