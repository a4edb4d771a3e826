// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/formats/cryoem/extract.h"
#include "cnf/formats/cryoem/extract_plan_internal.h"

namespace cnf::cryoem {

/// How the voxels of a box become those that are written.
struct BoxRecipe {
  DataType from = DataType::float32;  ///< Not complex.
  DataType to = DataType::float32;    ///< `from`, or float32.
  Extent raw{};                       ///< Voxels of a box before binning; a multiple of `out`.
  Extent out{};
  Padding padding = Padding::fill;
  double fill = 0;
  ExtractOptions::Intensities intensities = ExtractOptions::Intensities::as_they_are;
  ExtractOptions::Contrast contrast = ExtractOptions::Contrast::kept;

  /// Anything that needs more than the voxels' own type.
  [[nodiscard]] bool computes() const noexcept;
  [[nodiscard]] std::uint64_t out_bytes() const noexcept;
};

/// Throws Error invalid_argument unless what pads is a value of the type that is written.
void check_fill(const BoxRecipe& recipe);

/// Makes a box. Pure.
/// \param raw     all its voxels before binning; only those of `inside` are looked at.
/// \param inside  the part within the volume, not empty.
/// \param out     exactly recipe.out_bytes().
void make_box(const BoxRecipe& recipe, const Inside& inside, ByteSpan raw, MutableByteSpan out);

}  // namespace cnf::cryoem
