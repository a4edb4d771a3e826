// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/metadata/manager.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/formats/cryoem/import.h"
#include "cnf/formats/cryoem/layout.h"
#include "cnf/formats/cryoem/test_sources_internal.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/ome.h"

namespace cnf::cryoem {
namespace {

using testing::ComputedSource;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::scrambled;
using testing::volume_info;
using Store = std::shared_ptr<storage::Storage>;

const Shape kShape{21, 40, 50};

Store with_image() {
  const Store store = storage::make_memory();
  const ComputedSource<std::int16_t> image(
      volume_info(kShape, DataType::int16),
      [](const Shape& at) { return static_cast<std::int16_t>(scrambled(at)); });
  static_cast<void>(import_source(image, store, {.chunk = {8, 16, 16}, .shard = {8, 16, 16}}));
  return store;
}

/// Blocks of three classes and of none.
template <typename T>
ComputedSource<T> classes(DataType type, const Shape& shape = kShape) {
  return {volume_info(shape, type), [](const Shape& at) {
            return static_cast<T>(scrambled({at[0] / 5, at[1] / 7, at[2] / 6}) % 4);
          }};
}

ImportOptions as_label(const std::string& name) {
  return {.chunk = {16, 16, 16}, .shard = {16, 32, 32}, .label = name};
}

std::vector<std::uint8_t> read_level(const Store& store, const std::string& path) {
  const zarr::Array array = zarr::Array::open(store, path);
  EXPECT_EQ(array.metadata().type, DataType::uint8);
  std::vector<std::uint8_t> values(array.shape().elements());
  array.read(Box::of(array.shape()), std::as_writable_bytes(std::span(values)));
  return values;
}

zarr::Multiscale label_in(const Store& store, const std::string& name) {
  const auto group = metadata::Manager(store).load({}, metadata::Place::group).group;
  const auto& node = group.at("consolidated_metadata").at("metadata").at("labels/" + name);
  return zarr::parse_multiscale(node.at("attributes"), name).value();
}

void expect_valid(const Store& store) {
  const auto report = query::validate_objects(query::open_dataset(store), {});
  for (const auto& finding : report.findings) {
    if (finding.severity == query::Finding::Severity::error)
      ADD_FAILURE() << finding.object << ": " << finding.what;
  }
}

/// The most frequent of the voxels that a voxel of the next level stands for; the least on a tie.
std::vector<std::uint8_t> modes(const std::vector<std::uint8_t>& values, const Shape& shape) {
  std::vector<std::uint8_t> result;
  for (std::uint64_t z = 0; z < shape[0]; z += 2) {
    for (std::uint64_t y = 0; y < shape[1]; y += 2) {
      for (std::uint64_t x = 0; x < shape[2]; x += 2) {
        std::array<int, 4> counts{};
        for (std::uint64_t part = 0; part != 8; ++part) {
          const std::array<std::uint64_t, 3> at{z + part / 4, y + part / 2 % 2, x + part % 2};
          if (at[0] == shape[0] || at[1] == shape[1] || at[2] == shape[2]) continue;
          ++counts[values[(at[0] * shape[1] + at[1]) * shape[2] + at[2]]];
        }
        const auto* const most = std::max_element(counts.begin(), counts.end());
        result.push_back(static_cast<std::uint8_t>(most - counts.begin()));
      }
    }
  }
  return result;
}

std::string why_not(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "it was done";
}

TEST(CryoemLabels, HaveTheImagesLevelsAndTheModeOfVoxels) {
  const Store store = with_image();
  const auto source = classes<std::uint8_t>(DataType::uint8);
  static_cast<void>(import_source(source, store, as_label("organelles")));
  const zarr::Multiscale label = label_in(store, "organelles");
  const auto group = metadata::Manager(store).load({}, metadata::Place::group).group;
  const auto image = zarr::parse_multiscale(group.at("attributes"), "it").value();
  ASSERT_EQ(label.levels.size(), image.levels.size());
  EXPECT_EQ(label.levels[1].scale, image.levels[1].scale);
  EXPECT_EQ(label.levels[1].translation, image.levels[1].translation);
  std::vector<std::uint8_t> want(kShape.elements());
  source.read(Box::of(kShape), std::as_writable_bytes(std::span(want)), {});
  EXPECT_EQ(read_level(store, "labels/organelles/" + label.levels[0].path), want);
  EXPECT_EQ(read_level(store, "labels/organelles/" + label.levels[1].path), modes(want, kShape));
  expect_valid(store);
}

TEST(CryoemLabels, OfFloatsAreConvertedIfTheyAreWhole) {
  const Store store = with_image();
  ImportOptions options = as_label("a");
  EXPECT_THAT(why_not([&] {
                static_cast<void>(import_source(classes<float>(DataType::float32), store, options));
              }),
              HasSubstr("--dtype"));
  options.type = DataType::uint8;
  static_cast<void>(import_source(classes<float>(DataType::float32), store, options));
  std::vector<std::uint8_t> want(kShape.elements());
  classes<std::uint8_t>(DataType::uint8)
      .read(Box::of(kShape), std::as_writable_bytes(std::span(want)), {});
  EXPECT_EQ(read_level(store, "labels/a/" + label_in(store, "a").levels[0].path), want);

  const ComputedSource<float> parts(volume_info(kShape, DataType::float32),
                                    [](const Shape& at) { return at[0] == 20 ? 2.25F : 1.0F; });
  options.label = "b";
  EXPECT_THAT(why_not([&] { static_cast<void>(import_source(parts, store, options)); }),
              HasSubstr("2.25 is no whole number"));
  EXPECT_THAT(
      parse_custom(metadata::Manager(store).load({}, metadata::Place::group).metadata.custom, "it")
          .labels,
      ElementsAre("a"));
  expect_valid(store);
}

TEST(CryoemLabels, AreAddedBesideEachOtherAndReplacedIfAsked) {
  const Store store = with_image();
  const auto source = classes<std::uint8_t>(DataType::uint8);
  static_cast<void>(import_source(source, store, as_label("a")));
  static_cast<void>(import_source(source, store, as_label("b")));
  EXPECT_THAT(why_not([&] { static_cast<void>(import_source(source, store, as_label("a"))); }),
              HasSubstr("there are labels of that name"));
  const ComputedSource<std::uint8_t> ones(volume_info(kShape, DataType::uint8),
                                          [](const Shape&) { return std::uint8_t{1}; });
  ImportOptions again = as_label("a");
  again.existing = query::Existing::replace;
  static_cast<void>(import_source(ones, store, again));
  EXPECT_THAT(read_level(store, "labels/a/" + label_in(store, "a").levels[0].path),
              ::testing::Each(1));
  EXPECT_THAT(read_level(store, "labels/b/" + label_in(store, "b").levels[0].path),
              ::testing::Contains(3));
  EXPECT_THAT(
      parse_custom(metadata::Manager(store).load({}, metadata::Place::group).metadata.custom, "it")
          .labels,
      ElementsAre("a", "b"));
  expect_valid(store);
}

TEST(CryoemLabels, RefuseOtherShapesAndNames) {
  const Store store = with_image();
  EXPECT_THAT(why_not([&] {
                static_cast<void>(import_source(
                    classes<std::uint8_t>(DataType::uint8, {21, 40, 51}), store, as_label("a")));
              }),
              HasSubstr("that of the image 21x40x50"));
  for (const char* name : {"", "../a", "a/b", ".a", "__cnf"}) {
    EXPECT_THAT(why_not([&] {
                  static_cast<void>(
                      import_source(classes<std::uint8_t>(DataType::uint8), store, as_label(name)));
                }),
                HasSubstr("is no name for them"))
        << name;
  }
  EXPECT_NE(why_not([] {
              static_cast<void>(import_source(classes<std::uint8_t>(DataType::uint8),
                                              storage::make_memory(), as_label("a")));
            }),
            "it was done");
}

}  // namespace
}  // namespace cnf::cryoem
