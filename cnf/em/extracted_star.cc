// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/extracted_star.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "cnf/em/particles.h"
#include "cnf/em/star_internal.h"
#include "cnf/em/subtomogram_internal.h"

namespace cnf::em {
namespace {

/// A loop as it is written: columns, and rows of as many values.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;

  /// Sets a column in every row; adds it behind the others if it is not there.
  void set(std::string_view column, std::string_view value) {
    const auto found = std::ranges::find(columns, column);
    const auto at = static_cast<std::size_t>(found - columns.begin());
    if (found == columns.end()) columns.emplace_back(column);
    for (auto& row : rows) {
      row.resize(columns.size());
      row[at] = value;
    }
  }

  void append_to(std::string& text, std::string_view block) const {
    text += fmt::format("# version 50001\n\ndata_{}\n\nloop_\n", block);
    for (std::size_t i = 0; i < columns.size(); ++i) {
      text += fmt::format("_{} #{}\n", columns[i], i + 1);
    }
    for (const auto& row : rows) {
      for (std::size_t i = 0; i < row.size(); ++i) {
        text += i == 0 ? "" : "\t";
        text += star_quoted(row[i]);
      }
      text += '\n';
    }
    text += '\n';
  }
};

/// Says where a particle or its image is: told anew.
bool is_told_anew(std::string_view column) {
  return column.starts_with("rlnCoordinate") || column.starts_with("rlnCenteredCoordinate") ||
         column.starts_with("rlnOrigin") || column == "rlnImageName";
}

Table optics_of(const Particles& particles, const Extracted& extracted) {
  Table table;
  if (particles.format == Particles::Format::star) {
    for (const StarLoop& loop : parse_star_loops(particles.preamble)) {
      if (loop.block != "optics") continue;
      table.columns = loop.columns;
      for (const StarRow& row : loop.rows) {
        const std::vector<std::string_view> values = star_values(row.text);
        table.rows.emplace_back(values.begin(), values.end());
        table.rows.back().resize(table.columns.size());
      }
    }
  }
  if (table.rows.empty()) {
    table.columns = {"rlnOpticsGroup", "rlnOpticsGroupName"};
    table.rows = {{"1", "opticsGroup1"}};
  }
  if (extracted.voxel > 0) table.set("rlnImagePixelSize", fmt::format("{:.6f}", extracted.voxel));
  table.set("rlnImageSize", fmt::format("{}", extracted.box_size));
  table.set("rlnImageDimensionality", fmt::format("{}", extracted.dimensions));
  return table;
}

double number_or_zero(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Which columns of a particle's row are kept, and where its frame is told.
struct Kept {
  std::vector<std::size_t> columns;
  std::array<std::size_t, 3> angles{};  // columns.size() of the row where there is none

  explicit Kept(const Particles& particles) {
    for (std::size_t i = 0; i < particles.columns.size(); ++i) {
      if (!is_told_anew(particles.columns[i])) columns.push_back(i);
    }
    for (std::size_t i = 0; i < angles.size(); ++i) {
      const auto found = std::ranges::find(particles.columns, kSubtomogramAngles[i]);
      angles[i] = static_cast<std::size_t>(found - particles.columns.begin());
    }
  }
};

/// The shift that brings a box's centre to its particle, as RELION tells it: what is subtracted.
Vector shift_of(const ExtractedBox& box, const Particle& particle, const Kept& kept,
                const std::vector<std::string_view>& values, double unit) {
  Vector shift{};
  Vector angles{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    shift[axis] = (box.centre[axis] - particle.at[axis]) * unit;
    if (kept.angles[axis] < values.size()) angles[axis] = number_or_zero(values[kept.angles[axis]]);
  }
  return angles == Vector{} ? shift : turn(transposed(subtomogram_matrix(angles)), shift);
}

Table particles_of(const Particles& particles, std::span<const ExtractedBox> boxes,
                   const Extracted& extracted) {
  const bool in_angstroms = extracted.volume_voxel > 0;
  const double unit = in_angstroms ? extracted.volume_voxel : particles.pixels_per_voxel;
  const Kept kept(particles);
  Table table;
  for (const std::size_t column : kept.columns) table.columns.push_back(particles.columns[column]);
  for (const char axis : {'X', 'Y', 'Z'})
    table.columns.push_back(fmt::format("rlnCoordinate{}", axis));
  for (const char axis : {'X', 'Y', 'Z'}) {
    table.columns.push_back(fmt::format("rlnOrigin{}{}", axis, in_angstroms ? "Angst" : ""));
  }
  table.columns.emplace_back("rlnImageName");
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const Particle& particle = particles.rows[boxes[i].row];
    std::vector<std::string_view> values;
    if (particles.format == Particles::Format::star) values = star_values(particle.line);
    std::vector<std::string> row;
    row.reserve(table.columns.size());
    for (const std::size_t column : kept.columns) row.emplace_back(values[column]);
    for (const double place : boxes[i].centre) {
      row.push_back(fmt::format("{:.6f}", place * particles.pixels_per_voxel));
    }
    for (const double part : shift_of(boxes[i], particle, kept, values, unit)) {
      row.push_back(fmt::format("{:.6f}", part));
    }
    row.push_back(fmt::format("{:06}@{}", i + 1, extracted.stack));
    table.rows.push_back(std::move(row));
  }
  const auto group = std::ranges::find(table.columns, std::string_view("rlnOpticsGroup"));
  if (group == table.columns.end()) table.set("rlnOpticsGroup", "1");
  return table;
}

}  // namespace

std::string extracted_star(const Particles& particles, std::span<const ExtractedBox> boxes,
                           const Extracted& extracted) {
  std::string text;
  optics_of(particles, extracted).append_to(text, "optics");
  particles_of(particles, boxes, extracted).append_to(text, "particles");
  return text;
}

}  // namespace cnf::em
