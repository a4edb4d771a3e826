// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/input_file.h"
#include "cnf/em/mdoc.h"
#include "cnf/em/source.h"
#include "cnf/em/tiff_file_internal.h"
#include "cnf/em/tilts_internal.h"

namespace cnf::em {
namespace {

/// What a list says of the images of a stack.
struct TiltList {
  std::vector<double> tilts;
  std::optional<double> pixel = {};  // Å
  nlohmann::json fields = nlohmann::json::object();
};

bool is_mdoc(std::string_view name) { return name.ends_with(".mdoc"); }

/// What people ask of each image; the rest is in the attachment.
nlohmann::json fields_of(const Mdoc& mdoc, const std::vector<const Mdoc::Section*>& images) {
  nlohmann::json fields = {{"titles", nlohmann::json::array()}};
  for (const std::string& title : mdoc.titles) fields["titles"].push_back(to_utf8(title));
  for (const auto& [key, value] : mdoc.global.all()) fields[to_utf8(key)] = to_utf8(value);
  for (const char* key : {"ExposureDose", "Defocus"}) {
    nlohmann::json values = nlohmann::json::array();
    for (const Mdoc::Section* image : images) {
      if (const auto value = image->entries.number(key)) values.push_back(*value);
    }
    if (values.size() == images.size()) fields[key] = std::move(values);
  }
  for (const char* key : {"SubFramePath", "DateTime"}) {
    nlohmann::json values = nlohmann::json::array();
    for (const Mdoc::Section* image : images) {
      if (const auto value = image->entries.find(key)) values.push_back(to_utf8(*value));
    }
    if (values.size() == images.size()) fields[key] = std::move(values);
  }
  return fields;
}

/// nullopt where the list is one of other images, or tells no tilts.
std::optional<TiltList> read_mdoc(ByteSpan text, std::string_view name, std::uint64_t images) {
  const Mdoc mdoc = parse_mdoc(text, name);
  const auto sections = mdoc.of_images(images);
  TiltList list;
  for (const Mdoc::Section* section : sections) {
    const auto tilt = section->entries.number("TiltAngle");
    if (!tilt) return std::nullopt;
    list.tilts.push_back(*tilt);
  }
  if (sections.empty()) return std::nullopt;
  list.pixel = sections.front()->entries.number("PixelSpacing");
  if (!list.pixel) list.pixel = mdoc.global.number("PixelSpacing");
  list.fields = fields_of(mdoc, sections);
  return list;
}

std::optional<TiltList> read_list(ByteSpan text, const std::string& name, std::uint64_t images) {
  if (is_mdoc(name)) return read_mdoc(text, name, images);
  TiltList list{.tilts = parse_tilts(text, name)};
  if (list.tilts.size() != images) return std::nullopt;
  return list;
}

class TiltSeries final : public Source {
 public:
  TiltSeries(std::unique_ptr<Source> images, TiltList list, std::string name, Buffer text)
      : images_(std::move(images)), name_(std::move(name)), text_(std::move(text)) {
    info_ = images_->info();
    info_.kind = Kind::tilt_series;
    info_.axes.front() = "t";
    info_.voxel.front() = 0;
    info_.origin.front() = 0;
    info_.tilts = std::move(list.tilts);
    for (std::size_t axis = 1; axis != info_.voxel.size(); ++axis) {
      const bool is_guess = info_.voxel[axis] == 0 || info_.voxel[axis] == 1;
      if (is_guess && list.pixel) info_.voxel[axis] = *list.pixel;
    }
    if (is_mdoc(name_)) info_.fields["mdoc"] = std::move(list.fields);
  }

  [[nodiscard]] const SourceInfo& info() const noexcept override { return info_; }
  void read(const Box& box, MutableByteSpan into, const Context& context) const override {
    images_->read(box, into, context);
  }
  [[nodiscard]] std::vector<Attachment> attachments() const override {
    std::vector<Attachment> all = images_->attachments();
    all.push_back({.name = is_mdoc(name_) ? "mdoc" : "tilts", .bytes = Buffer::copy_of(text_)});
    return all;
  }
  [[nodiscard]] nlohmann::json identity() const override {
    nlohmann::json identity = images_->identity();
    identity["tilts_crc32c"] = crc32c(text_);
    return identity;
  }

 private:
  std::unique_ptr<Source> images_;
  std::string name_;  // of the list
  Buffer text_;
  SourceInfo info_;
};

/// Where a list may lie, the richest first.
std::vector<std::string> places_beside(const std::string& uri) {
  const std::size_t name = uri.rfind('/') == std::string::npos ? 0 : uri.rfind('/') + 1;
  const std::size_t dot = uri.rfind('.');
  const std::string stem = dot == std::string::npos || dot <= name ? uri : uri.substr(0, dot);
  return {uri + ".mdoc", stem + ".mdoc", stem + ".tlt", stem + ".rawtlt"};
}

/// A file of that name that is no such list does not fit, as one of other images does not.
std::optional<TiltList> try_list(const InputFile& file, std::uint64_t images) {
  try {
    return read_list(file.bytes(), file.name(), images);
  } catch (const Error& error) {
    if (error.code() != Errc::corrupt_data) throw;
    return std::nullopt;
  }
}

std::optional<InputFile> open_if_there(const std::string& uri, const SourceOptions& options,
                                       const Context& context) {
  try {
    return InputFile(uri, options.storage, context);
  } catch (const Error& error) {
    if (error.code() != Errc::not_found) throw;
    return std::nullopt;
  }
}

}  // namespace

std::unique_ptr<Source> with_tilts(std::unique_ptr<Source> source, const std::string& uri,
                                   const SourceOptions& options, const Context& context) {
  const SourceInfo& info = source->info();
  const bool images = info.shape.size() == 3 && info.axes.front() != "c";
  if (!options.tilts.empty()) {
    const InputFile file(options.tilts, options.storage, context);
    auto list = images ? read_list(file.bytes(), file.name(), info.shape[0]) : std::nullopt;
    if (!list) {
      throw Error(Errc::invalid_argument, "read", options.tilts,
                  fmt::format("it does not tell one tilt for each image of {} ({})", uri,
                              to_string(info.shape)));
    }
    return std::make_unique<TiltSeries>(std::move(source), std::move(*list), file.name(),
                                        Buffer::copy_of(file.bytes()));
  }
  const Kind kind = options.kind.value_or(Kind::tilt_series);
  if (!images || info.shape[0] < 2 || kind != Kind::tilt_series || uri == "-") return source;
  for (const std::string& place : places_beside(uri)) {
    const auto file = open_if_there(place, options, context);
    if (!file) continue;
    if (!info.tilts.empty() && !is_mdoc(place)) continue;  // its header tells them
    auto list = try_list(*file, info.shape[0]);
    if (!list) continue;
    return std::make_unique<TiltSeries>(std::move(source), std::move(*list), file->name(),
                                        Buffer::copy_of(file->bytes()));
  }
  return source;
}

}  // namespace cnf::em
