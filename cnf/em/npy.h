// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/input_file.h"
#include "cnf/em/source.h"

namespace cnf::em {

/// What a NumPy file (.npy, versions 1 to 3) begins with. Source: numpy/lib/format.py.
struct NpyHeader {
  DataType type = DataType::float32;
  bool big_endian = false;
  bool fortran_order = false;  ///< The first axis varies fastest.
  Shape shape;
  std::size_t data_offset = 0;
};

[[nodiscard]] bool looks_like_npy(ByteSpan file) noexcept;

/// Throws Error corrupt_data (no NumPy file; the file ends before its data), unsupported (records,
/// objects, texts; more than kMaxDimensions axes).
[[nodiscard]] NpyHeader parse_npy_header(ByteSpan file, std::string_view subject);

/// An array of 2 (one image), 3 (a volume, unless `options.kind` says else) or 4 axes (volumes).
/// Throws Error as parse_npy_header does, and invalid_argument if the array does not suit the kind.
[[nodiscard]] std::unique_ptr<Source> open_npy(InputFile file, const SourceOptions& options = {});

}  // namespace cnf::em
