// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include <pugixml.hpp>
#include <tiff.h>

#include "cnf/em/source.h"
#include "cnf/em/tiff_file_internal.h"
#include "cnf/em/tiff_internal.h"

namespace cnf::em {
namespace {

constexpr double kLargestPixel = 1e5;  // Å

struct Unit {
  std::string_view name;
  double angstrom;
};
// As ImageJ ("\u00B5m" is its own spelling of the micro sign) and OME write them.
constexpr std::array kUnits = {
    Unit{"A", 1},         Unit{"\xC3\x85", 1},    Unit{"\xE2\x84\xAB", 1}, Unit{"Angstrom", 1},
    Unit{"angstrom", 1},  Unit{"Angstroms", 1},   Unit{"pm", 0.01},        Unit{"nm", 10},
    Unit{"um", 1e4},      Unit{"\xC2\xB5m", 1e4}, Unit{"\xCE\xBCm", 1e4},  Unit{"\\u00B5m", 1e4},
    Unit{"micron", 1e4},  Unit{"microns", 1e4},   Unit{"mm", 1e7},         Unit{"cm", 1e8},
    Unit{"inch", 2.54e8},
};

std::optional<double> unit(std::string_view name) {
  for (const Unit& known : kUnits) {
    if (known.name == name) return known.angstrom;
  }
  return std::nullopt;
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The value of a line "key=value" of ImageJ's description; empty where there is none.
std::string_view line(std::string_view description, std::string_view key) {
  for (std::size_t at = 0; at < description.size();) {
    const std::size_t end = std::min(description.find('\n', at), description.size());
    const std::string_view row = description.substr(at, end - at);
    if (row.size() > key.size() && row.starts_with(key) && row[key.size()] == '=') {
      return row.substr(key.size() + 1);
    }
    at = end + 1;
  }
  return {};
}

std::optional<double> per_length(const TiffFile& file, std::uint32_t tag, double length) {
  const std::optional<double> resolution = file.real(tag);
  if (!resolution || !(*resolution > 0)) return std::nullopt;
  return believed_pixel(length / *resolution);
}

void read_imagej(const TiffFile& file, std::string_view description, TiffScale& scale) {
  const auto count = [&](std::string_view key) {
    return number(line(description, key)).value_or(1);
  };
  if (count("slices") > 1) scale.kind = Kind::volume;
  if (count("frames") > 1) scale.kind = Kind::movie;
  const double images = count("images");
  if (images >= 1 && images < 1e6) scale.images = static_cast<std::uint64_t>(images);
  // Its unit, where it names one, is what the resolutions count in, whatever ResolutionUnit says.
  const std::optional<double> length = unit(line(description, "unit"));
  if (!length) return;
  scale.x = per_length(file, TIFFTAG_XRESOLUTION, *length);
  scale.y = per_length(file, TIFFTAG_YRESOLUTION, *length);
  if (const auto spacing = number(line(description, "spacing"))) {
    scale.z = believed_pixel(std::abs(*spacing) * *length);
  }
}

void read_ome(const std::string& description, TiffScale& scale) {
  pugi::xml_document document;
  if (!document.load_buffer(description.data(), description.size())) return;
  const pugi::xml_node pixels = document.child("OME").child("Image").child("Pixels");
  const auto size = [&](const char* name, const char* unit_name) -> std::optional<double> {
    const double length = pixels.attribute(name).as_double();
    const auto angstrom = unit(pixels.attribute(unit_name).as_string("um"));
    return angstrom ? believed_pixel(length * *angstrom) : std::nullopt;
  };
  scale.x = size("PhysicalSizeX", "PhysicalSizeXUnit");
  scale.y = size("PhysicalSizeY", "PhysicalSizeYUnit");
  scale.z = size("PhysicalSizeZ", "PhysicalSizeZUnit");
  if (pixels.attribute("SizeZ").as_uint() > 1) scale.kind = Kind::volume;
  if (pixels.attribute("SizeT").as_uint() > 1) scale.kind = Kind::movie;
}

}  // namespace

std::optional<double> believed_pixel(double angstrom) {
  if (!(angstrom > 0) || angstrom >= kLargestPixel) return std::nullopt;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6e", angstrom);
  return number(text.data());
}

TiffScale tiff_scale(const TiffFile& file) {
  TiffScale scale;
  const std::string description = file.text(TIFFTAG_IMAGEDESCRIPTION);
  if (description.starts_with("ImageJ=")) {
    read_imagej(file, description, scale);
  } else if (description.find("<OME") != std::string::npos) {
    read_ome(description, scale);
  }
  const std::uint32_t counted_in = file.number(TIFFTAG_RESOLUTIONUNIT, RESUNIT_NONE);
  if (!scale.x && counted_in != RESUNIT_NONE) {
    const double length = counted_in == RESUNIT_CENTIMETER ? 1e8 : 2.54e8;
    scale.x = per_length(file, TIFFTAG_XRESOLUTION, length);
    scale.y = per_length(file, TIFFTAG_YRESOLUTION, length);
  }
  return scale;
}

}  // namespace cnf::em
