// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/em/input_file.h"
#include "cnf/em/source.h"
#include "cnf/em/tiff_file_internal.h"

namespace cnf::em {

/// "II" or "MM", then 42 or 43 (BigTIFF).
[[nodiscard]] bool is_tiff(ByteSpan first_bytes) noexcept;

/// A TIFF file whose pages are grey images of one shape and type: integers of 8, 16, 32 and 64
/// bits, floats of 16, 32 and 64. Strips and tiles, either byte order, BigTIFF, and every
/// compression that libtiff has; reduced pages and masks are passed over. One page is a stack of
/// one image.
///
/// Rows are as they lie in the file: the first is y = 0, and Orientation is told in `fields` and
/// not applied. RELION and IMOD turn TIFF images over along y when they read them, whatever
/// Orientation says; here that is done on request only.
///
/// Uncompressed pages are read from the mapping; others are decoded once each, when they are first
/// needed, into a temporary file.
/// Throws Error corrupt_data, unsupported (colours, other widths), invalid_argument.
[[nodiscard]] std::unique_ptr<Source> open_tiff(InputFile file, const SourceOptions& options);

/// What a TIFF's tags and description tell about space.
struct TiffScale {
  std::optional<double> x, y, z;  ///< Å of a voxel, where they can be believed.
  Kind kind = Kind::stack;        ///< As ImageJ and OME describe the pages.
  std::uint64_t images = 0;       ///< ImageJ's count, which one directory may stand for.
};
/// Resolutions count if a pixel is below 10 µm: 72 dots per inch is nobody's microscope.
[[nodiscard]] TiffScale tiff_scale(const TiffFile& file);
/// A size that can be a microscope's, to seven digits; nullopt for others.
[[nodiscard]] std::optional<double> believed_pixel(double angstrom);

/// What tells this file from another: its size, and the CRC32C of its first and last 64 KiB, for
/// directories lie at either end.
[[nodiscard]] nlohmann::json identity_of(ByteSpan bytes, std::string_view format);

}  // namespace cnf::em
