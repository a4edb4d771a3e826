// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/layout.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/metadata/metadata.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/statistics.h"

namespace cnf::cryoem {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kSchema = R"json({
  "type": "object",
  "required": ["kind", "statistics"],
  "definitions": {
    "number": {"anyOf": [{"type": "number"},
                         {"enum": ["NaN", "Infinity", "-Infinity"]}]},
    "count": {"type": "integer", "minimum": 0},
    "names": {"type": "array", "items": {"type": "string"}},
    "statistics": {
      "type": "object",
      "required": ["count", "nan", "min", "max", "mean", "m2"],
      "properties": {
        "count": {"$ref": "#/definitions/count"}, "nan": {"$ref": "#/definitions/count"},
        "min": {"$ref": "#/definitions/number"}, "max": {"$ref": "#/definitions/number"},
        "mean": {"$ref": "#/definitions/number"}, "m2": {"$ref": "#/definitions/number"}
      }
    }
  },
  "properties": {
    "kind": {"type": "string"},
    "statistics": {"type": "array", "items": {"$ref": "#/definitions/statistics"}},
    "histogram": {
      "type": "object",
      "required": ["low", "high", "counts"],
      "properties": {
        "low": {"type": "number"}, "high": {"type": "number"},
        "counts": {"type": "array", "items": {"$ref": "#/definitions/count"}}
      }
    },
    "source": {"type": "object"},
    "keep_bits": {"type": "integer", "minimum": 1, "maximum": 52},
    "converted_from": {"type": "string"},
    "flipped_y": {"type": "boolean"},
    "tilts": {"type": "array", "items": {"type": "number"}},
    "labels": {"$ref": "#/definitions/names"},
    "points": {"$ref": "#/definitions/names"}
  }
})json";

/// The schema takes 1e300 for an integer too.
std::uint64_t count_of(const Json& json) {
  if (!json.is_number_unsigned())
    throw Error(Errc::corrupt_data, "read", "statistics", "a count that is none: " + json.dump());
  return json.get<std::uint64_t>();
}

/// JSON has no infinity: names as Zarr's fill values have them.
Json number_json(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return value;
}
double number_of(const Json& json) {
  if (json.is_number()) return json.get<double>();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto& name = json.get_ref<const std::string&>();
  if (name == "NaN") return std::numeric_limits<double>::quiet_NaN();
  return name == "Infinity" ? kInfinity : -kInfinity;
}

void put_unless_empty(Json& json, const char* name, const auto& values) {
  if (!values.empty()) json[name] = values;
}

template <typename T>
void take(Json& json, const char* name, T& value) {
  const auto found = json.find(name);
  if (found == json.end()) return;
  value = found->template get<T>();
  json.erase(found);
}

}  // namespace

Json to_json(const Statistics& statistics) {
  return {{"count", statistics.count},
          {"nan", statistics.nan},
          {"min", number_json(statistics.min)},
          {"max", number_json(statistics.max)},
          {"mean", number_json(statistics.mean)},
          {"m2", number_json(statistics.m2)}};
}

Statistics statistics_of(const Json& json) {
  return {.count = count_of(json.at("count")),
          .nan = count_of(json.at("nan")),
          .min = number_of(json.at("min")),
          .max = number_of(json.at("max")),
          .mean = number_of(json.at("mean")),
          .m2 = number_of(json.at("m2"))};
}

Json to_json(const Custom& custom) {
  Json json = custom.unknown;
  json["kind"] = em::to_string(custom.kind);
  json["statistics"] = Json::array();
  for (const Statistics& level : custom.statistics) json["statistics"].push_back(to_json(level));
  if (!custom.histogram.counts.empty()) {
    json["histogram"] = {{"low", custom.histogram.low},
                         {"high", custom.histogram.high},
                         {"counts", custom.histogram.counts}};
  }
  json["source"] = custom.source;
  if (custom.keep_bits) json["keep_bits"] = *custom.keep_bits;
  if (custom.converted_from) json["converted_from"] = to_string(*custom.converted_from);
  if (custom.flipped_y) json["flipped_y"] = true;
  put_unless_empty(json, "tilts", custom.tilts);
  put_unless_empty(json, "labels", custom.labels);
  put_unless_empty(json, "points", custom.points);
  return json;
}

Custom parse_custom(const Json& custom, std::string_view subject) {
  static const Json schema = Json::parse(kSchema);
  metadata::validate_json(custom, schema, subject);
  Json rest = custom;
  Custom result;
  std::string kind;
  take(rest, "kind", kind);
  const std::optional<em::Kind> known = em::kind_of(kind);
  if (!known) {
    throw Error(Errc::unsupported, "read", subject, "an image of kind '" + kind + "'",
                "use a newer version of cnf");
  }
  result.kind = *known;
  for (const Json& level : custom.at("statistics"))
    result.statistics.push_back(statistics_of(level));
  rest.erase("statistics");
  if (const auto found = rest.find("histogram"); found != rest.end()) {
    result.histogram.low = found->at("low").get<double>();
    result.histogram.high = found->at("high").get<double>();
    for (const Json& count : found->at("counts"))
      result.histogram.counts.push_back(count_of(count));
    rest.erase(found);
  }
  take(rest, "source", result.source);
  if (int bits = 0; rest.contains("keep_bits")) {
    take(rest, "keep_bits", bits);
    result.keep_bits = bits;
  }
  std::string converted;
  take(rest, "converted_from", converted);
  result.converted_from = data_type(converted);
  take(rest, "flipped_y", result.flipped_y);
  take(rest, "tilts", result.tilts);
  take(rest, "labels", result.labels);
  take(rest, "points", result.points);
  result.unknown = std::move(rest);
  return result;
}

}  // namespace cnf::cryoem
