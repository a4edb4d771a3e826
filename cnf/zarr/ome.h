// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {

struct Axis {
  std::string name;       ///< "z"
  std::string type = {};  ///< "space", "time", "channel", or a custom one; may be empty.
  std::string unit = {};  ///< "angstrom"; may be empty.
  bool operator==(const Axis&) const = default;
};

/// A level of a pyramid: where it lies, and how its indices become physical coordinates
/// (index × scale + translation, per axis, in the axes' units).
struct Level {
  std::string path;
  std::vector<double> scale;
  std::vector<double> translation;  ///< Zeros where none is told.
};

/// How viewers show intensities: OME's `omero` window.
struct Window {
  double min = 0, max = 0, start = 0, end = 0;
};

/// An image at several resolutions, as OME-Zarr 0.4, 0.5 and 0.6 say it, the finest level first.
struct Multiscale {
  std::string name = {};
  std::vector<Axis> axes = {};
  std::vector<Level> levels = {};
  std::string downscaling = {};  ///< `type`: "mean", "mode"; may be empty.
  std::optional<Window> window = {};
};

/// \param attributes  of the group: `ome` within (0.5, 0.6), or `multiscales` at the top (0.4,
/// 0.3). The first image of several. nullopt if the group is no multiscale image. Throws Error
/// corrupt_data; unsupported for what is no scale and translation (rotations, affine matrices) and
/// for 0.2 and before, whose axes are not told. Source: ngff.openmicroscopy.org/0.4, /0.5, and
/// RFC 5 for 0.6, of which the system of coordinates that the levels lead to is read.
[[nodiscard]] std::optional<Multiscale> parse_multiscale(const nlohmann::json& attributes,
                                                         std::string_view subject);
/// The `ome` attribute of version 0.5.
[[nodiscard]] nlohmann::json to_json(const Multiscale& image);

/// The `ome` attribute of an image of labels in `labels/NAME` of the image that it labels.
[[nodiscard]] nlohmann::json label_json(const Multiscale& labels);
/// The `ome` attribute of the group `labels`, and the names in the attributes of one: `ome` within,
/// or at the top (0.4). Throws Error corrupt_data with `subject`.
[[nodiscard]] nlohmann::json labels_json(const std::vector<std::string>& names);
[[nodiscard]] std::vector<std::string> parse_labels(const nlohmann::json& attributes,
                                                    std::string_view subject);

/// A group that was opened, whatever version: its attributes, and the metadata of nodes below it
/// that came along (consolidated).
struct Group {
  std::shared_ptr<const storage::Storage> storage;
  std::string path;  ///< "" at the store's root.
  int zarr_format = 3;
  nlohmann::json attributes;
  nlohmann::json document;  ///< All of zarr.json; null for v2.
  std::string etag;         ///< Of the object that holds it; empty for v2.
  std::vector<std::pair<std::string, ArrayMetadata>> nodes;

  /// One request for v3; for v2 one more round trip: .zgroup, .zattrs and .zmetadata at once.
  /// Throws Error not_found, corrupt_data, unsupported.
  [[nodiscard]] static Group open(std::shared_ptr<const storage::Storage> storage,
                                  const std::string& path, const Context& context = {});
  /// nullopt where there is no group, but perhaps an array.
  [[nodiscard]] static std::optional<Group> try_open(
      std::shared_ptr<const storage::Storage> storage, const std::string& path,
      const Context& context = {});
  /// The array below it; no request if its metadata came along.
  [[nodiscard]] Array array(const std::string& name, const Context& context = {}) const;
};

}  // namespace cnf::zarr
