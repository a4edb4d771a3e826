// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/volume.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/index/btree.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/layout.h"
#include "cnf/formats/cryoem/statistics.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/ome.h"

namespace cnf::cryoem {
namespace {

constexpr int kMajorVersion = 1;
constexpr std::string_view kLabels = "labels";

// Å of a unit of length as OME-Zarr spells them (UDUNITS-2 names); 0 for what is none.
double angstroms(std::string_view unit) {
  struct Unit {
    std::string_view name;
    double angstroms;
  };
  static constexpr Unit kUnits[] = {{"angstrom", 1},     {"picometer", 1e-2}, {"nanometer", 10},
                                    {"micrometer", 1e4}, {"millimeter", 1e7}, {"meter", 1e10}};
  const auto* const found = std::ranges::find(kUnits, unit, &Unit::name);
  return found == std::end(kUnits) ? 0 : found->angstroms;
}

// How long objects are, by the dataset's own index of them: no request where its root came along.
zarr::ObjectLengths lengths_of(const std::shared_ptr<storage::Storage>& root,
                               const metadata::Metadata& manifest, const Context& context) {
  if (manifest.chunks.num_chunks == 0) return {};
  const metadata::ObjectInfo& info = manifest.object(metadata::kChunkIndex);
  const index::BTree tree = info.root.empty()
                                ? index::BTree::open(root, info.path, context)
                                : index::BTree(index::object_pages(root, info.path), info.root);
  return [tree](std::span<const std::string> keys, const Context& reading) {
    std::vector<index::KeyRange> wanted;
    wanted.reserve(keys.size());
    for (const std::string& key : keys) wanted.push_back(index::KeyRange::exactly(key));
    std::unordered_map<std::string, std::uint64_t> known;
    for (const index::BTree::Row& row : tree.find(wanted, reading))
      known.emplace(row.key, row.columns.at(0));
    std::vector<std::optional<std::uint64_t>> lengths(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (const auto found = known.find(keys[i]); found != known.end()) lengths[i] = found->second;
    }
    return lengths;
  };
}

std::vector<double> in_angstroms(const std::vector<zarr::Axis>& axes,
                                 const std::vector<double>& values) {
  std::vector<double> lengths(axes.size(), 0);
  for (std::size_t axis = 0; axis < std::min(axes.size(), values.size()); ++axis) {
    lengths[axis] = values[axis] * angstroms(axes[axis].unit);
  }
  return lengths;
}

bool is_channel(const zarr::Axis& axis) { return axis.type == "channel" || axis.name == "c"; }

// What the axes of somebody else's image say about it.
em::Kind kind_of_axes(const std::vector<zarr::Axis>& axes) {
  if (axes.size() < 3) return em::Kind::stack;
  const zarr::Axis& slowest = axes[axes.size() - 3];
  if (slowest.type == "time" || slowest.name == "t") return em::Kind::movie;
  if (slowest.name == "n" || is_channel(slowest)) return em::Kind::stack;
  const bool more = axes.size() > 3 && axes[axes.size() - 4].name == "n";
  return more ? em::Kind::volume_stack : em::Kind::volume;
}

// A bare array is an image of one level; its axes are named by their order where nobody named them.
zarr::Multiscale image_of(const zarr::Array& array) {
  static constexpr std::array<std::string_view, 5> kNames = {"c", "n", "z", "y", "x"};
  const std::size_t dimensions = array.shape().size();
  if (dimensions < 2 || dimensions > kNames.size()) {
    throw Error(Errc::unsupported, "open", array.uri(),
                fmt::format("an array of {} dimensions; an image has 2 to 5", dimensions));
  }
  zarr::Multiscale image;
  const std::vector<std::string>& names = array.metadata().dimension_names;
  for (std::size_t axis = 0; axis < dimensions; ++axis) {
    std::string name(kNames[kNames.size() - dimensions + axis]);
    if (axis < names.size() && !names[axis].empty()) name = names[axis];
    const bool space = axis + 3 >= dimensions && (name == "z" || name == "y" || name == "x");
    image.axes.push_back({.name = std::move(name), .type = space ? "space" : "", .unit = {}});
  }
  image.levels.push_back({.path = {},
                          .scale = std::vector<double>(dimensions, 1),
                          .translation = std::vector<double>(dimensions, 0)});
  return image;
}

}  // namespace

struct Volume::Impl {
  std::shared_ptr<storage::Storage> storage;
  std::optional<metadata::Committed> committed;
  std::optional<Custom> custom;
  zarr::Multiscale image;
  std::vector<zarr::Array> levels;
  em::Kind kind = em::Kind::volume;

  void open_group(const zarr::Group& group, const Context& context);
  void check() const;
};

void Volume::Impl::open_group(const zarr::Group& group, const Context& context) {
  const std::string uri = storage->uri(group.path);
  const auto found = zarr::parse_multiscale(group.attributes, uri);
  if (!found) {
    throw Error(Errc::unsupported, "open", uri, "a Zarr group without an image (multiscales)",
                "name the group or the array of one image");
  }
  image = *found;
  if (!group.document.is_null()) {
    committed = metadata::committed_in(group.document, group.etag, uri);
  }
  if (committed) {
    metadata::require_format(committed->metadata, kFormat, kMajorVersion, uri);
    custom = parse_custom(committed->metadata.custom, uri);
  }
  kind = custom ? custom->kind : kind_of_axes(image.axes);
  zarr::ObjectLengths lengths;
  if (committed) lengths = lengths_of(storage, committed->metadata, context);
  for (const zarr::Level& level : image.levels) {
    zarr::Array array = group.array(level.path, context);
    levels.push_back(lengths ? array.with_lengths(lengths) : std::move(array));
  }
  check();
}

void Volume::Impl::check() const {
  const auto refuse = [this](std::string_view why) {
    throw Error(Errc::corrupt_data, "open", storage->uri(), why);
  };
  if (levels.empty()) refuse("an image without levels");
  if (image.axes.size() < 2) refuse("an image has two axes at least");
  for (const zarr::Array& array : levels) {
    if (array.shape().size() != image.axes.size()) {
      refuse(fmt::format("an array of {} axes in an image of {}", array.shape().size(),
                         image.axes.size()));
    }
    if (array.metadata().type != levels.front().metadata().type) {
      refuse("levels of different data types");
    }
  }
  if (custom && custom->statistics.size() != levels.size()) {
    refuse(fmt::format("statistics of {} levels, and {} levels", custom->statistics.size(),
                       levels.size()));
  }
}

Volume Volume::open(std::shared_ptr<storage::Storage> root, const Context& context) {
  auto impl = std::make_shared<Impl>();
  impl->storage = std::move(root);
  if (const auto group = zarr::Group::try_open(impl->storage, "", context)) {
    impl->open_group(*group, context);
  } else {
    impl->levels.push_back(zarr::Array::open(impl->storage, "", context));
    impl->image = image_of(impl->levels.front());
    impl->kind = kind_of_axes(impl->image.axes);
  }
  Volume volume;
  volume.impl_ = std::move(impl);
  return volume;
}

const metadata::Committed* Volume::committed() const noexcept {
  return impl_->committed ? &*impl_->committed : nullptr;
}

const Custom* Volume::custom() const noexcept { return impl_->custom ? &*impl_->custom : nullptr; }

const zarr::Multiscale& Volume::image() const noexcept { return impl_->image; }

em::Kind Volume::kind() const noexcept { return impl_->kind; }

std::size_t Volume::levels() const noexcept { return impl_->levels.size(); }

const zarr::Array& Volume::level(std::size_t level) const {
  if (level >= impl_->levels.size()) {
    throw Error(
        Errc::invalid_argument, "read", impl_->storage->uri(),
        fmt::format("there is no level {}: levels are 0 to {}", level, impl_->levels.size() - 1));
  }
  return impl_->levels[level];
}

DataType Volume::type() const noexcept { return impl_->levels.front().metadata().type; }

std::vector<double> Volume::voxel(std::size_t level) const {
  (void)this->level(level);  // refuses one that is not there
  return in_angstroms(impl_->image.axes, impl_->image.levels[level].scale);
}

std::vector<double> Volume::origin(std::size_t level) const {
  (void)this->level(level);
  return in_angstroms(impl_->image.axes, impl_->image.levels[level].translation);
}

std::optional<std::vector<Statistics>> Volume::statistics() const {
  if (!impl_->custom) return std::nullopt;
  return impl_->custom->statistics;
}

const std::shared_ptr<storage::Storage>& Volume::storage() const noexcept { return impl_->storage; }

std::vector<std::string> Volume::labels(const Context& context) const {
  if (impl_->custom) return impl_->custom->labels;
  try {
    const auto group = zarr::Group::open(impl_->storage, std::string(kLabels), context);
    return zarr::parse_labels(group.attributes, impl_->storage->uri(kLabels));
  } catch (const Error& error) {
    if (error.code() != Errc::not_found) throw;
    return {};
  }
}

Volume Volume::label(std::string_view name, const Context& context) const {
  const std::vector<std::string> names = labels(context);
  if (std::ranges::find(names, name) == names.end()) {
    throw Error(
        Errc::not_found, "open", impl_->storage->uri(), fmt::format("no label \"{}\"", name),
        names.empty() ? "it has no labels" : fmt::format("its labels: {}", fmt::join(names, ", ")));
  }
  return open(storage::prefixed(impl_->storage, fmt::format("{}/{}", kLabels, name)), context);
}

std::optional<std::size_t> Volume::depth_axis() const noexcept {
  const std::vector<zarr::Axis>& axes = impl_->image.axes;
  for (std::size_t axis = axes.size() - 2; axis-- > 0;) {
    if (!is_channel(axes[axis])) return axis;
  }
  return std::nullopt;
}

Query Volume::whole(std::size_t level) const {
  const Shape& shape = this->level(level).shape();
  const auto depth = depth_axis();
  return {.width = shape[shape.size() - 1],
          .height = shape[shape.size() - 2],
          .depth = depth ? shape[*depth] : 1};
}

Box Volume::box_of(const Query& query, std::size_t level) const {
  const Shape& shape = this->level(level).shape();
  Box box = Box::of(shape);
  const auto narrow = [&](std::optional<std::size_t> axis, std::string_view name,
                          std::uint64_t from, std::uint64_t count) {
    const std::uint64_t size = axis ? shape[*axis] : 1;
    if (count == 0 || from >= size || count > size - from) {
      throw Error(Errc::invalid_argument, "read", impl_->storage->uri(),
                  fmt::format("{} {} to {} is not within level {}, which has {} along {}", name,
                              from, from + count, level, size, name));
    }
    if (axis) {
      box.begin[*axis] = from;
      box.end[*axis] = from + count;
    }
  };
  const std::size_t x = shape.size() - 1;
  narrow(x, "x", query.x, query.width);
  narrow(x - 1, "y", query.y, query.height);
  narrow(depth_axis(), "z", query.z, query.depth);
  return box;
}

void Volume::read(const Query& query, MutableByteSpan into, std::size_t level,
                  const zarr::ReadOptions& options, const Context& context) const {
  this->level(level).read(box_of(query, level), into, options, context);
}

Buffer Volume::read(const Query& query, std::size_t level, const zarr::ReadOptions& options,
                    const Context& context) const {
  const Box box = box_of(query, level);
  Buffer values(box.shape().elements() * size_of(type()));
  this->level(level).read(box, values.span(), options, context);
  return values;
}

}  // namespace cnf::cryoem
