// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <tiff.h>
#include <tiffio.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/input_file.h"
#include "cnf/em/plane_file_internal.h"
#include "cnf/em/planes_internal.h"
#include "cnf/em/source.h"
#include "cnf/em/tiff_file_internal.h"
#include "cnf/em/tiff_internal.h"

namespace cnf::em {
namespace {

/// What all pages have in common.
struct PageLayout {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  DataType type = DataType::uint8;

  [[nodiscard]] std::uint64_t row_bytes() const { return width * std::uint64_t{size_of(type)}; }
  [[nodiscard]] std::uint64_t bytes() const { return row_bytes() * height; }
  bool operator==(const PageLayout&) const = default;
};

struct Page {
  std::uint64_t directory = 0;           // where it lies in the file
  std::optional<std::uint64_t> at = {};  // of its rows, if they can be read as they lie
};

[[noreturn]] void unsupported(const std::string& subject, const std::string& why) {
  throw Error(Errc::unsupported, "read", subject, why,
              "write it as grey values of 8, 16 or 32 bits");
}

DataType type_of(const TiffFile& file, const std::string& subject) {
  const std::uint32_t samples = file.number(TIFFTAG_SAMPLESPERPIXEL, 1);
  if (samples != 1) {
    unsupported(subject, fmt::format("its pixels are {} values each, not one of grey", samples));
  }
  if (file.number(TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_PALETTE) {
    unsupported(subject, "its pixels are numbers of colours in a palette, not values of grey");
  }
  const std::uint32_t bits = file.number(TIFFTAG_BITSPERSAMPLE);
  const std::uint32_t format = file.number(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  std::string_view kind = "uint";
  if (format == SAMPLEFORMAT_INT) kind = "int";
  if (format == SAMPLEFORMAT_IEEEFP) kind = "float";
  const bool known = format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_INT ||
                     format == SAMPLEFORMAT_IEEEFP || format == SAMPLEFORMAT_VOID;
  const auto type = data_type(fmt::format("{}{}", kind, bits));
  if (!known || !type) {
    unsupported(subject, fmt::format("its values have {} bits (sample format {})", bits, format));
  }
  return *type;
}

/// No page and no part of one claims more than the file can hold, however well it is compressed.
std::uint64_t plausible_bytes(ByteSpan file) {
  constexpr std::uint64_t kAlways = std::uint64_t{64} << 20U;
  constexpr std::uint64_t kBestRatio = 4096;  // above deflate's 1,032 and LZW's 2,700
  return std::max(kAlways, kBestRatio * file.size());
}

PageLayout layout_of(const TiffFile& file, ByteSpan bytes, const std::string& subject) {
  PageLayout layout{.width = file.number(TIFFTAG_IMAGEWIDTH),
                    .height = file.number(TIFFTAG_IMAGELENGTH),
                    .type = type_of(file, subject)};
  if (layout.width == 0 || layout.height == 0) file.fail("a page is empty");
  const std::uint64_t most = plausible_bytes(bytes);
  // Divisions: a page of 2^32 by 2^32 values has more bytes than 64 bits count.
  if (layout.height > most / layout.row_bytes()) {
    throw Error(Errc::corrupt_data, "read", subject,
                fmt::format("a page claims {} x {} values, and the file has {} bytes", layout.width,
                            layout.height, bytes.size()));
  }
  const bool tiled = TIFFIsTiled(file.get()) != 0;
  const std::uint64_t piece = tiled ? TIFFTileSize64(file.get()) : TIFFStripSize64(file.get());
  if (piece == 0 || piece > most) file.fail("a tile's size is out of range");
  return layout;
}

/// Where a page's rows lie, one after the other and as they are; none if they have to be decoded.
std::optional<std::uint64_t> direct_at(const TiffFile& file, const PageLayout& layout,
                                       ByteSpan bytes) {
  const bool plain = file.number(TIFFTAG_COMPRESSION, COMPRESSION_NONE) == COMPRESSION_NONE &&
                     TIFFIsTiled(file.get()) == 0 &&
                     file.number(TIFFTAG_FILLORDER, FILLORDER_MSB2LSB) == FILLORDER_MSB2LSB;
  const std::uint32_t pieces = file.pieces();
  bool contiguous = plain;
  std::uint64_t size = 0;
  const std::byte* first = nullptr;
  for (std::uint32_t i = 0; i != pieces; ++i) {
    const ByteSpan stored = file.stored(i);  // of compressed ones too: it checks where they end
    if (i == 0) first = stored.data();
    contiguous = contiguous && stored.data() == first + size;
    size += stored.size();
  }
  // The last strip may be stored at full height.
  if (!contiguous || size < layout.bytes()) return std::nullopt;
  return static_cast<std::uint64_t>(first - bytes.data());
}

class TiffSource final : public Source {
 public:
  TiffSource(InputFile file, const SourceOptions& options);

  [[nodiscard]] const SourceInfo& info() const noexcept override { return info_; }
  void read(const Box& box, MutableByteSpan into, const Context& context) const override;
  [[nodiscard]] nlohmann::json identity() const override {
    return identity_of(file_.bytes(), "tiff");
  }

 private:
  void find_pages(TiffFile& file);
  void spread_imagej(const TiffScale& scale);
  void describe(const TiffFile& file, const TiffScale& scale, const SourceOptions& options);
  void decode(std::size_t page) const;
  void decode_strips(const TiffFile& file, std::size_t page) const;
  void decode_tiles(const TiffFile& file, std::size_t page) const;

  InputFile file_;
  PageLayout layout_;
  std::vector<Page> pages_;
  bool swapped_ = false;  // of pages that are read as they lie
  SourceInfo info_;
  std::unique_ptr<PlaneFile> decoded_;  // if any page has to be
  mutable TiffPool handles_;
};

TiffSource::TiffSource(InputFile file, const SourceOptions& options)
    : file_(std::move(file)), handles_(file_.bytes(), file_.name()) {
  auto first = handles_.take();
  const TiffScale scale = tiff_scale(*first);
  swapped_ = TIFFIsByteSwapped(first->get()) != 0;
  find_pages(*first);
  spread_imagej(scale);
  first->go_to(pages_.front().directory);
  describe(*first, scale, options);
  const bool any_coded = std::any_of(pages_.begin(), pages_.end(),
                                     [](const Page& page) { return !page.at.has_value(); });
  if (any_coded) {
    decoded_ = std::make_unique<PlaneFile>(pages_.size(), layout_.bytes(), file_.name());
    handles_.give(std::move(first));
  }
}

void TiffSource::find_pages(TiffFile& file) {
  std::size_t number = 0;
  do {
    ++number;
    if ((file.number(TIFFTAG_SUBFILETYPE) & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) != 0) continue;
    const PageLayout layout = layout_of(file, file_.bytes(), file_.name());
    if (pages_.empty()) layout_ = layout;
    if (layout != layout_) {
      throw Error(Errc::unsupported, "read", file_.name(),
                  fmt::format("page {} is {} x {} {}, those before it are {} x {} {}", number,
                              layout.width, layout.height, to_string(layout.type), layout_.width,
                              layout_.height, to_string(layout_.type)),
                  "put pages of one shape and type into a file");
    }
    pages_.push_back(
        {.directory = file.directory(), .at = direct_at(file, layout_, file_.bytes())});
  } while (file.advance());
  if (pages_.empty()) file.fail("it has reduced pages only");
}

/// Above 4 GiB ImageJ writes one directory, and the other images behind the first.
void TiffSource::spread_imagej(const TiffScale& scale) {
  if (pages_.size() != 1 || scale.images < 2 || !pages_.front().at) return;
  const Page first = pages_.front();
  const std::uint64_t room = (file_.bytes().size() - *first.at) / layout_.bytes();
  if (room < scale.images) {
    throw Error(Errc::corrupt_data, "read", file_.name(),
                fmt::format("it tells of {} images and has bytes for {}", scale.images, room),
                "it seems to be cut short: fetch it again");
  }
  for (std::uint64_t i = 1; i != scale.images; ++i) {
    pages_.push_back({.directory = first.directory, .at = *first.at + i * layout_.bytes()});
  }
}

void TiffSource::describe(const TiffFile& file, const TiffScale& scale,
                          const SourceOptions& options) {
  info_.kind = options.kind.value_or(scale.kind);
  info_.axes = {page_axis(info_.kind, file_.name()), "y", "x"};
  info_.shape = Shape{pages_.size(), layout_.height, layout_.width};
  info_.type = layout_.type;
  const double z = info_.kind == Kind::volume ? scale.z.value_or(0) : 0;
  info_.voxel = {z, scale.y.value_or(0), scale.x.value_or(0)};
  info_.origin = {0, 0, 0};
  const std::uint32_t compression = file.number(TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  const TIFFCodec* codec = TIFFFindCODEC(static_cast<std::uint16_t>(compression));
  info_.fields = {{"format", "tiff"},
                  {"big", TIFFIsBigTIFF(file.get()) != 0},
                  {"pages", pages_.size()},
                  {"compression", codec != nullptr ? codec->name : std::to_string(compression)},
                  {"orientation", file.number(TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT)},
                  {"photometric", file.number(TIFFTAG_PHOTOMETRIC)}};
  const std::pair<const char*, std::uint32_t> texts[] = {{"description", TIFFTAG_IMAGEDESCRIPTION},
                                                         {"software", TIFFTAG_SOFTWARE},
                                                         {"artist", TIFFTAG_ARTIST},
                                                         {"date_time", TIFFTAG_DATETIME}};
  for (const auto& [name, tag] : texts) {
    if (std::string text = file.text(tag); !text.empty()) info_.fields[name] = std::move(text);
  }
}

void TiffSource::read(const Box& box, MutableByteSpan into, const Context& context) const {
  check_within(box, info_.shape, file_.name());
  const std::size_t element = size_of(layout_.type);
  if (decoded_) {
    decoded_->need(box.begin[0], box.end[0], [&](std::size_t page) {
      context.check("read", file_.name());
      if (!pages_[page].at) decode(page);
    });
  }
  std::size_t at = 0;
  for (std::uint64_t i = box.begin[0]; i != box.end[0]; ++i) {
    const auto direct = pages_[i].at;
    const ByteSpan plane =
        direct ? file_.bytes().subspan(*direct, layout_.bytes()) : decoded_->plane(i);
    const std::size_t end = copy_window(plane, box, layout_.width, element, into, at);
    if (direct && swapped_) swap_bytes(into.subspan(at, end - at), element);
    at = end;
  }
}

void TiffSource::decode(std::size_t page) const {
  auto file = handles_.take();
  file->go_to(pages_[page].directory);
  if (TIFFIsTiled(file->get()) != 0) {
    decode_tiles(*file, page);
  } else {
    decode_strips(*file, page);
  }
  handles_.give(std::move(file));
}

void TiffSource::decode_strips(const TiffFile& file, std::size_t page) const {
  const std::uint64_t strip_bytes = TIFFStripSize64(file.get());
  Buffer strip(strip_bytes);
  std::uint64_t at = 0;
  for (std::uint32_t i = 0; at != layout_.bytes(); ++i) {
    const std::uint64_t size = std::min(strip_bytes, layout_.bytes() - at);
    const tmsize_t got =
        TIFFReadEncodedStrip(file.get(), i, strip.data(), static_cast<tmsize_t>(size));
    if (got != static_cast<tmsize_t>(size)) file.fail("a strip holds too few bytes");
    decoded_->write(page, at, strip.span().first(size));
    at += size;
  }
}

void TiffSource::decode_tiles(const TiffFile& file, std::size_t page) const {
  const std::uint64_t tile_width = file.number(TIFFTAG_TILEWIDTH);
  const std::uint64_t tile_height = file.number(TIFFTAG_TILELENGTH);
  const std::uint64_t element = size_of(layout_.type);
  Buffer tile(TIFFTileSize64(file.get()));
  if (tile.size() < tile_width * tile_height * element) file.fail("a tile is too small");
  std::uint32_t number = 0;
  for (std::uint64_t y = 0; y < layout_.height; y += tile_height) {
    const std::uint64_t rows = std::min(tile_height, layout_.height - y);
    Buffer band(rows * layout_.row_bytes());
    for (std::uint64_t x = 0; x < layout_.width; x += tile_width) {
      const tmsize_t got = TIFFReadEncodedTile(file.get(), number++, tile.data(),
                                               static_cast<tmsize_t>(tile.size()));
      if (got != static_cast<tmsize_t>(tile.size())) file.fail("a tile holds too few bytes");
      const std::uint64_t columns = std::min(tile_width, layout_.width - x);
      for (std::uint64_t row = 0; row != rows; ++row) {
        std::memcpy(band.data() + row * layout_.row_bytes() + x * element,
                    tile.data() + row * tile_width * element, columns * element);
      }
    }
    decoded_->write(page, y * layout_.row_bytes(), band);
  }
}

}  // namespace

bool is_tiff(ByteSpan first_bytes) noexcept {
  if (first_bytes.size() < 8) return false;
  const std::string_view start = as_text(first_bytes.first(4));
  return start == std::string_view("II*\0", 4) || start == std::string_view("II+\0", 4) ||
         start == std::string_view("MM\0*", 4) || start == std::string_view("MM\0+", 4);
}

nlohmann::json identity_of(ByteSpan bytes, std::string_view format) {
  const std::size_t end = std::min<std::size_t>(bytes.size(), 65536);
  return {{"format", format},
          {"size", bytes.size()},
          {"crc32c", crc32c(bytes.last(end), crc32c(bytes.first(end)))}};
}

std::unique_ptr<Source> open_tiff(InputFile file, const SourceOptions& options) {
  return std::make_unique<TiffSource>(std::move(file), options);
}

}  // namespace cnf::em
