// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/tiff_writer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <libdeflate.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/tiff_directory_internal.h"

namespace cnf::em {
namespace {

using Compressor = std::unique_ptr<libdeflate_compressor, decltype(&libdeflate_free_compressor)>;

constexpr std::uint64_t kStripBytes = std::uint64_t{1} << 20U;
constexpr int kDeflateLevel = 6;
constexpr std::uint16_t kNone = 1, kDeflate = 8;  // Compression

/// Each value less the one before it in its row (Predictor 2), in place, modulo its width.
template <typename T>
void difference(MutableByteSpan row) {
  T before = 0;
  for (std::size_t i = 0; i != row.size(); i += sizeof(T)) {
    T value = 0;
    std::memcpy(&value, row.data() + i, sizeof(T));
    const T less = static_cast<T>(value - before);
    std::memcpy(row.data() + i, &less, sizeof(T));
    before = value;
  }
}

std::uint16_t sample_format(DataType type) {
  if (is_floating(type)) return 3;
  return to_string(type).starts_with("int") ? 2 : 1;
}

}  // namespace

struct TiffWriter::Impl {
  Impl(Sink sink, DataType type, const Shape& shape, const TiffOptions& options);

  void take(ByteSpan values);
  void end_strip();
  void end_page();
  [[nodiscard]] bool differs() const {
    return options.packing == TiffOptions::Packing::deflate && is_integer(type) &&
           size_of(type) <= 4;
  }
  /// \param first_strip  where the page's data will lie.
  [[nodiscard]] TiffDirectory directory(std::uint64_t first_strip) const;
  [[nodiscard]] std::string description() const;

  Sink sink;
  DataType type;
  std::uint64_t pages, rows, columns;
  TiffOptions options;
  std::uint64_t row_bytes = 0, page_bytes = 0, rows_per_strip = 0;
  bool big = false;
  Compressor compressor{nullptr, &libdeflate_free_compressor};
  std::uint64_t position = 0;  // in the file
  std::uint64_t page = 0;
  std::uint64_t taken = 0;                 // bytes of this page's values
  Buffer strip;                            // values of the strip that is under way
  Buffer data;                             // the page's strips, as they will be stored
  std::vector<std::uint64_t> strip_sizes;  // of `data`
};

TiffWriter::Impl::Impl(Sink to, DataType value_type, const Shape& shape, const TiffOptions& given)
    : sink(std::move(to)),
      type(value_type),
      pages(shape[0]),
      rows(shape[1]),
      columns(shape[2]),
      options(given) {
  if (is_complex(type)) {
    throw Error(Errc::unsupported, "write", "TIFF", "it has no complex values");
  }
  for (const std::uint64_t count : shape) {
    if (count == 0 || count > UINT32_MAX) {
      throw Error(Errc::invalid_argument, "write", "TIFF",
                  fmt::format("it has no place for {} voxels", to_string(shape)));
    }
  }
  row_bytes = columns * size_of(type);
  page_bytes = row_bytes * rows;
  rows_per_strip = std::clamp<std::uint64_t>(kStripBytes / row_bytes, 1, rows);
  if (options.packing == TiffOptions::Packing::deflate) {
    compressor.reset(libdeflate_alloc_compressor(kDeflateLevel));
  }
  // Deflate adds at most 5 bytes to 16 KiB; a directory has two offsets a strip, and some fields.
  const std::uint64_t strips = (rows + rows_per_strip - 1) / rows_per_strip;
  const double most = static_cast<double>(pages) * (static_cast<double>(page_bytes) * 1.001 +
                                                    static_cast<double>(strips) * 64 + 4096);
  big = most >= static_cast<double>(UINT32_MAX);
  const Buffer header = tiff_header(big);
  sink(header);
  position = header.size();
}

std::string TiffWriter::Impl::description() const {
  // The unit is that of the resolutions' own tag, so that no reader is told two things.
  std::string text =
      fmt::format("ImageJ=1.54\nimages={}\nslices={}\nunit=cm\nloop=false\n", pages, pages);
  if (options.voxel[0] > 0) text += fmt::format("spacing={:.9g}\n", options.voxel[0] / 1e8);
  return text;
}

TiffDirectory TiffWriter::Impl::directory(std::uint64_t first_strip) const {
  TiffDirectory fields(big);
  fields.add(256, static_cast<std::uint32_t>(columns));
  fields.add(257, static_cast<std::uint32_t>(rows));
  fields.add(258, static_cast<std::uint16_t>(size_of(type) * 8));
  fields.add(259, compressor ? kDeflate : kNone);
  fields.add(262, std::uint16_t{1});  // photometric: 0 is black
  if (options.volume && page == 0) fields.add(270, description());
  std::vector<std::uint64_t> offsets;
  for (const std::uint64_t size : strip_sizes) {
    offsets.push_back(first_strip);
    first_strip += size;
  }
  fields.add_offsets(273, offsets);
  fields.add(277, std::uint16_t{1});  // samples a pixel
  fields.add(278, static_cast<std::uint32_t>(rows_per_strip));
  fields.add_offsets(279, strip_sizes);
  if (options.voxel[1] > 0 && options.voxel[2] > 0) {
    fields.add_rational(282, 1e8 / options.voxel[2]);
    fields.add_rational(283, 1e8 / options.voxel[1]);
    fields.add(296, std::uint16_t{3});  // a centimetre
  }
  fields.add(305, std::string_view("cnf"));
  fields.add(317, static_cast<std::uint16_t>(differs() ? 2 : 1));
  fields.add(339, sample_format(type));
  return fields;
}

void TiffWriter::Impl::end_strip() {
  if (!compressor) {
    data.append(strip);
    strip_sizes.push_back(strip.size());
  } else {
    for (std::size_t at = 0; differs() && at != strip.size(); at += row_bytes) {
      const MutableByteSpan row = strip.span().subspan(at, row_bytes);
      if (size_of(type) == 1) difference<std::uint8_t>(row);
      if (size_of(type) == 2) difference<std::uint16_t>(row);
      if (size_of(type) == 4) difference<std::uint32_t>(row);
    }
    const std::size_t begin = data.size();
    const MutableByteSpan room =
        data.extend(libdeflate_zlib_compress_bound(compressor.get(), strip.size()));
    const std::size_t size = libdeflate_zlib_compress(compressor.get(), strip.data(), strip.size(),
                                                      room.data(), room.size());
    data.resize(begin + size);
    strip_sizes.push_back(size);
  }
  strip.clear();
}

void TiffWriter::Impl::end_page() {
  // What is in the directory does not change its size.
  const TiffDirectory fields = directory(position + directory(0).size());
  const std::uint64_t size = (data.size() + 7) / 8 * 8;
  const std::uint64_t end = position + fields.size() + size;
  ++page;
  sink(fields.bytes(position, page == pages ? 0 : end));
  pad(data, size);
  sink(data);
  position = end;
  data.clear();
  strip_sizes.clear();
  taken = 0;
}

void TiffWriter::Impl::take(ByteSpan values) {
  while (!values.empty()) {
    if (page == pages) {
      throw Error(Errc::invalid_argument, "write", "TIFF", "more voxels come than it has");
    }
    const std::uint64_t wanted =
        std::min(rows_per_strip * row_bytes - strip.size(), page_bytes - taken);
    const ByteSpan piece = values.first(std::min<std::uint64_t>(wanted, values.size()));
    strip.append(piece);
    taken += piece.size();
    values = values.subspan(piece.size());
    if (piece.size() == wanted) end_strip();
    if (taken == page_bytes) end_page();
  }
}

TiffWriter::TiffWriter(Sink sink, DataType type, const Shape& shape, const TiffOptions& options) {
  if (shape.size() != 3) {
    throw Error(Errc::invalid_argument, "write", "TIFF", "its pages have two axes each");
  }
  impl_ = std::make_unique<Impl>(std::move(sink), type, shape, options);
}

TiffWriter::~TiffWriter() = default;

void TiffWriter::write(ByteSpan values) { impl_->take(values); }

void TiffWriter::finish() {
  if (impl_->page != impl_->pages) {
    throw Error(Errc::invalid_argument, "write", "TIFF", "its last voxels have not come");
  }
}

}  // namespace cnf::em
