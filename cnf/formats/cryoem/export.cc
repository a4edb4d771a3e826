// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/export.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/convert.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/mrc_writer.h"
#include "cnf/em/npy_writer.h"
#include "cnf/em/source.h"
#include "cnf/em/tiff_writer.h"
#include "cnf/formats/cryoem/box_stream.h"
#include "cnf/formats/cryoem/image_axes_internal.h"
#include "cnf/formats/cryoem/layout.h"
#include "cnf/formats/cryoem/statistics.h"
#include "cnf/formats/cryoem/volume.h"
#include "cnf/zarr/array.h"

namespace cnf::cryoem {
namespace {

using Sink = std::function<void(ByteSpan)>;

constexpr std::string_view kAttachment = "attachment/";
constexpr std::uint64_t kMaxAttachment = std::uint64_t{1} << 30;

// Turns the y axis of voxels over, in place.
void flip_rows(MutableByteSpan voxels, const Shape& shape, std::size_t element) {
  const std::size_t row = shape[shape.size() - 1] * element;
  const std::size_t rows = shape[shape.size() - 2];
  Buffer held(row);
  for (std::size_t image = 0; image + rows * row <= voxels.size(); image += rows * row) {
    for (std::size_t y = 0; y < rows / 2; ++y) {
      std::byte* const top = voxels.data() + image + y * row;
      std::byte* const bottom = voxels.data() + image + (rows - 1 - y) * row;
      std::memcpy(held.data(), top, row);
      std::memcpy(top, bottom, row);
      std::memcpy(bottom, held.data(), row);
    }
  }
}

/// One export under way.
class Export {
 public:
  Export(const Volume& volume, const ExportOptions& options, const Sink& sink,
         const Context& context)
      : volume_(volume), options_(options), sink_(sink), context_(context) {
    box_ = options.query ? volume.box_of(*options.query, options.level)
                         : Box::of(volume.level(options.level).shape());
  }

  void run() const {
    switch (options_.format) {
      case FileFormat::mrc:
        return write_mrc();
      case FileFormat::npy:
        sink_(as_bytes(em::npy_header(type(), box_.shape())));
        return write_voxels(sink_);
      case FileFormat::tiff:
        return write_tiff();
      case FileFormat::raw:
        return write_voxels(sink_);
    }
  }

 private:
  [[nodiscard]] DataType type() const { return options_.type.value_or(volume_.type()); }

  void write_voxels(const Sink& sink) const {
    const zarr::Array& array = volume_.level(options_.level);
    if (type() == volume_.type()) return stream_box(array, box_, sink, options_.stream, context_);
    Buffer converted;
    stream_box(
        array, box_,
        [&](ByteSpan voxels) {
          converted.resize(voxels.size() / size_of(volume_.type()) * size_of(type()));
          convert_elements(volume_.type(), voxels, type(), converted.span(), array.uri());
          sink(converted);
        },
        options_.stream, context_);
  }

  // Planes as pages, whatever stands in front of y and x.
  void write_tiff() const {
    const Shape shape = box_.shape();
    if (shape.size() < 2) {
      throw Error(Errc::unsupported, "export", volume_.level(options_.level).uri(),
                  "TIFF has pages of two axes");
    }
    const std::size_t y = shape.size() - 2;
    Shape pages{1, shape[y], shape[y + 1]};
    for (std::size_t axis = 0; axis < y; ++axis) pages[0] *= shape[axis];
    const std::vector<double> voxel = volume_.voxel(options_.level);
    const bool is_volume = volume_.kind() == em::Kind::volume && y == 1;
    em::TiffWriter writer(
        sink_, type(), pages,
        {.voxel = {is_volume ? voxel[0] : 0, voxel[y], voxel[y + 1]}, .volume = is_volume});
    write_voxels([&](ByteSpan voxels) { writer.write(voxels); });
    writer.finish();
  }

  // Whether all of a level 0 whose values are those of the file that was imported is wanted.
  [[nodiscard]] bool may_be_copy() const {
    const Custom* const custom = volume_.custom();
    return custom != nullptr && options_.level == 0 && !options_.query &&
           type() == volume_.type() && !custom->keep_bits && !custom->converted_from;
  }

  [[nodiscard]] std::vector<em::Attachment> attachments() const {
    std::vector<em::Attachment> all;
    for (const metadata::ObjectInfo& object : volume_.committed()->metadata.objects) {
      if (!object.name.starts_with(kAttachment)) continue;
      Buffer bytes = object.inlined.empty()
                         ? volume_.storage()->read_all(object.path, kMaxAttachment, context_).bytes
                         : Buffer::copy_of(object.inlined);
      if (bytes.size() != object.length || crc32c(bytes) != object.crc32c) {
        throw Error(Errc::corrupt_data, "export", volume_.storage()->uri(object.path),
                    "its length or CRC32C is not what the manifest says");
      }
      all.push_back({.name = object.name.substr(kAttachment.size()), .bytes = std::move(bytes)});
    }
    return all;
  }

  void write_mrc() const {
    const ImageAxes axes = image_axes(volume_, std::nullopt);
    const em::SourceInfo info = describe(volume_, axes, options_.level, box_);
    if (may_be_copy()) {
      const std::vector<em::Attachment> kept = attachments();
      if (em::is_copy_of(kept, info)) {
        em::MrcWriter writer(kept, info, sink_);
        return fill(writer, axes, volume_.custom()->flipped_y);
      }
    }
    em::MrcWriter writer(output_of(info), sink_);
    fill(writer, axes, false);
  }

  [[nodiscard]] em::MrcOutput output_of(const em::SourceInfo& info) const {
    em::MrcOutput output{.info = info};
    if (options_.type) output.mode = em::mrc_mode_of(*options_.type);
    if (options_.type && !output.mode) {
      throw Error(Errc::unsupported, "export", volume_.level(options_.level).uri(),
                  fmt::format("MRC has no mode for {}", to_string(*options_.type)),
                  "--dtype float32 is what every program reads");
    }
    const auto statistics = volume_.statistics();
    if (statistics && !options_.query) {
      const Statistics& known = (*statistics)[options_.level];
      output.statistics = {
          .min = known.min, .max = known.max, .mean = known.mean, .rms = known.deviation()};
    }
    return output;
  }

  void fill(em::MrcWriter& writer, const ImageAxes& axes, bool flipped) const {
    const zarr::Array& array = volume_.level(options_.level);
    const std::size_t element = size_of(volume_.type());
    const Shape& grid = array.metadata().inner_chunk();
    Shape chunk;
    for (const auto& axis : axes.of_array) chunk.push_back(axis ? grid[*axis] : 1);
    Buffer voxels;
    for (;;) {
      const Box next = writer.next(options_.stream.memory, chunk);
      if (next.end.size() == 0) break;
      const Box box = axes.box_of(mirrored(next, flipped), box_);
      voxels.resize(box.shape().elements() * element);
      array.read(box, voxels.span(), options_.stream.read, context_);
      if (flipped) flip_rows(voxels.span(), next.shape(), element);
      writer.write(voxels);
      if (options_.stream.progress != nullptr) options_.stream.progress->add(voxels.size(), 0);
    }
    writer.finish();
  }

  // The rows of the array that rows of the file came from.
  [[nodiscard]] Box mirrored(Box box, bool flipped) const {
    if (!flipped) return box;
    const std::size_t y = box.end.size() - 2;
    const std::size_t rows = box_.end.size() - 2;
    const std::uint64_t height = box_.end[rows] - box_.begin[rows];
    const std::uint64_t begin = height - box.end[y];
    box.end[y] = height - box.begin[y];
    box.begin[y] = begin;
    return box;
  }

  const Volume& volume_;
  const ExportOptions& options_;
  const Sink& sink_;
  const Context& context_;
  Box box_;
};

}  // namespace

std::optional<FileFormat> file_format_of(std::string_view name) noexcept {
  struct Ending {
    std::string_view text;
    FileFormat format;
  };
  static constexpr std::array kEndings{
      Ending{".mrc", FileFormat::mrc},  Ending{".map", FileFormat::mrc},
      Ending{".rec", FileFormat::mrc},  Ending{".ccp4", FileFormat::mrc},
      Ending{".mrcs", FileFormat::mrc}, Ending{".st", FileFormat::mrc},
      Ending{".npy", FileFormat::npy},  Ending{".raw", FileFormat::raw},
      Ending{".tif", FileFormat::tiff}, Ending{".tiff", FileFormat::tiff}};
  if (name.ends_with(".gz")) name.remove_suffix(3);
  const auto* const found = std::find_if(
      kEndings.begin(), kEndings.end(), [name](const Ending& e) { return name.ends_with(e.text); });
  if (found == kEndings.end()) return std::nullopt;
  return found->format;
}

void export_volume(const Volume& volume, const ExportOptions& options, const Sink& sink,
                   const Context& context) {
  Export(volume, options, sink, context).run();
}

}  // namespace cnf::cryoem
