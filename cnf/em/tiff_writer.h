// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"

namespace cnf::em {

struct TiffOptions {
  enum class Packing : std::uint8_t { none, deflate };
  Packing packing = Packing::deflate;  ///< With differences along rows for integers to 32 bits.
  std::array<double, 3> voxel = {};    ///< Å along z, y, x; 0: not told.
  bool volume = false;                 ///< The pages are planes of one volume, to ImageJ too.
};

/// Writes images as a TIFF file, a page each, front to back: it can go to a pipe. BigTIFF where the
/// file could pass 4 GiB. Little-endian; strips of about 1 MiB; voxel sizes as resolutions a
/// centimetre, and for volumes in ImageJ's words. Rows are not turned over (see RELION's and
/// IMOD's convention at open_source).
///
/// Memory: one page, compressed. Threads: one at a time. Source: TIFF 6.0 (Adobe, 1992), and its
/// Technical Notes for deflate (Compression 8) and BigTIFF.
class TiffWriter {
 public:
  using Sink = std::function<void(ByteSpan)>;

  /// \param shape  pages, rows, columns. Throws Error invalid_argument (an axis is empty or beyond
  /// 2^32 - 1), unsupported (complex values).
  TiffWriter(Sink sink, DataType type, const Shape& shape, const TiffOptions& options);
  ~TiffWriter();
  TiffWriter(const TiffWriter&) = delete;
  TiffWriter& operator=(const TiffWriter&) = delete;

  /// The next elements in C order, little-endian, in pieces of any size. Throws Error
  /// invalid_argument beyond the last, and what the sink throws.
  void write(ByteSpan values);
  /// Throws Error invalid_argument unless all elements have come.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cnf::em
