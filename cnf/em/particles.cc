// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/particles.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/em/star_internal.h"
#include "cnf/em/subtomogram_internal.h"

namespace cnf::em {
namespace {

using Names = std::array<std::string_view, 3>;
constexpr Names kPixels{"rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ"};
constexpr Names kCentred{"rlnCenteredCoordinateXAngst", "rlnCenteredCoordinateYAngst",
                         "rlnCenteredCoordinateZAngst"};
constexpr Names kShift{"rlnOriginX", "rlnOriginY", "rlnOriginZ"};
constexpr Names kShiftAngst{"rlnOriginXAngst", "rlnOriginYAngst", "rlnOriginZAngst"};
constexpr std::size_t kMaxJsonLine = std::size_t{1} << 20;

[[noreturn]] void fail(std::string_view subject, std::size_t line, std::string_view why) {
  throw Error(Errc::corrupt_data, "read particles", fmt::format("{}, line {}", subject, line), why);
}

[[noreturn]] void refuse(std::string_view subject, std::string_view why, std::string_view remedy) {
  throw Error(Errc::invalid_argument, "read particles", subject, why, remedy);
}

std::optional<double> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

/// Three columns of a loop, x, y and z, of which some may be missing.
struct Triple {
  std::array<std::size_t, 3> at{};
  std::size_t columns = 0;

  Triple(const StarLoop& loop, const Names& names) : columns(loop.columns.size()) {
    for (std::size_t i = 0; i < names.size(); ++i) at[i] = column_of(loop, names[i]);
  }
  [[nodiscard]] bool has(std::size_t axis) const { return at[axis] < columns; }
  [[nodiscard]] bool any() const { return has(0) || has(1) || has(2); }
};

/// Voxels for each pixel that coordinates count.
double voxels_per_pixel(const Geometry& geometry, std::string_view subject) {
  if (geometry.pixel == 0) return 1;
  if (geometry.voxel > 0) return geometry.pixel / geometry.voxel;
  refuse(subject, "the volume's voxel size is not known, so pixels of another size are no voxels",
         "give the voxel size");
}

class StarReader {
 public:
  StarReader(const StarLoop& loop, const Geometry& geometry, std::string_view subject)
      : loop_(loop),
        geometry_(geometry),
        subject_(subject),
        pixels_(loop, kPixels),
        centred_(loop, kCentred),
        shift_(loop, kShift),
        shift_angst_(loop, kShiftAngst),
        angles_(loop, kSubtomogramAngles),
        tomogram_(column_of(loop, "rlnTomoName")) {
    if (tomogram_ == loop.columns.size()) tomogram_ = column_of(loop, "rlnMicrographName");
    scale_ = voxels_per_pixel(geometry, subject);
    if (centred_.any()) {
      require(centred_, kCentred, 3);
    } else {
      require(pixels_, kPixels, geometry.dims[2] > 1 ? 3 : 2);
    }
    if ((centred_.any() || shift_angst_.any()) && !(geometry.voxel > 0)) {
      refuse(subject, "its coordinates are in Å, and the volume's voxel size is not known",
             "give the voxel size");
    }
    if (centred_.any() && geometry.dims[0] == 0) {
      refuse(subject, "its coordinates count from a volume's centre, and no volume is given",
             "name the volume");
    }
  }

  [[nodiscard]] Particle read(const StarRow& row) {
    values_ = star_values(row.text);
    line_ = row.number;
    if (values_.size() != loop_.columns.size()) {
      fail(subject_, line_,
           fmt::format("{} values, where the loop has {} columns", values_.size(),
                       loop_.columns.size()));
    }
    Particle particle{.at = place(), .tomogram = {}, .line = std::string(row.text)};
    if (tomogram_ < values_.size()) particle.tomogram = values_[tomogram_];
    return particle;
  }

 private:
  void require(const Triple& columns, const Names& names, std::size_t axes) const {
    for (std::size_t axis = 0; axis < axes; ++axis) {
      if (columns.has(axis)) continue;
      refuse(subject_, fmt::format("its loop of particles has no column {}", names[axis]),
             "particles need coordinates");
    }
  }

  [[nodiscard]] double value(const Triple& columns, std::size_t axis) const {
    if (!columns.has(axis)) return 0;
    const std::string_view text = values_[columns.at[axis]];
    if (const auto number = number_of(text)) return *number;
    fail(subject_, line_,
         fmt::format("{} is '{}', no number", loop_.columns[columns.at[axis]], text.substr(0, 40)));
  }

  [[nodiscard]] std::array<double, 3> place() const {
    std::array<double, 3> at{};
    std::array<double, 3> shift{};
    std::array<double, 3> angles{};
    for (std::size_t axis = 0; axis < 3; ++axis) {
      at[axis] = centred_.any() ? value(centred_, axis) / geometry_.voxel +
                                      static_cast<double>(geometry_.dims[axis]) / 2
                                : value(pixels_, axis) * scale_;
      shift[axis] = shift_angst_.any() ? value(shift_angst_, axis) / geometry_.voxel
                                       : value(shift_, axis) * scale_;
      angles[axis] = value(angles_, axis);
    }
    if (angles != std::array<double, 3>{}) shift = turn(subtomogram_matrix(angles), shift);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      at[axis] -= shift[axis];
      if (!std::isfinite(at[axis])) fail(subject_, line_, "a coordinate that is out of range");
    }
    return at;
  }

  const StarLoop& loop_;
  const Geometry& geometry_;
  std::string_view subject_;
  Triple pixels_, centred_, shift_, shift_angst_, angles_;
  std::size_t tomogram_;
  double scale_ = 1;
  std::vector<std::string_view> values_;  // of the row being read
  std::size_t line_ = 0;
};

/// The loop of particles: the one with coordinates, in the block "particles" if there are several.
const StarLoop& particles_loop(const std::vector<StarLoop>& loops, std::string_view subject) {
  const StarLoop* found = nullptr;
  std::string blocks;
  for (const StarLoop& loop : loops) {
    blocks += fmt::format("{}data_{}", blocks.empty() ? "" : ", ", loop.block.substr(0, 40));
    if (!Triple(loop, kPixels).any() && !Triple(loop, kCentred).any()) continue;
    if (found == nullptr || loop.block == "particles") found = &loop;
  }
  if (found != nullptr) return *found;
  refuse(
      subject,
      loops.empty() ? "it has no loop"
                    : fmt::format("no loop has coordinates ({})", blocks.substr(0, 200)),
      "particles need rlnCoordinateX, Y and Z, or rlnCenteredCoordinateXAngst, YAngst and ZAngst");
}

Particles parse_star(std::string_view text, const Geometry& geometry, std::string_view subject) {
  const std::vector<StarLoop> loops = parse_star_loops(text);
  const StarLoop& loop = particles_loop(loops, subject);
  StarReader reader(loop, geometry, subject);
  Particles particles;
  particles.block = loop.block;
  particles.columns = loop.columns;
  particles.pixels_per_voxel = 1 / voxels_per_pixel(geometry, subject);
  particles.preamble = text.substr(0, loop.rows_begin);
  particles.postamble = text.substr(loop.rows_end);
  particles.rows.reserve(loop.rows.size());
  for (const StarRow& row : loop.rows) particles.rows.push_back(reader.read(row));
  return particles;
}

/// One of the portal's lines: {"type": "orientedPoint", "location": {"x": …, "y": …, "z": …}, …}.
Particle parse_point(std::string_view line, std::size_t number, double scale,
                     std::string_view subject) {
  if (line.size() > kMaxJsonLine) {
    fail(subject, number, fmt::format("a line of {} bytes", line.size()));
  }
  const nlohmann::json point = nlohmann::json::parse(line, nullptr, false);
  if (!point.is_object()) fail(subject, number, "it is no JSON object");
  const auto location = point.find("location");
  if (location == point.end() || !location->is_object()) {
    fail(subject, number, "it has no location");
  }
  Particle particle{.at = {}, .tomogram = {}, .line = std::string(line)};
  constexpr std::array<std::string_view, 3> kAxes{"x", "y", "z"};
  for (std::size_t axis = 0; axis < kAxes.size(); ++axis) {
    const auto value = location->find(kAxes[axis]);
    if (value == location->end() || !value->is_number()) {
      fail(subject, number, fmt::format("its location has no number {}", kAxes[axis]));
    }
    particle.at[axis] = value->get<double>() * scale;
    if (!std::isfinite(particle.at[axis])) fail(subject, number, "a coordinate out of range");
  }
  return particle;
}

Particles parse_ndjson(std::string_view text, const Geometry& geometry, std::string_view subject) {
  Particles particles;
  particles.format = Particles::Format::ndjson;
  particles.block.clear();
  const double scale = voxels_per_pixel(geometry, subject);
  particles.pixels_per_voxel = 1 / scale;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    while (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    particles.rows.push_back(parse_point(line, number, scale, subject));
  }
  return particles;
}

}  // namespace

Particles parse_particles(ByteSpan text, const Geometry& geometry, std::string_view subject) {
  const std::string_view characters = as_text(text);
  const std::size_t first = characters.find_first_not_of(" \t\r\n");
  const bool json = first != std::string_view::npos && characters[first] == '{';
  return json ? parse_ndjson(characters, geometry, subject)
              : parse_star(characters, geometry, subject);
}

std::string to_text(const Particles& particles) {
  std::string text = particles.preamble;
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  for (const Particle& particle : particles.rows) {
    text += particle.line;
    text += '\n';
  }
  return text + particles.postamble;
}

}  // namespace cnf::em
