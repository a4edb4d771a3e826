// SPDX-License-Identifier: Apache-2.0
#include "cnf/zarr/ome.h"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/util/error.h"

namespace cnf::zarr {
namespace {

using Json = nlohmann::json;
using Numbers = std::vector<double>;

const Json kVersion04 = Json::parse(R"({"multiscales": [{
  "version": "0.4", "name": "tomogram", "type": "mean",
  "axes": [{"name": "z", "type": "space", "unit": "angstrom"},
           {"name": "y", "type": "space", "unit": "angstrom"},
           {"name": "x", "type": "space", "unit": "angstrom"}],
  "datasets": [
    {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [5, 4, 4]}]},
    {"path": "1", "coordinateTransformations": [{"type": "scale", "scale": [10, 8, 8]},
                                                {"type": "translation",
                                                 "translation": [2.5, 2, 2]}]}]}],
  "omero": {"channels": [{"color": "FFFFFF",
                          "window": {"min": -9, "max": 9, "start": -2, "end": 2.5}}]}})");

Multiscale parse(const Json& attributes) {
  std::optional<Multiscale> image = parse_multiscale(attributes, "test");
  EXPECT_TRUE(image);
  return image.value_or(Multiscale());
}

Errc refusal(const Json& attributes) {
  try {
    (void)parse_multiscale(attributes, "test");
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::internal;
}

TEST(Ome, ReadsVersion04AtTheTopOfTheAttributes) {
  const Multiscale image = parse(kVersion04);
  EXPECT_EQ(image.name, "tomogram");
  EXPECT_EQ(image.downscaling, "mean");
  ASSERT_EQ(image.axes.size(), 3U);
  EXPECT_EQ(image.axes[2], (Axis{"x", "space", "angstrom"}));
  ASSERT_EQ(image.levels.size(), 2U);
  EXPECT_EQ(image.levels[0].scale, (Numbers{5, 4, 4}));
  EXPECT_EQ(image.levels[0].translation, (Numbers{0, 0, 0}));
  EXPECT_EQ(image.levels[1].path, "1");
  EXPECT_EQ(image.levels[1].translation, (Numbers{2.5, 2, 2}));
  ASSERT_TRUE(image.window);
  EXPECT_EQ(image.window->start, -2);
  EXPECT_EQ(image.window->end, 2.5);
}

TEST(Ome, WritesVersion05ThatReadsBackTheSame) {
  Multiscale image = parse(kVersion04);
  image.axes[0] = {.name = "n"};  // neither type nor unit
  const Json ome = to_json(image);
  EXPECT_EQ(ome["version"], "0.5");
  EXPECT_EQ(ome["multiscales"][0]["axes"][0], Json({{"name", "n"}}));
  const Multiscale again = parse({{"ome", ome}});
  EXPECT_EQ(again.name, image.name);
  EXPECT_EQ(again.downscaling, "mean");
  EXPECT_EQ(again.axes, image.axes);
  ASSERT_EQ(again.levels.size(), 2U);
  EXPECT_EQ(again.levels[1].scale, image.levels[1].scale);
  EXPECT_EQ(again.levels[1].translation, image.levels[1].translation);
  ASSERT_TRUE(again.window);
  EXPECT_EQ(again.window->max, 9);
}

// 0.4 and 0.5: what stands beside `datasets` is applied to every level, after its own.
TEST(Ome, AppliesTheTransformationsOfAllLevelsLast) {
  Json attributes = kVersion04;
  attributes["multiscales"][0]["coordinateTransformations"] =
      Json::parse(R"([{"type": "scale", "scale": [2, 1, 1]},
                      {"type": "translation", "translation": [100, 0, -1]}])");
  const Multiscale image = parse(attributes);
  EXPECT_EQ(image.levels[1].scale, (Numbers{20, 8, 8}));
  EXPECT_EQ(image.levels[1].translation, (Numbers{105, 2, 1}));
}

// RFC 5: the levels lead to a named system, by one transformation or a sequence; from there to
// others it is not followed.
TEST(Ome, ReadsTheSystemOf06ThatTheLevelsLeadTo) {
  const Multiscale image = parse(Json::parse(R"({"ome": {"version": "0.6.dev1", "multiscales": [{
    "coordinateSystems": [
      {"name": "world", "axes": [{"name": "a"}, {"name": "b"}]},
      {"name": "physical", "axes": [{"name": "y", "type": "space", "unit": "micrometer"},
                                    {"name": "x", "type": "space", "unit": "micrometer"}]}],
    "datasets": [{"path": "s/0", "coordinateTransformations": [{
      "type": "sequence", "input": {"path": "s/0"}, "output": {"name": "physical"},
      "transformations": [{"type": "translation", "translation": [1, 2]},
                          {"type": "identity"},
                          {"type": "scale", "scale": [3, 0.5]}]}]}],
    "coordinateTransformations": [{"type": "rotation", "input": "physical", "output": "world",
                                   "rotation": [[0, 1], [1, 0]]}]}]}})"));
  ASSERT_EQ(image.axes.size(), 2U);
  EXPECT_EQ(image.axes[1], (Axis{"x", "space", "micrometer"}));
  EXPECT_EQ(image.levels[0].path, "s/0");
  EXPECT_EQ(image.levels[0].scale, (Numbers{3, 0.5}));
  EXPECT_EQ(image.levels[0].translation, (Numbers{3, 1}));
}

TEST(Ome, ReadsTheAxesOf03ByTheirNames) {
  const Multiscale image = parse(Json::parse(
      R"({"multiscales": [{"axes": ["t", "c", "y", "x"], "datasets": [{"path": "0"}]}]})"));
  EXPECT_EQ(image.axes[0].type, "time");
  EXPECT_EQ(image.axes[1].type, "channel");
  EXPECT_EQ(image.axes[3], (Axis{"x", "space", ""}));
  EXPECT_EQ(image.levels[0].scale, (Numbers{1, 1, 1, 1}));
}

TEST(Ome, FindsNoImageWhereThereIsNone) {
  EXPECT_FALSE(parse_multiscale(Json::object(), "test"));
  EXPECT_FALSE(parse_multiscale(Json(), "test"));
  EXPECT_FALSE(parse_multiscale(Json::parse(R"({"ome": {"version": "0.5", "labels": []}})"), "t"));
}

TEST(Ome, TakesNoWindowThatIsNotWhole) {
  Json attributes = kVersion04;
  attributes["omero"]["channels"][0]["window"].erase("end");
  EXPECT_FALSE(parse(attributes).window);
  attributes["omero"]["channels"] = "none";
  EXPECT_FALSE(parse(attributes).window);
}

struct RefusalCase {
  const char* name;
  const char* place;  // in version 0.4's attributes, made to be…
  Json value;
  Errc want;
};

TEST(Ome, RefusesWhatItIsNot) {
  const Json deep = [] {
    Json step = {{"type", "identity"}};
    for (int i = 0; i < 100; ++i) {
      step = {{"type", "sequence"}, {"transformations", Json::array({step})}};
    }
    return Json::array({step});
  }();
  const std::string list = "/multiscales/0/datasets/0/coordinateTransformations";
  const RefusalCase cases[] = {
      {"no list of images", "/multiscales", Json(5), Errc::corrupt_data},
      {"no images", "/multiscales", Json::array(), Errc::corrupt_data},
      {"image of another kind", "/multiscales/0", Json("a"), Errc::corrupt_data},
      {"0.2", "/multiscales/0", {{"datasets", {{{"path", "0"}}}}}, Errc::unsupported},
      {"no axes", "/multiscales/0/axes", Json::array(), Errc::corrupt_data},
      {"an axis that is a number", "/multiscales/0/axes/0", Json(1), Errc::corrupt_data},
      {"an axis without a name", "/multiscales/0/axes/0", Json::object(), Errc::corrupt_data},
      {"nine axes", "/multiscales/0/axes", Json(std::vector<std::string>(9, "x")),
       Errc::unsupported},
      {"no levels", "/multiscales/0/datasets", Json::array(), Errc::corrupt_data},
      {"a level without a path", "/multiscales/0/datasets/0", Json::object(), Errc::corrupt_data},
      {"a path outside", "/multiscales/0/datasets/0/path", Json("../0"), Errc::corrupt_data},
      {"a scale of two axes", "/multiscales/0/datasets/0/coordinateTransformations/0/scale",
       Json({1, 2}), Errc::corrupt_data},
      {"a scale of text", "/multiscales/0/datasets/0/coordinateTransformations/0/scale",
       Json({"1", "2", "3"}), Errc::corrupt_data},
      {"a scale in an array",
       list.c_str(),
       {{{"type", "scale"}, {"path", "scale"}}},
       Errc::unsupported},
      {"a scale without end",
       list.c_str(),
       {{{"type", "scale"}, {"scale", {1e300, 1, 1}}},
        {{"type", "scale"}, {"scale", {1e300, 1, 1}}}},
       Errc::corrupt_data},
      {"a rotation", list.c_str(), {{{"type", "rotation"}}}, Errc::unsupported},
      {"transformations that are none", list.c_str(), Json("a"), Errc::corrupt_data},
      {"sequences of sequences", list.c_str(), deep, Errc::corrupt_data},
      {"another version", "/ome", {{"version", "0.9"}, {"multiscales", {1}}}, Errc::unsupported},
      {"a system that is not told", "/ome", Json::parse(R"({"version": "0.6", "multiscales": [{
         "coordinateSystems": [{"name": "a", "axes": [{"name": "x"}]}],
         "datasets": [{"path": "0", "coordinateTransformations": [
           {"type": "identity", "output": "b"}]}]}]})"),
       Errc::corrupt_data},
  };
  for (const RefusalCase& row : cases) {
    Json attributes = kVersion04;
    attributes[Json::json_pointer(row.place)] = row.value;
    EXPECT_EQ(refusal(attributes), row.want) << row.name;
  }
}

TEST(Ome, NamesTheImagesOfLabels) {
  const Json labels = labels_json({"membranes", "ribosomes"});
  EXPECT_EQ(parse_labels({{"ome", labels}}, "test"),
            (std::vector<std::string>{"membranes", "ribosomes"}));
  EXPECT_EQ(parse_labels(Json::parse(R"({"labels": ["a"]})"), "test"),
            std::vector<std::string>{"a"});
  EXPECT_TRUE(parse_labels(kVersion04, "test").empty());
  for (const char* hostile :
       {R"({"labels": "a"})", R"({"labels": [1]})", R"({"labels": ["../a"]})"}) {
    EXPECT_THROW((void)parse_labels(Json::parse(hostile), "test"), Error) << hostile;
  }
  const Json image = label_json(parse(kVersion04));
  EXPECT_EQ(image["image-label"]["source"]["image"], "../../");
  EXPECT_EQ(image["multiscales"][0]["datasets"][1]["path"], "1");
}

}  // namespace
}  // namespace cnf::zarr
