// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"

namespace cnf::em {

/// Of all values, as the header has them: rms is the deviation from the mean.
struct MrcStatistics {
  double min = 0, max = 0, mean = 0, rms = 0;
};

/// What a new MRC2014 file says.
struct MrcOutput {
  /// Kind, shape, axes, type, voxel and origin count; the rest is not looked at.
  SourceInfo info;
  std::optional<MrcStatistics> statistics = {};  ///< None: marked as not determined.
  /// MODE; none: the one that holds every value of the type (uint8 is widened to mode 6, for mode 0
  /// is signed). Values are converted, and one that does not fit is an error.
  std::optional<std::int32_t> mode = {};
  std::vector<std::string> labels = {};  ///< At most 10, of at most 80 characters.
};

/// Writes an MRC file front to back: the caller is told which box comes next in the file's order,
/// reads it from wherever it is, and hands it over. Memory: a box, twice. Threads: one at a time.
class MrcWriter {
 public:
  /// Takes the file's bytes, in order.
  using Sink = std::function<void(ByteSpan)>;

  /// A new file: little-endian, axes x, y, z, volumes with ISPG 1, stacks, series and movies with
  /// 0, stacks of volumes with 401. Throws Error invalid_argument (the type has no mode; it does
  /// not become `mode`), unsupported (a dimension beyond 2^31 - 1).
  MrcWriter(const MrcOutput& output, Sink sink);
  /// The file that `attachments` are of, byte for byte if its values are: byte order, order of
  /// axes, extended header, tail. Throws Error invalid_argument unless is_copy_of holds.
  MrcWriter(std::span<const Attachment> attachments, const SourceInfo& info, Sink sink);
  ~MrcWriter();
  MrcWriter(const MrcWriter&) = delete;
  MrcWriter& operator=(const MrcWriter&) = delete;

  /// The box that comes next: whole sections or rows of the file of at most `max_bytes` in memory
  /// (at least a row), ending with a chunk's end along the file's slowest axis where it can. Empty
  /// (Box{}) at the end.
  [[nodiscard]] Box next(std::uint64_t max_bytes, const Shape& chunk = {});
  /// The elements of that box: C order, little-endian, of `info.type`.
  void write(ByteSpan elements);
  /// Writes what follows the data. Throws Error invalid_argument if a box is missing.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Whether `attachments` (of a source or a dataset) have an MRC header that suits an array of this
/// kind, shape and type, so that a copy can be exact.
[[nodiscard]] bool is_copy_of(std::span<const Attachment> attachments, const SourceInfo& info);

/// The mode that a new file of this type gets; nullopt where none holds all its values.
/// \param components  of the axis `c`: 2 for complex integers, 3 for colours, else 1.
[[nodiscard]] std::optional<std::int32_t> mrc_mode_of(DataType type,
                                                      std::uint64_t components = 1) noexcept;

}  // namespace cnf::em
