// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <tiff.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/eer_internal.h"
#include "cnf/em/input_file.h"
#include "cnf/em/plane_file_internal.h"
#include "cnf/em/planes_internal.h"
#include "cnf/em/source.h"
#include "cnf/em/tiff_file_internal.h"
#include "cnf/em/tiff_internal.h"

namespace cnf::em {
namespace {

constexpr std::uint32_t kPrototype = 65000, kFixed = 65001, kTold = 65002;  // Compression
constexpr std::uint32_t kMetadata = 65001, kRunBits = 65007, kXBits = 65008, kYBits = 65009;

bool is_eer_compression(std::uint32_t compression) {
  return compression >= kPrototype && compression <= kTold;
}

EerCode code_of(const TiffFile& file, const std::string& subject) {
  EerCode code;
  const std::uint32_t compression = file.number(TIFFTAG_COMPRESSION);
  if (compression == kPrototype) return {.run_bits = 8, .place_after_run = true};
  if (compression == kFixed) return code;
  const auto bits = [&](std::uint32_t tag, unsigned otherwise) {
    const auto told = file.private_number(tag);
    return told ? static_cast<unsigned>(std::min<std::uint64_t>(*told, UINT32_MAX)) : otherwise;
  };
  code = {.run_bits = bits(kRunBits, 7), .x_bits = bits(kXBits, 2), .y_bits = bits(kYBits, 2)};
  // Twelve bits pass over a row of the largest cameras at once.
  if (code.run_bits < 1 || code.run_bits > 12 || code.x_bits > 8 || code.y_bits > 8) {
    throw Error(Errc::unsupported, "read", subject,
                fmt::format("its electrons have codes of {} + {} + {} bits", code.run_bits,
                            code.x_bits, code.y_bits));
  }
  return code;
}

/// The items of the acquisition's XML: <item name="exposureTime" unit="s">6.7</item>.
nlohmann::json items_of(const std::string& xml, std::optional<double>& pixel) {
  nlohmann::json items = nlohmann::json::object();
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) return items;
  for (const pugi::xml_node item : document.child("metadata").children("item")) {
    const std::string name = item.attribute("name").as_string();
    const std::string unit = item.attribute("unit").as_string();
    items[name] = unit.empty() ? item.text().as_string()
                               : fmt::format("{} {}", item.text().as_string(), unit);
    if (name == "sensorPixelSize.width" && unit == "m") {
      pixel = believed_pixel(item.text().as_double() * 1e10);
    }
  }
  return items;
}

class EerSource final : public Source {
 public:
  EerSource(InputFile file, const SourceOptions& options);

  [[nodiscard]] const SourceInfo& info() const noexcept override { return info_; }
  void read(const Box& box, MutableByteSpan into, const Context& context) const override;
  [[nodiscard]] nlohmann::json identity() const override;

 private:
  void find_frames(TiffFile& file);
  void check_frame(const TiffFile& file, std::size_t number);
  void describe(const TiffFile& file, const SourceOptions& options);
  void sum(std::size_t image, const Context& context) const;
  template <typename Count>
  void sum_as(std::size_t image, const Context& context) const;

  InputFile file_;
  EerFrame frame_;
  std::vector<std::uint64_t> frames_;  // their directories
  std::size_t together_ = 0;           // frames of an image
  unsigned finer_ = 0;                 // halvings of a pixel
  SourceInfo info_;
  std::unique_ptr<PlaneFile> decoded_;
  mutable TiffPool handles_;
};

EerSource::EerSource(InputFile file, const SourceOptions& options)
    : file_(std::move(file)), handles_(file_.bytes(), file_.name()) {
  auto first = handles_.take();
  find_frames(*first);
  const auto allowed = std::min(frame_.code.x_bits, frame_.code.y_bits);
  while ((1U << finer_) < options.eer.upsampling && finer_ < allowed) ++finer_;
  if ((1U << finer_) != options.eer.upsampling) {
    throw Error(Errc::invalid_argument, "read", file_.name(),
                fmt::format("its pixels are not divided by {}", options.eer.upsampling),
                fmt::format("a power of two up to {} is possible", 1U << allowed));
  }
  together_ =
      options.eer.frames == 0 ? frames_.size() : std::min(options.eer.frames, frames_.size());
  first->go_to(frames_.front());
  describe(*first, options);
  decoded_ = std::make_unique<PlaneFile>(
      info_.shape[0], info_.shape[1] * info_.shape[2] * size_of(info_.type), file_.name());
  handles_.give(std::move(first));
}

void EerSource::find_frames(TiffFile& file) {
  std::size_t number = 0;
  do {
    ++number;
    const std::uint32_t compression = file.number(TIFFTAG_COMPRESSION);
    if (!is_eer_compression(compression) && number == 1) continue;  // the sum of all
    if (!is_eer_compression(compression)) {
      throw Error(
          Errc::unsupported, "read", file_.name(),
          fmt::format("page {} has no electron events (compression {})", number, compression));
    }
    check_frame(file, number);
    frames_.push_back(file.directory());
  } while (file.advance());
  if (frames_.empty()) file.fail("it has no frame of electron events");
}

void EerSource::check_frame(const TiffFile& file, std::size_t number) {
  const EerFrame frame{.width = file.number(TIFFTAG_IMAGEWIDTH),
                       .height = file.number(TIFFTAG_IMAGELENGTH),
                       .code = code_of(file, file_.name())};
  if (frames_.empty()) frame_ = frame;
  if (frame != frame_) {
    throw Error(Errc::unsupported, "read", file_.name(),
                fmt::format("frame {} has another shape or code than the first", number));
  }
  // No code passes over more pixels than the largest run, so the bytes bound the image.
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; i != file.pieces(); ++i) bytes += file.stored(i).size();
  const std::uint64_t longest = (std::uint64_t{1} << frame.code.run_bits) - 1;
  const std::uint64_t most = (bytes * 8 / frame.code.run_bits) * longest;
  if (frame.width == 0 || frame.height == 0 || frame.height > most / frame.width) {
    throw Error(Errc::corrupt_data, "read", file_.name(),
                fmt::format("frame {} claims {} x {} pixels in {} bytes", number, frame.width,
                            frame.height, bytes));
  }
}

void EerSource::describe(const TiffFile& file, const SourceOptions& options) {
  info_.kind = options.kind.value_or(Kind::movie);
  info_.axes = {page_axis(info_.kind, file_.name()), "y", "x"};
  info_.shape = Shape{frames_.size() / together_, frame_.height << finer_, frame_.width << finer_};
  // A pixel has at most one electron a frame; a finer one too.
  info_.type = together_ <= UINT8_MAX ? DataType::uint8 : DataType::uint16;
  std::optional<double> pixel;
  nlohmann::json items = items_of(file.private_text(kMetadata), pixel);
  const double voxel = pixel.value_or(0) / static_cast<double>(1U << finer_);
  info_.voxel = {0, voxel, voxel};
  info_.origin = {0, 0, 0};
  info_.fields = {{"format", "eer"},
                  {"frames", frames_.size()},
                  {"frames_per_image", together_},
                  {"frames_left_out", frames_.size() % together_},
                  {"upsampling", 1U << finer_},
                  {"compression", file.number(TIFFTAG_COMPRESSION)},
                  {"acquisition", std::move(items)}};
}

void EerSource::read(const Box& box, MutableByteSpan into, const Context& context) const {
  check_within(box, info_.shape, file_.name());
  decoded_->need(box.begin[0], box.end[0], [&](std::size_t image) { sum(image, context); });
  std::size_t at = 0;
  for (std::uint64_t i = box.begin[0]; i != box.end[0]; ++i) {
    at = copy_window(decoded_->plane(i), box, info_.shape[2], size_of(info_.type), into, at);
  }
}

void EerSource::sum(std::size_t image, const Context& context) const {
  if (info_.type == DataType::uint8) {
    sum_as<std::uint8_t>(image, context);
  } else {
    sum_as<std::uint16_t>(image, context);
  }
}

template <typename Count>
void EerSource::sum_as(std::size_t image, const Context& context) const {
  std::vector<Count> counts(info_.shape[1] * info_.shape[2]);
  auto file = handles_.take();
  Buffer gathered;
  for (std::size_t i = image * together_; i != (image + 1) * together_; ++i) {
    context.check("read", file_.name());
    file->go_to(frames_[i]);
    ByteSpan codes = file->stored(0);
    if (file->pieces() != 1) {
      gathered.clear();
      for (std::uint32_t piece = 0; piece != file->pieces(); ++piece) {
        gathered.append(file->stored(piece));
      }
      codes = gathered;
    }
    add_electrons<Count>(codes, frame_, finer_, counts, file_.name());
  }
  handles_.give(std::move(file));
  decoded_->write(image, 0, std::as_bytes(std::span(counts)));
}

nlohmann::json EerSource::identity() const {
  nlohmann::json identity = identity_of(file_.bytes(), "eer");
  identity["frames_per_image"] = together_;
  identity["upsampling"] = 1U << finer_;
  return identity;
}

}  // namespace

bool is_eer(const InputFile& file) {
  if (!is_tiff(file.bytes())) return false;
  TiffFile tiff(file.bytes(), file.name());
  return is_eer_compression(tiff.number(TIFFTAG_COMPRESSION)) ||
         (tiff.advance() && is_eer_compression(tiff.number(TIFFTAG_COMPRESSION)));
}

std::unique_ptr<Source> open_eer(InputFile file, const SourceOptions& options) {
  return std::make_unique<EerSource>(std::move(file), options);
}

}  // namespace cnf::em
