// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cnf/core/storage/keys.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/json_internal.h"
#include "cnf/zarr/ome.h"

namespace cnf::zarr {
namespace {

using Json = nlohmann::json;

// A sequence may hold sequences; nobody's hold more.
constexpr int kMaxDepth = 8;

bool is_key(std::string_view path) {
  try {
    storage::check_key("read OME-Zarr", path, {});
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// The multiscales member of one group: every step says what is wrong, and where it was read.
class Reader {
 public:
  /// \param version  of OME-Zarr, as `ome` tells it; empty where the member stands at the top.
  Reader(std::string_view version, std::string_view subject)
      : systems_(version.starts_with("0.6")), subject_(subject) {}

  [[nodiscard]] Multiscale read(const Json& multiscales) const;

 private:
  [[noreturn]] void refuse(std::string_view what) const {
    throw Error(Errc::corrupt_data, "read OME-Zarr", subject_, what);
  }
  [[noreturn]] void unsupported(std::string_view what, std::string_view remedy = {}) const {
    throw Error(Errc::unsupported, "read OME-Zarr", subject_, what, remedy);
  }

  [[nodiscard]] const Json& list(const Json& object, const char* name) const;
  [[nodiscard]] std::string text(const Json& object, const char* name, bool needed = false) const;
  [[nodiscard]] std::vector<double> numbers(const Json& object, const char* name,
                                            std::size_t count) const;
  [[nodiscard]] Axis read_axis(const Json& item) const;
  [[nodiscard]] std::vector<Axis> read_axes(const Json& list) const;
  [[nodiscard]] const Json& axes_of_system(const Json& multiscale) const;
  void apply(const Json& transformation, Level& level, int depth = 0) const;
  void apply_all(const Json& object, Level& level) const;
  [[nodiscard]] Level read_level(const Json& dataset, std::size_t axes) const;

  bool systems_;  // whether transformations lead between named systems of coordinates
  std::string_view subject_;
};

const Json& Reader::list(const Json& object, const char* name) const {
  const auto found = object.is_object() ? object.find(name) : object.end();
  if (found == object.end() || !found->is_array() || found->empty()) {
    refuse(fmt::format("'{}' is no list with something in it", name));
  }
  return *found;
}

std::string Reader::text(const Json& object, const char* name, bool needed) const {
  const auto found = object.find(name);
  if (found != object.end() && found->is_string()) return found->get<std::string>();
  if (needed) refuse(fmt::format("'{}' is no text", name));
  return {};
}

std::vector<double> Reader::numbers(const Json& object, const char* name, std::size_t count) const {
  if (!object.contains(name) && object.contains("path")) {
    unsupported(fmt::format("a {} whose numbers are in an array of its own", name));
  }
  const Json& items = list(object, name);
  if (items.size() != count) refuse(fmt::format("a {} not of {} numbers", name, count));
  std::vector<double> values;
  for (const Json& item : items) {
    if (!item.is_number()) refuse(fmt::format("a {} not of {} numbers", name, count));
    values.push_back(item.get<double>());
  }
  return values;
}

// Before 0.4 an axis is its name alone.
Axis Reader::read_axis(const Json& item) const {
  if (item.is_object()) {
    return {text(item, "name", true), text(item, "type"), text(item, "unit")};
  }
  if (!item.is_string()) refuse("an axis is neither an object nor a name");
  const auto name = item.get<std::string>();
  return {.name = name, .type = name == "t" ? "time" : name == "c" ? "channel" : "space"};
}

std::vector<Axis> Reader::read_axes(const Json& list) const {
  if (list.size() > kMaxDimensions) unsupported(fmt::format("{} axes", list.size()));
  std::vector<Axis> axes;
  for (const Json& item : list) axes.push_back(read_axis(item));
  return axes;
}

// "physical", or in later drafts {"name": "physical"}.
std::string system_name(const Json& transformation, const char* side) {
  if (!transformation.is_object() || !transformation.contains(side)) return {};
  const Json& place = transformation[side];
  if (place.is_string()) return place.get<std::string>();
  const bool named = place.is_object() && place.contains("name") && place["name"].is_string();
  return named ? place["name"].get<std::string>() : std::string();
}

// Those of the system that the first level's transformation leads to.
const Json& Reader::axes_of_system(const Json& multiscale) const {
  const Json& dataset = list(multiscale, "datasets").front();
  const std::string output =
      system_name(list(dataset, "coordinateTransformations").back(), "output");
  for (const Json& system : list(multiscale, "coordinateSystems")) {
    if (system.is_object() && text(system, "name") == output) return list(system, "axes");
  }
  refuse("the levels lead to a system of coordinates that is not told");
}

void Reader::apply(const Json& transformation, Level& level, int depth) const {
  if (depth == kMaxDepth) refuse("sequences of transformations within one another");
  if (!transformation.is_object()) refuse("a transformation is no object");
  const std::string type = text(transformation, "type", true);
  const std::size_t axes = level.scale.size();
  if (type == "scale") {
    const std::vector<double> by = numbers(transformation, "scale", axes);
    for (std::size_t axis = 0; axis < axes; ++axis) {
      level.scale[axis] *= by[axis];
      level.translation[axis] *= by[axis];
    }
  } else if (type == "translation") {
    const std::vector<double> by = numbers(transformation, "translation", axes);
    for (std::size_t axis = 0; axis < axes; ++axis) level.translation[axis] += by[axis];
  } else if (type == "sequence") {
    for (const Json& step : list(transformation, "transformations")) apply(step, level, depth + 1);
  } else if (type != "identity") {
    unsupported(fmt::format("its coordinates are transformed by {}", in_quotes(type)),
                "only scales and translations are read");
  }
}

// None are needed before 0.4, and writers of later versions leave the list empty.
void Reader::apply_all(const Json& object, Level& level) const {
  const auto found = object.find("coordinateTransformations");
  if (found == object.end()) return;
  if (!found->is_array()) refuse("'coordinateTransformations' is no list");
  for (const Json& step : *found) apply(step, level);
}

Level Reader::read_level(const Json& dataset, std::size_t axes) const {
  if (!dataset.is_object()) refuse("a level is no object");
  Level level{.path = text(dataset, "path", true),
              .scale = std::vector<double>(axes, 1),
              .translation = std::vector<double>(axes, 0)};
  if (!is_key(level.path)) refuse("the path of a level is none within the group");
  apply_all(dataset, level);
  return level;
}

Multiscale Reader::read(const Json& multiscales) const {
  if (!multiscales.is_array() || multiscales.empty() || !multiscales.front().is_object()) {
    refuse("'multiscales' is no list of images");
  }
  const Json& first = multiscales.front();
  if (!systems_ && !first.contains("axes")) {
    unsupported("its axes are not told, as in OME-Zarr 0.2 and before",
                "write it anew as version 0.4 or 0.5");
  }
  Multiscale image{.name = text(first, "name"), .downscaling = text(first, "type")};
  image.axes = read_axes(systems_ ? axes_of_system(first) : list(first, "axes"));
  for (const Json& dataset : list(first, "datasets")) {
    image.levels.push_back(read_level(dataset, image.axes.size()));
    // Of 0.6 they lead on, to systems that nobody asked for; before, they hold for every level.
    if (!systems_) apply_all(first, image.levels.back());
    for (std::size_t axis = 0; axis < image.axes.size(); ++axis) {
      const Level& level = image.levels.back();
      if (!std::isfinite(level.scale[axis]) || !std::isfinite(level.translation[axis])) {
        refuse("its coordinates have no end");
      }
    }
  }
  return image;
}

// A hint for viewers: one that is not as it should be is no reason to read nothing.
std::optional<Window> read_window(const Json& ome) {
  const Json::json_pointer place("/omero/channels/0/window");
  if (!ome.contains(place) || !ome[place].is_object()) return {};
  const Json& window = ome[place];
  const auto number = [&](const char* name) {
    return window.contains(name) && window[name].is_number()
               ? window[name].get<double>()
               : std::numeric_limits<double>::quiet_NaN();
  };
  const Window read{number("min"), number("max"), number("start"), number("end")};
  const bool whole = std::isfinite(read.min) && std::isfinite(read.max) &&
                     std::isfinite(read.start) && std::isfinite(read.end);
  return whole ? std::optional(read) : std::nullopt;
}

// `ome` of 0.5 and later; before, the attributes themselves.
const Json& ome_of(const Json& attributes) {
  const auto ome = attributes.find("ome");
  return ome != attributes.end() && ome->is_object() ? *ome : attributes;
}

}  // namespace

std::optional<Multiscale> parse_multiscale(const Json& attributes, std::string_view subject) {
  if (!attributes.is_object()) return {};
  const Json& ome = ome_of(attributes);
  const auto found = ome.find("multiscales");
  if (found == ome.end()) return {};
  std::string version;
  if (&ome != &attributes && ome.contains("version") && ome["version"].is_string()) {
    version = ome["version"].get<std::string>();
    if (!version.starts_with("0.5") && !version.starts_with("0.6")) {
      throw Error(Errc::unsupported, "read OME-Zarr", subject,
                  fmt::format("it is of version {}", in_quotes(version)),
                  "0.4, 0.5 and 0.6 are read");
    }
  }
  Multiscale image = Reader(version, subject).read(*found);
  image.window = read_window(ome);
  return image;
}

std::vector<std::string> parse_labels(const Json& attributes, std::string_view subject) {
  if (!attributes.is_object()) return {};
  const Json& ome = ome_of(attributes);
  const auto found = ome.find("labels");
  if (found == ome.end()) return {};
  const bool names = found->is_array() && std::ranges::all_of(*found, [](const Json& name) {
                       return name.is_string() && is_key(name.get_ref<const std::string&>());
                     });
  if (!names) {
    throw Error(Errc::corrupt_data, "read OME-Zarr", subject, "'labels' is no list of names");
  }
  return found->get<std::vector<std::string>>();
}

}  // namespace cnf::zarr
