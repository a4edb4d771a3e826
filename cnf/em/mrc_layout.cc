// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/elements_internal.h"
#include "cnf/em/mrc.h"
#include "cnf/em/mrc_layout_internal.h"
#include "cnf/em/source.h"

namespace cnf::em {
namespace {

// What MODE says of an element: the numbers that it has and that become planes, and their type.
struct Mode {
  std::int32_t number = 0;
  DataType type = DataType::int8;
  std::size_t components = 1;
};
constexpr std::int32_t kPacked4 = 101;
constexpr std::array<Mode, 9> kModes{{{0, DataType::int8},
                                      {1, DataType::int16},
                                      {2, DataType::float32},
                                      {3, DataType::int16, 2},
                                      {4, DataType::complex64},
                                      {6, DataType::uint16},
                                      {12, DataType::float16},
                                      {16, DataType::uint8, 3},
                                      {kPacked4, DataType::uint8}}};

const Mode* find_mode(std::int32_t number) noexcept {
  const auto* const found = std::find_if(kModes.begin(), kModes.end(),
                                         [&](const Mode& mode) { return mode.number == number; });
  return found == kModes.end() ? nullptr : found;
}

}  // namespace

bool is_mrc_mode(std::int32_t mode) noexcept { return find_mode(mode) != nullptr; }

std::uint64_t mrc_row_bytes(std::int32_t mode, std::uint64_t columns) noexcept {
  if (mode == kPacked4) return (columns + 1) / 2;
  const Mode* const known = find_mode(mode);
  return known == nullptr ? 0 : columns * size_of(known->type) * known->components;
}

bool has_whole_volumes(const MrcHeader& header) noexcept {
  return header.m[2] > 0 && header.n[2] % static_cast<std::uint32_t>(header.m[2]) == 0;
}

MrcLayout::MrcLayout(const MrcHeader& header, Kind kind, std::string_view subject)
    : map_(header.map),
      packed4_(header.mode == kPacked4),
      swap_(header.big_endian),
      row_bytes_(mrc_row_bytes(header.mode, header.n[0])) {
  const Mode* const mode = find_mode(header.mode);
  if (mode == nullptr) throw Error(Errc::invalid_argument, "lay out", subject, "unknown MODE");
  type_ = header.is_unsigned ? DataType::uint8 : mode->type;
  components_ = mode->components;
  const bool volumes = kind == Kind::volume_stack;
  // Images of a stack are its sections, whatever MAPS says.
  if (kind != Kind::volume && map_[2] != 2) map_ = {0, 1, 2};
  std::uint64_t depth = header.n[2];
  if (volumes) {
    if (!has_whole_volumes(header)) {
      throw Error(Errc::invalid_argument, "read", subject,
                  "it is no stack of volumes: MZ is " + std::to_string(header.m[2]) + ", NZ " +
                      std::to_string(depth),
                  "NZ must be a multiple of MZ; read it as a volume");
    }
    depth = static_cast<std::uint64_t>(header.m[2]);
  }
  if (components_ > 1) axes_.emplace_back("c");
  if (volumes) axes_.emplace_back("n");
  first_space_ = axes_.size();
  const bool time = kind == Kind::tilt_series || kind == Kind::movie;
  axes_.emplace_back(time ? "t" : kind == Kind::stack ? "n" : "z");
  axes_.insert(axes_.end(), {"y", "x"});
  shape_ = Shape::filled(axes_.size(), components_);
  const std::array<std::uint64_t, 3> counts{header.n[0], header.n[1], depth};
  for (std::size_t i = 0; i < counts.size(); ++i) {
    file_[i] = {.count = counts[i], .axis = first_space_ + 2 - map_[i]};
    shape_[file_[i].axis] = counts[i];
  }
  file_[kVolume] = {.count = header.n[2] / depth, .axis = first_space_ - 1, .present = volumes};
  if (volumes) shape_[file_[kVolume].axis] = file_[kVolume].count;
}

std::uint64_t MrcLayout::rows() const noexcept {
  return file_[kRow].count * file_[kSection].count * file_[kVolume].count;
}

std::uint64_t MrcLayout::data_bytes() const noexcept { return row_bytes_ * rows(); }

std::optional<std::size_t> MrcLayout::spatial(std::size_t axis) const noexcept {
  if (axis < first_space_) return std::nullopt;
  if (axis == first_space_ && axes_[axis] != "z") return std::nullopt;
  return 2 - (axis - first_space_);
}

MrcLayout::Walk MrcLayout::walk(const Box& box) const {
  std::array<std::uint64_t, kMaxDimensions> steps{};
  std::uint64_t step = 1;
  for (std::size_t axis = shape_.size(); axis-- > 0;) {
    steps[axis] = step;
    step *= box.end[axis] - box.begin[axis];
  }
  Walk walk;
  for (std::size_t i = 0; i < file_.size(); ++i) {
    if (!file_[i].present) continue;
    const std::size_t axis = file_[i].axis;
    walk.runs[i] = {box.begin[axis], box.end[axis], steps[axis]};
  }
  if (components_ > 1) walk.component = {box.begin[0], box.end[0], steps[0]};
  return walk;
}

// Calls visit(row of the file, component, elements before it in memory), in the file's order.
template <typename Visit>
void MrcLayout::for_each_row(const Walk& walk, const Visit& visit) const {
  const auto& [columns, rows, sections, volumes] = walk.runs;
  for (std::uint64_t v = volumes.begin; v < volumes.end; ++v) {
    for (std::uint64_t s = sections.begin; s < sections.end; ++s) {
      const std::uint64_t section = v * file_[kSection].count + s;
      const std::uint64_t before = volumes.before(v) + sections.before(s);
      for (std::uint64_t r = rows.begin; r < rows.end; ++r) {
        const std::uint64_t row = section * file_[kRow].count + r;
        const std::uint64_t at = before + rows.before(r) + columns.before(columns.begin);
        for (std::uint64_t c = walk.component.begin; c < walk.component.end; ++c) {
          visit(row, static_cast<std::size_t>(c), at + walk.component.before(c));
        }
      }
    }
  }
}

// Where columns are not the axis that varies fastest in memory: calls visit(part of the walk) for
// tiles of these two axes, at one place of all others, so that the lines of both sides stay in the
// cache while a tile is turned.
template <typename Visit>
void MrcLayout::for_each_tile(const Walk& whole, const Visit& visit) const {
  const std::size_t fastest = fastest_dimension();
  const std::size_t other = fastest == kRow ? kSection : kRow;
  Walk tile = whole;
  const auto each = [](const Run& all, std::uint64_t step, Run& part, const auto& inner) {
    for (std::uint64_t i = all.begin; i < all.end; i += step) {
      part.narrow(i, std::min(all.end, i + step));
      inner();
    }
  };
  each(whole.runs[kVolume], 1, tile.runs[kVolume], [&] {
    each(whole.runs[other], 1, tile.runs[other], [&] {
      each(whole.runs[kColumn], kTile, tile.runs[kColumn], [&] {
        each(whole.runs[fastest], kTile, tile.runs[fastest],
             [&] { each(whole.component, 1, tile.component, [&] { visit(tile); }); });
      });
    });
  });
}

std::size_t MrcLayout::fastest_dimension() const noexcept {
  const std::size_t fastest = shape_.size() - 1;
  if (file_[kColumn].axis == fastest) return kColumn;
  return file_[kRow].axis == fastest ? kRow : kSection;
}

// The elements of a tile, in memory as runs along its fastest axis, and in `turned` row by row.
template <typename Copy>
void MrcLayout::turn(const Walk& tile, std::byte* turned, const Copy& copy) const {
  const std::size_t size = size_of(type_);
  const Run& across = tile.runs[fastest_dimension()];
  const Run& columns = tile.runs[kColumn];
  std::uint64_t at = tile.component.before(tile.component.begin);
  for (const Run& run : tile.runs) at += run.before(run.begin);
  for (std::uint64_t c = columns.begin; c < columns.end; ++c, at += columns.step) {
    copy(turned + (c - columns.begin) * size, kTile * size, at * size, across.end - across.begin);
  }
}

void MrcLayout::read(ByteSpan data, const Box& box, std::byte* into) const {
  const Walk whole = walk(box);
  const std::size_t size = size_of(type_);
  if (fastest_dimension() == kColumn) {
    return for_each_row(whole, [&](std::uint64_t row, std::size_t component, std::uint64_t at) {
      decode(data.data() + row * row_bytes_, whole.runs[kColumn], component, into + at * size);
    });
  }
  std::array<std::byte, kTile * kTile * sizeof(std::uint64_t)> turned{};
  for_each_tile(whole, [&](const Walk& tile) {
    std::byte* to = turned.data();
    Run columns = tile.runs[kColumn];
    columns.step = 1;
    for_each_row(tile, [&](std::uint64_t row, std::size_t component, std::uint64_t /*at*/) {
      decode(data.data() + row * row_bytes_, columns, component, to);
      to += kTile * size;
    });
    turn(tile, turned.data(),
         [&](const std::byte* from, std::size_t step, std::uint64_t at, std::uint64_t count) {
           copy_elements(type_, {from, step, into + at, size, count}, false);
         });
  });
}

void MrcLayout::write(std::uint64_t begin, std::uint64_t end, ByteSpan from, ByteSpan pads,
                      MutableByteSpan rows) const {
  const Walk whole = walk(rows_box(begin, end));
  const std::size_t size = size_of(type_);
  const auto row_of = [&](std::uint64_t row) { return rows.data() + (row - begin) * row_bytes_; };
  if (packed4_) std::fill(rows.begin(), rows.end(), std::byte{0});
  if (fastest_dimension() == kColumn) {
    for_each_row(whole, [&](std::uint64_t row, std::size_t component, std::uint64_t at) {
      encode(from.data() + at * size, whole.runs[kColumn], component, row_of(row));
    });
  } else {
    std::array<std::byte, kTile * kTile * sizeof(std::uint64_t)> turned{};
    for_each_tile(whole, [&](const Walk& tile) {
      turn(tile, turned.data(),
           [&](std::byte* to, std::size_t step, std::uint64_t at, std::uint64_t count) {
             copy_elements(type_, {from.data() + at, size, to, step, count}, false);
           });
      const std::byte* next = turned.data();
      Run columns = tile.runs[kColumn];
      columns.step = 1;
      for_each_row(tile, [&](std::uint64_t row, std::size_t component, std::uint64_t /*at*/) {
        encode(next, columns, component, row_of(row));
        next += kTile * size;
      });
    });
  }
  if (pads.empty()) return;
  for (std::uint64_t row = begin; row < end; ++row) row_of(row + 1)[-1] |= pads[row] << 4U;
}

void MrcLayout::decode(const std::byte* row, const Run& columns, std::size_t component,
                       std::byte* into) const {
  if (packed4_) {
    for (std::uint64_t i = columns.begin; i < columns.end; ++i, into += columns.step) {
      *into = i % 2 == 0 ? row[i / 2] & std::byte{0x0f} : row[i / 2] >> 4U;  // low one first
    }
    return;
  }
  const std::size_t size = size_of(type_);
  copy_elements(type_,
                {.from = row + (columns.begin * components_ + component) * size,
                 .from_step = components_ * size,
                 .to = into,
                 .to_step = columns.step * size,
                 .count = columns.end - columns.begin},
                swap_);
}

// The half bytes of `row` are zero before.
void MrcLayout::encode(const std::byte* from, const Run& columns, std::size_t component,
                       std::byte* row) const {
  if (packed4_) {
    for (std::uint64_t i = columns.begin; i < columns.end; ++i, from += columns.step) {
      row[i / 2] |= i % 2 == 0 ? *from & std::byte{0x0f} : *from << 4U;
    }
    return;
  }
  const std::size_t size = size_of(type_);
  copy_elements(type_,
                {.from = from,
                 .from_step = columns.step * size,
                 .to = row + (columns.begin * components_ + component) * size,
                 .to_step = components_ * size,
                 .count = columns.end - columns.begin},
                swap_);
}

bool MrcLayout::is_plain() const noexcept {
  return map_ == std::array<std::uint8_t, 3>{0, 1, 2} && components_ == 1 && !packed4_ &&
         (!swap_ || size_of(type_) == 1);
}

Box MrcLayout::rows_box(std::uint64_t begin, std::uint64_t end) const {
  Box box = Box::of(shape_);
  const std::uint64_t section = begin / file_[kRow].count;
  const std::uint64_t last_section = (end - 1) / file_[kRow].count;
  const std::uint64_t per_volume = file_[kSection].count;
  const auto narrow = [&](std::size_t dimension, std::uint64_t from, std::uint64_t to) {
    box.begin[file_[dimension].axis] = from;
    box.end[file_[dimension].axis] = to;
  };
  if (file_[kVolume].present) {
    narrow(kVolume, section / per_volume, last_section / per_volume + 1);
  }
  if (section / per_volume == last_section / per_volume) {
    narrow(kSection, section % per_volume, last_section % per_volume + 1);
  }
  if (section == last_section) {
    const std::uint64_t before = section * file_[kRow].count;
    narrow(kRow, begin - before, end - before);
  }
  return box;
}

bool MrcLayout::has_pads() const noexcept { return packed4_ && file_[kColumn].count % 2 == 1; }

Buffer MrcLayout::pads(ByteSpan data) const {
  if (!has_pads()) return {};
  Buffer pads(rows());
  bool all_zero = true;
  for (std::uint64_t row = 0; row < rows(); ++row) {
    pads.data()[row] = data[(row + 1) * row_bytes_ - 1] >> 4U;
    all_zero = all_zero && pads.data()[row] == std::byte{0};
  }
  if (all_zero) pads.clear();
  return pads;
}

}  // namespace cnf::em
