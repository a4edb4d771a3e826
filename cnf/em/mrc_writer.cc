// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/mrc_writer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/convert.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/mrc.h"
#include "cnf/em/mrc_header_internal.h"
#include "cnf/em/mrc_layout_internal.h"
#include "cnf/em/source.h"

namespace cnf::em {
namespace {

constexpr std::string_view kSubject = "MRC file";
constexpr std::uint32_t kSignedBytes = 1;  // of imodFlags
constexpr std::byte kMaxPacked4{15};

[[noreturn]] void refuse(const std::string& why, std::string_view remedy = {}) {
  throw Error(Errc::invalid_argument, "write", kSubject, why, remedy);
}

std::uint64_t components_of(const SourceInfo& info) {
  return !info.axes.empty() && info.axes.front() == "c" ? info.shape[0] : 1;
}

std::int32_t mode_for(const MrcOutput& output) {
  const std::uint64_t components = components_of(output.info);
  if (output.mode) {
    if (!is_mrc_mode(*output.mode)) {
      refuse("there is no mode " + std::to_string(*output.mode),
             "the modes are 0, 1, 2, 3, 4, 6, 12, 16 and 101");
    }
    return *output.mode;
  }
  const std::optional<std::int32_t> mode = mrc_mode_of(output.info.type, components);
  if (mode) return *mode;
  refuse("MRC has no mode for " + std::string(to_string(output.info.type)) +
             (components > 1 ? " with " + std::to_string(components) + " planes each" : ""),
         "convert it, e.g. to float32 (mode 2)");
}

void set_statistics(const MrcOutput& output, DataType type, MrcHeader& header) {
  // Rounding moves them; nobody has counted the new values.
  const bool rounded = type != output.info.type && is_floating(output.info.type) &&
                       type != DataType::float32 && type != DataType::complex64;
  if (!output.statistics || rounded) {
    header.dmin = 0;
    header.dmax = -1;
    header.dmean = -2;
    header.rms = -1;
    return;
  }
  header.dmin = static_cast<float>(output.statistics->min);
  header.dmax = static_cast<float>(output.statistics->max);
  header.dmean = static_cast<float>(output.statistics->mean);
  header.rms = static_cast<float>(output.statistics->rms);
}

void set_space(const SourceInfo& info, bool is_volume, MrcHeader& header) {
  const std::size_t axes = info.shape.size();
  const auto at = [&](const std::vector<double>& values, std::size_t space) {
    const std::size_t axis = axes - 1 - space;
    return axis < values.size() ? static_cast<float>(values[axis]) : 0.0F;
  };
  for (std::size_t space = 0; space < 3; ++space) {
    header.m[space] = static_cast<std::int32_t>(info.shape[axes - 1 - space]);
    header.cella[space] = at(info.voxel, space) * static_cast<float>(header.m[space]);
    header.origin[space] = at(info.origin, space);
  }
  header.cellb = {90, 90, 90};
  if (is_volume) return;
  header.m[2] = 1;  // images have no depth, and programs expect cubic voxels
  header.cella[2] = at(info.voxel, 0);
  header.origin[2] = 0;
}

MrcHeader new_header(const MrcOutput& output) {
  const SourceInfo& info = output.info;
  const bool is_volume = info.kind == Kind::volume || info.kind == Kind::volume_stack;
  const std::size_t axes =
      (components_of(info) > 1 ? 1U : 0U) + (info.kind == Kind::volume_stack ? 4U : 3U);
  if (info.shape.size() != axes) {
    refuse("an array of shape " + to_string(info.shape) + " is no " +
           std::string(to_string(info.kind)));
  }
  std::uint64_t sections = info.shape[axes - 3];
  if (info.kind == Kind::volume_stack) sections *= info.shape[axes - 4];
  const std::array<std::uint64_t, 3> n{info.shape[axes - 1], info.shape[axes - 2], sections};
  MrcHeader header;
  for (std::size_t i = 0; i < n.size(); ++i) {
    if (n[i] == 0) refuse("an array of shape " + to_string(info.shape) + " is empty");
    if (n[i] > std::uint64_t{std::numeric_limits<std::int32_t>::max()}) {
      throw Error(Errc::unsupported, "write", kSubject,
                  "MRC counts in 31 bits, and there are " + std::to_string(n[i]) +
                      (i == 2   ? " sections"
                       : i == 1 ? " rows"
                                : " columns"),
                  "write a part of it");
    }
    header.n[i] = static_cast<std::uint32_t>(n[i]);
  }
  header.mode = mode_for(output);
  set_space(info, is_volume, header);
  header.ispg = info.kind == Kind::volume_stack ? 401 : is_volume ? 1 : 0;
  // IMOD takes bytes for unsigned unless this says otherwise.
  if (header.mode == 0) header.imod_flags = kSignedBytes;
  header.labels = output.labels;
  return header;
}

const Attachment* find(std::span<const Attachment> attachments, std::string_view name) {
  const auto found = std::find_if(attachments.begin(), attachments.end(),
                                  [&](const Attachment& each) { return each.name == name; });
  return found == attachments.end() ? nullptr : &*found;
}

// The layout that an attached header tells, in whichever byte order it suits the array.
std::optional<MrcLayout> layout_of(std::span<const Attachment> attachments,
                                   const SourceInfo& info) {
  const Attachment* const front = find(attachments, "mrc-header");
  if (front == nullptr || front->bytes.size() < kMrcHeaderSize) return std::nullopt;
  for (const bool big_endian : {false, true}) {
    const MrcHeader header = read_mrc_fields(front->bytes, big_endian);
    const bool counts = std::all_of(header.n.begin(), header.n.end(), [](std::uint32_t count) {
      return count > 0 && count <= std::uint32_t{std::numeric_limits<std::int32_t>::max()};
    });
    if (!counts || !is_mrc_mode(header.mode) || header.data_offset() != front->bytes.size()) {
      continue;
    }
    if (info.kind == Kind::volume_stack && !has_whole_volumes(header)) continue;
    MrcLayout layout(header, info.kind, kSubject);
    if (layout.shape() == info.shape && layout.type() == info.type) return layout;
  }
  return std::nullopt;
}

MrcLayout exact_layout(std::span<const Attachment> attachments, const SourceInfo& info) {
  std::optional<MrcLayout> layout = layout_of(attachments, info);
  if (!layout) {
    refuse("the header that was imported is not of " + to_string(info.shape) + " values of " +
               std::string(to_string(info.type)),
           "write a new file instead");
  }
  return *std::move(layout);
}

Buffer copy_of(std::span<const Attachment> attachments, std::string_view name) {
  const Attachment* const found = find(attachments, name);
  return found == nullptr ? Buffer() : Buffer::copy_of(found->bytes);
}

}  // namespace

struct MrcWriter::Impl {
  MrcLayout layout;
  DataType type;  // of the elements that come
  Sink sink;
  Buffer pads = {};
  Buffer tail = {};
  std::uint64_t row = 0;      // of the file: those before it are written
  std::uint64_t end_row = 0;  // of the box that is awaited; 0 if none is
  Buffer converted = {};
  Buffer rows = {};
};

MrcWriter::MrcWriter(const MrcOutput& output, Sink sink) {
  MrcHeader header = new_header(output);
  MrcLayout layout(header, output.info.kind, kSubject);
  if (layout.shape() != output.info.shape) {
    refuse("mode " + std::to_string(header.mode) + " has other planes than " +
           to_string(output.info.shape));
  }
  if (!is_convertible(output.info.type, layout.type())) {
    refuse("complex values would lose their imaginary part", "mode 4 keeps it");
  }
  set_statistics(output, layout.type(), header);
  impl_ = std::make_unique<Impl>(
      Impl{.layout = std::move(layout), .type = output.info.type, .sink = std::move(sink)});
  impl_->sink(write_mrc_fields(header));
}

MrcWriter::MrcWriter(std::span<const Attachment> attachments, const SourceInfo& info, Sink sink)
    : impl_(std::make_unique<Impl>(Impl{.layout = exact_layout(attachments, info),
                                        .type = info.type,
                                        .sink = std::move(sink),
                                        .pads = copy_of(attachments, "mrc-pad"),
                                        .tail = copy_of(attachments, "mrc-tail")})) {
  const Impl& impl = *impl_;
  if (!impl.pads.empty() && (!impl.layout.has_pads() || impl.pads.size() != impl.layout.rows())) {
    refuse("the half bytes that were imported are not of its rows", "write a new file instead");
  }
  impl.sink(find(attachments, "mrc-header")->bytes);
}

MrcWriter::~MrcWriter() = default;

Box MrcWriter::next(std::uint64_t max_bytes, const Shape& chunk) {
  Impl& impl = *impl_;
  const MrcLayout& layout = impl.layout;
  if (impl.row == layout.rows()) return {};
  const std::uint64_t per_row =
      layout.shape().elements() / layout.rows() * std::uint64_t{size_of(impl.type)};
  const std::uint64_t fit = std::max<std::uint64_t>(1, max_bytes / per_row);
  const std::uint64_t per_section = layout.rows_per_section();
  const std::uint64_t section = impl.row / per_section;
  const std::uint64_t in_volume = section % layout.sections_per_volume();
  const std::uint64_t left_in_volume = layout.sections_per_volume() - in_volume;
  if (impl.row % per_section != 0 || fit < per_section) {
    impl.end_row = std::min((section + 1) * per_section, impl.row + fit);
  } else if (in_volume == 0 && fit / per_section >= left_in_volume) {
    const std::uint64_t per_volume = per_section * layout.sections_per_volume();
    impl.end_row = std::min(layout.rows(), impl.row + fit / per_volume * per_volume);
  } else {
    std::uint64_t end = in_volume + std::min(left_in_volume, fit / per_section);
    const std::uint64_t step =
        chunk.size() > layout.section_axis() ? chunk[layout.section_axis()] : 0;
    const bool rounds = step > 1 && end < layout.sections_per_volume();
    if (rounds && end / step * step > in_volume) end = end / step * step;
    impl.end_row = impl.row + (end - in_volume) * per_section;
  }
  return layout.rows_box(impl.row, impl.end_row);
}

void MrcWriter::write(ByteSpan elements) {
  Impl& impl = *impl_;
  if (impl.end_row == 0) refuse("a box came that was not asked for");
  const Box box = impl.layout.rows_box(impl.row, impl.end_row);
  const std::uint64_t count = box.shape().elements();
  if (elements.size() != count * size_of(impl.type)) refuse("a box has the wrong size");
  const DataType type = impl.layout.type();
  if (type != impl.type) {
    impl.converted.resize(count * size_of(type));
    convert_elements(impl.type, elements, type, impl.converted.span(), kSubject);
    elements = impl.converted;
  }
  if (impl.layout.is_packed4() &&
      std::any_of(elements.begin(), elements.end(), [](std::byte b) { return b > kMaxPacked4; })) {
    refuse("a value is above 15, which four bits cannot hold", "write mode 6");
  }
  if (impl.layout.is_plain()) {
    impl.sink(elements);
  } else {
    impl.rows.resize((impl.end_row - impl.row) * impl.layout.row_bytes());
    impl.layout.write(impl.row, impl.end_row, elements, impl.pads, impl.rows.span());
    impl.sink(impl.rows);
  }
  impl.row = std::exchange(impl.end_row, 0);
}

void MrcWriter::finish() {
  if (impl_->row != impl_->layout.rows()) {
    refuse("only " + std::to_string(impl_->row) + " of its " +
           std::to_string(impl_->layout.rows()) + " rows came");
  }
  if (!impl_->tail.empty()) impl_->sink(impl_->tail);
}

bool is_copy_of(std::span<const Attachment> attachments, const SourceInfo& info) {
  return layout_of(attachments, info).has_value();
}

std::optional<std::int32_t> mrc_mode_of(DataType type, std::uint64_t components) noexcept {
  if (components == 2 && type == DataType::int16) return 3;
  if (components == 3 && type == DataType::uint8) return 16;
  if (components != 1) return std::nullopt;
  switch (type) {
    case DataType::bool8:
    case DataType::int8:
      return 0;
    case DataType::int16:
      return 1;
    case DataType::uint8:
    case DataType::uint16:
      return 6;
    case DataType::float16:
      return 12;
    case DataType::float32:
      return 2;
    case DataType::complex64:
      return 4;
    default:
      return std::nullopt;
  }
}

}  // namespace cnf::em
