// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/image_axes_internal.h"
#include "cnf/formats/cryoem/layout.h"
#include "cnf/formats/cryoem/volume.h"
#include "cnf/zarr/array.h"

namespace cnf::cryoem {
namespace {

/// Axes of an image before y and x, without those of one element that nobody needs.
struct Found {
  std::optional<std::size_t> channel, images, depth;
};

Found find_axes(const Volume& volume) {
  const Shape& shape = volume.level(0).shape();
  const auto& axes = volume.image().axes;
  Found found;
  found.depth = volume.depth_axis();
  for (std::size_t axis = 0; axis + 2 < axes.size(); ++axis) {
    if (axis == found.depth || shape[axis] == 1) continue;
    const bool channel = axes[axis].type == "channel" || axes[axis].name == "c";
    std::optional<std::size_t>& place = channel ? found.channel : found.images;
    if (place) {
      throw Error(Errc::unsupported, "read", volume.level(0).uri(),
                  "more axes than files of the field have",
                  "z, y, x; n, y, x; t, y, x; n, z, y, x; and c in front");
    }
    place = axis;
  }
  return found;
}

}  // namespace

Box ImageAxes::box_of(const Box& box, const Box& within) const {
  Box elements = within;
  for (std::size_t i = 0; i < of_array.size(); ++i) {
    if (!of_array[i]) continue;
    elements.begin[*of_array[i]] = within.begin[*of_array[i]] + box.begin[i];
    elements.end[*of_array[i]] = within.begin[*of_array[i]] + box.end[i];
  }
  return elements;
}

ImageAxes image_axes(const Volume& volume, std::optional<em::Kind> kind) {
  const Found found = find_axes(volume);
  ImageAxes axes{.kind = kind.value_or(found.images ? em::Kind::volume_stack : volume.kind())};
  if ((axes.kind == em::Kind::volume_stack) != found.images.has_value()) {
    throw Error(Errc::invalid_argument, "read", volume.level(0).uri(),
                fmt::format("its axes are not those of a {}", to_string(axes.kind)));
  }
  const auto add = [&axes](std::string_view name, std::optional<std::size_t> axis) {
    axes.names.emplace_back(name);
    axes.of_array.push_back(axis);
  };
  if (found.channel) add("c", found.channel);
  if (found.images) add("n", found.images);
  const bool volumes = axes.kind == em::Kind::volume || found.images;
  const std::string_view images = axes.kind == em::Kind::stack ? "n" : "t";
  add(volumes ? "z" : images, found.depth);
  const std::size_t dimensions = volume.image().axes.size();
  add("y", dimensions - 2);
  add("x", dimensions - 1);
  return axes;
}

em::SourceInfo describe(const Volume& volume, const ImageAxes& axes, std::size_t level,
                        const Box& box) {
  em::SourceInfo info;
  info.kind = axes.kind;
  info.axes = axes.names;
  info.type = volume.type();
  const std::vector<double> voxel = volume.voxel(level);
  const std::vector<double> origin = volume.origin(level);
  for (const auto& axis : axes.of_array) {
    info.shape.push_back(axis ? box.end[*axis] - box.begin[*axis] : 1);
    info.voxel.push_back(axis ? voxel[*axis] : 0);
    info.origin.push_back(
        axis ? origin[*axis] + static_cast<double>(box.begin[*axis]) * voxel[*axis] : 0);
  }
  const auto depth = volume.depth_axis();
  if (volume.custom() != nullptr && depth && !volume.custom()->tilts.empty()) {
    const std::vector<double>& tilts = volume.custom()->tilts;
    for (std::uint64_t i = box.begin[*depth]; i < box.end[*depth] && i < tilts.size(); ++i)
      info.tilts.push_back(tilts[i]);
  }
  return info;
}

}  // namespace cnf::cryoem
