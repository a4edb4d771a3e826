// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/formats/cryoem/box_stream.h"
#include "cnf/formats/cryoem/volume.h"

namespace cnf::cryoem {

enum class FileFormat : std::uint8_t {
  mrc,   ///< MRC2014, `.mrc`, `.map`, `.rec`, `.mrcs`, `.st`
  npy,   ///< NumPy
  tiff,  ///< A page a plane, deflated; `.tif`, `.tiff`
  raw,   ///< The voxels alone: C order, little-endian.
};
/// By the name's ending, which may be followed by ".gz"; nullopt for any other.
[[nodiscard]] std::optional<FileFormat> file_format_of(std::string_view name) noexcept;

struct ExportOptions {
  FileFormat format = FileFormat::mrc;
  std::size_t level = 0;
  std::optional<Query> query = {};    ///< Of that level; else all of it.
  std::optional<DataType> type = {};  ///< Converts (rounds half to even, refuses overflow).
  StreamOptions stream = {};
};

/// Writes voxels as a file, front to back, in bounded memory (options.stream.memory, and what reads
/// hold). All of level 0 of an MRC file that was imported as it was comes back byte for byte: its
/// header, its axes, its byte order. Of all else the header is made anew and says what is known of
/// voxel size, origin and statistics.
/// Throws Error unsupported for a type that the format does not have, and as zarr::Array::read.
void export_volume(const Volume& volume, const ExportOptions& options,
                   const std::function<void(ByteSpan)>& sink, const Context& context = {});

}  // namespace cnf::cryoem
