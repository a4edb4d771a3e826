// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/storage/options.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/shape.h"

namespace cnf::em {

/// What the slowest axis of the data means.
enum class Kind : std::uint8_t {
  volume,  ///< z, y, x
  stack,   ///< n, y, x: images that have nothing to do with each other (particles, micrographs)
  tilt_series,   ///< t, y, x: one specimen, tilted
  movie,         ///< t, y, x: frames of an exposure
  volume_stack,  ///< n, z, y, x: subtomograms
};
[[nodiscard]] std::string_view to_string(Kind kind) noexcept;
/// nullopt for any other name.
[[nodiscard]] std::optional<Kind> kind_of(std::string_view name) noexcept;

/// Values of one element that are several numbers: an axis `c` in front (2: real and imaginary part
/// of MRC's mode 3; 3: red, green, blue of mode 16), as planes.
struct SourceInfo {
  Kind kind = Kind::volume;
  Shape shape = {};                    ///< Slowest first: [c,] [n or t,] [z,] y, x.
  std::vector<std::string> axes = {};  ///< Their names, one each.
  DataType type = DataType::float32;
  std::vector<double> voxel = {};   ///< Å along each axis; 0 where unknown or not of space.
  std::vector<double> origin = {};  ///< Å of the first voxel's centre along each axis.
  nlohmann::json fields = nlohmann::json::object();  ///< The file's header, for people.
  std::vector<double> tilts = {};  ///< Degrees, one a plane of a tilt series; may be empty.
};

/// Bytes of a file that are no voxels and that its exact copy needs: "mrc-header", "mrc-tail".
struct Attachment {
  std::string name;
  Buffer bytes;
};

/// A file of voxels, read anywhere. Values are given as they are, never scaled or flipped; axes are
/// put in the order of `SourceInfo::axes`. Threads: read() may be called concurrently.
class Source {
 public:
  virtual ~Source() = default;
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  [[nodiscard]] virtual const SourceInfo& info() const noexcept = 0;
  /// The elements of `box`, C order, little-endian, into exactly as many bytes.
  virtual void read(const Box& box, MutableByteSpan into, const Context& context) const = 0;
  [[nodiscard]] virtual std::vector<Attachment> attachments() const { return {}; }
  /// What tells this input from another, to resume an import: size, and CRC32C of the header.
  [[nodiscard]] virtual nlohmann::json identity() const = 0;
};

/// How electron events become images.
struct EerOptions {
  std::size_t frames = 40;  ///< Summed into an image, RELION's default; 0: all into one.
  unsigned upsampling = 1;  ///< Pixels along x and y for each of the camera: 1, 2 or 4.
};

struct SourceOptions {
  std::optional<Kind> kind = {};  ///< Instead of what the file seems to be.
  std::string format = {};        ///< "mrc", "tiff", "eer", "npy"; empty: by name and bytes.
  /// Where the tilts of a series are told: an .mdoc, .tlt or .rawtlt. Empty: beside the file, under
  /// its name.
  std::string tilts = {};
  EerOptions eer = {};
  storage::Options storage = {};
};

/// Opens a file by path or URI, whatever format of these it has. A local uncompressed file is
/// mapped (its pages are the system's); compressed ones, pipes and stores go through a temporary
/// file first. Throws Error not_found, corrupt_data, unsupported.
[[nodiscard]] std::unique_ptr<Source> open_source(const std::string& uri,
                                                  const SourceOptions& options = {},
                                                  const Context& context = {});

}  // namespace cnf::em
