// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/statistics.h"

namespace cnf::cryoem {

inline constexpr std::string_view kFormat = "CryoEM";
inline constexpr std::string_view kVersion = "1.0.0";
/// Everything of ours that is no Zarr node lies here: readers of Zarr ignore names with "__".
inline constexpr std::string_view kExtras = "__cnf/";

/// The manifest's `custom` section: what the format knows beyond OME-Zarr.
struct Custom {
  em::Kind kind = em::Kind::volume;
  std::vector<Statistics> statistics = {};  ///< One a level.
  /// Of level 0, in even classes, for plots; of large images of every eighth row only.
  struct {
    double low = 0, high = 0;
    std::vector<std::uint64_t> counts = {};
  } histogram = {};
  nlohmann::json source = nlohmann::json::object();  ///< The input's header fields and identity.
  std::optional<int> keep_bits = {};
  std::optional<DataType> converted_from = {};
  bool flipped_y = false;
  std::vector<double> tilts = {};
  std::vector<std::string> labels = {};
  std::vector<std::string> points = {};
  nlohmann::json unknown = nlohmann::json::object();  ///< Fields of a later version, kept.
};
[[nodiscard]] nlohmann::json to_json(const Custom& custom);
/// Throws Error corrupt_data with `subject`.
[[nodiscard]] Custom parse_custom(const nlohmann::json& custom, std::string_view subject);

/// The names of objects in the manifest (ObjectInfo::name).
inline constexpr std::string_view kStatisticsObject = "statistics";  ///< index::BTree, see SPEC.md
/// An attachment of the source is "attachment/NAME"; points are "points/NAME" and their
/// "rtree/NAME".

}  // namespace cnf::cryoem
