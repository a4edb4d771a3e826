// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/zarr/ome.h"

namespace cnf::zarr {
namespace {

using Json = nlohmann::json;

constexpr const char* kVersion = "0.5";

Json to_json(const Axis& axis) {
  Json out{{"name", axis.name}};
  if (!axis.type.empty()) out["type"] = axis.type;
  if (!axis.unit.empty()) out["unit"] = axis.unit;
  return out;
}

// One scale, then one translation, as the specification has it.
Json to_json(const Level& level) {
  return {{"path", level.path},
          {"coordinateTransformations",
           {{{"type", "scale"}, {"scale", level.scale}},
            {{"type", "translation"}, {"translation", level.translation}}}}};
}

// What viewers need beyond the window: a colour, and that the channel is to be seen.
Json omero_of(const Multiscale& image, const Window& window) {
  Json channel{
      {"active", true},
      {"color", "FFFFFF"},
      {"window",
       {{"min", window.min}, {"max", window.max}, {"start", window.start}, {"end", window.end}}}};
  if (!image.name.empty()) channel["label"] = image.name;
  return {{"channels", Json::array({std::move(channel)})}};
}

}  // namespace

Json to_json(const Multiscale& image) {
  Json multiscale{{"axes", Json::array()}, {"datasets", Json::array()}};
  for (const Axis& axis : image.axes) multiscale["axes"].push_back(to_json(axis));
  for (const Level& level : image.levels) multiscale["datasets"].push_back(to_json(level));
  if (!image.name.empty()) multiscale["name"] = image.name;
  if (!image.downscaling.empty()) multiscale["type"] = image.downscaling;
  Json ome{{"version", kVersion}, {"multiscales", Json::array({std::move(multiscale)})}};
  if (image.window) ome["omero"] = omero_of(image, *image.window);
  return ome;
}

Json label_json(const Multiscale& labels) {
  Json ome = to_json(labels);
  ome["image-label"] = {{"version", kVersion}, {"source", {{"image", "../../"}}}};
  return ome;
}

Json labels_json(const std::vector<std::string>& names) {
  return {{"version", kVersion}, {"labels", names}};
}

}  // namespace cnf::zarr
