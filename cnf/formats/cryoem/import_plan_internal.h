// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/util/data_type.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/import.h"
#include "cnf/formats/cryoem/levels_internal.h"
#include "cnf/formats/cryoem/pyramid_internal.h"
#include "cnf/zarr/metadata.h"
#include "cnf/zarr/ome.h"

namespace cnf::cryoem {

/// All that an import does with the voxels, decided before the first of them is read.
struct ImportPlan {
  DataType type = DataType::float32;         ///< Of what is written.
  DataType source_type = DataType::float32;  ///< Of what is read.
  Downscaling downscaling = Downscaling::mean;
  PyramidShape pyramid = {};
  std::vector<LevelPlan> levels = {};
  std::string codec = {};                        ///< Its name for people.
  std::vector<zarr::ArrayMetadata> arrays = {};  ///< One a level.
  std::optional<int> keep_bits = {};
  bool flip_y = false;

  [[nodiscard]] std::uint64_t voxels() const { return pyramid.array.elements(); }
  /// What must be the same for an import to be taken up.
  [[nodiscard]] nlohmann::json options_json() const;
};

/// Throws Error invalid_argument or unsupported for what cannot be.
[[nodiscard]] ImportPlan plan_import(const em::SourceInfo& source, const ImportOptions& options);

/// What OME-Zarr says of the image. \param prefix  of the arrays' paths: "" or "ID/".
[[nodiscard]] zarr::Multiscale describe_image(const em::SourceInfo& source, const ImportPlan& plan,
                                              const std::string& name, const std::string& prefix);

}  // namespace cnf::cryoem
