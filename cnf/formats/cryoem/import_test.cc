// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/cryoem/import.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/index/btree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/chunk_statistics_internal.h"
#include "cnf/formats/cryoem/layout.h"
#include "cnf/formats/cryoem/statistics.h"
#include "cnf/formats/cryoem/test_sources_internal.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/ome.h"

namespace cnf::cryoem {
namespace {

using testing::ComputedSource;
using testing::scrambled;
using testing::volume_info;
using Store = std::shared_ptr<storage::Storage>;

/// What an import should give: every level by its definition, from level 0.
template <typename T>
struct Expected {
  std::vector<Shape> shapes = {};
  std::vector<std::vector<T>> levels = {};
};

template <typename T>
std::vector<T> voxels_of(const em::Source& source) {
  std::vector<T> values(source.info().shape.elements());
  source.read(Box::of(source.info().shape), std::as_writable_bytes(std::span(values)), {});
  return values;
}

/// The mean of every box of `factor` voxels. Sums of test volumes are exact in double.
template <typename T>
std::vector<T> means(const std::vector<T>& values, const Shape& shape, const Shape& factor,
                     const Shape& small) {
  std::vector<double> sums(small.elements());
  std::vector<double> counts(small.elements());
  chunk::for_each_place(Box::of(shape), [&](const Shape& at) {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    for (std::size_t axis = 0; axis < at.size(); ++axis) {
      from = from * shape[axis] + at[axis];
      to = to * small[axis] + at[axis] / factor[axis];
    }
    const auto value = static_cast<double>(values[from]);
    if (std::isnan(value)) return;
    sums[to] += value;
    ++counts[to];
  });
  std::vector<T> result(sums.size());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double mean = sums[i] / counts[i];
    result[i] = static_cast<T>(std::is_integral_v<T> ? std::nearbyint(mean) : mean);
  }
  return result;
}

template <typename T>
Expected<T> expected_of(const em::Source& source, const std::vector<Shape>& factors) {
  const auto voxels = voxels_of<T>(source);
  const Shape& shape = source.info().shape;
  Expected<T> expected;
  for (const Shape& factor : factors) {
    Shape small = shape;
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
      small[axis] = (shape[axis] + factor[axis] - 1) / factor[axis];
    expected.levels.push_back(means(voxels, shape, factor, small));
    expected.shapes.push_back(small);
  }
  return expected;
}

template <typename T>
std::vector<T> read_level(const Store& store, const std::string& path, const Shape& shape) {
  const zarr::Array array = zarr::Array::open(store, path);
  EXPECT_EQ(array.shape(), shape) << path;
  std::vector<T> values(shape.elements());
  array.read(Box::of(shape), std::as_writable_bytes(std::span(values)));
  return values;
}

template <typename T>
void expect_levels(const Store& store, const Expected<T>& expected,
                   const std::string& prefix = "") {
  for (std::size_t level = 0; level < expected.levels.size(); ++level) {
    const auto found = read_level<T>(store, prefix + std::to_string(level), expected.shapes[level]);
    const auto& want = expected.levels[level];
    for (std::size_t i = 0; i < want.size(); ++i) {
      if (std::isnan(static_cast<double>(want[i]))) {
        ASSERT_TRUE(std::isnan(static_cast<double>(found[i])));
      } else {
        ASSERT_EQ(found[i], want[i]) << "level " << level << ", voxel " << i;
      }
    }
  }
}

Custom custom_in(const Store& store) {
  return parse_custom(metadata::Manager(store).load({}, metadata::Place::group).metadata.custom,
                      "a dataset");
}

void expect_valid(const Store& store) {
  const auto report = query::validate_objects(query::open_dataset(store), {});
  for (const auto& finding : report.findings)
    ADD_FAILURE() << finding.object << ": " << finding.what;
}

std::map<std::string, std::string> objects_in(const Store& store) {
  std::map<std::string, std::string> objects;
  for (auto listing = store->list(); const auto info = listing.next();)
    objects[info->key] = as_text(store->read_all(info->key, 1U << 30U).bytes);
  return objects;
}

ComputedSource<std::int16_t> words(const Shape& shape) {
  return {volume_info(shape, DataType::int16), [](const Shape& at) {
            return static_cast<std::int16_t>(static_cast<std::int64_t>(at[0] * 7 + at[1]) -
                                             static_cast<std::int64_t>(scrambled(at) % 999));
          }};
}

ImportOptions small_chunks() { return {.chunk = {8, 16, 16}, .shard = {16, 32, 64}, .name = "v"}; }

TEST(CryoemImport, WritesEveryLevelAsTheMeanOfTheFirst) {
  const auto source = words({37, 70, 130});
  const Store store = storage::make_memory();
  const ImportReport report = import_source(source, store, small_chunks());
  EXPECT_EQ(report.levels, 5U);
  EXPECT_EQ(report.voxels, 37U * 70 * 130);
  EXPECT_EQ(report.codec, "blosc(lz4, bitshuffle)");
  std::vector<Shape> factors;
  for (std::uint64_t f = 1; f <= 16; f *= 2) factors.push_back({f, f, f});
  expect_levels(store, expected_of<std::int16_t>(source, factors));
  expect_valid(store);
  EXPECT_FALSE(store->exists("__cnf/journal"));
}

TEST(CryoemImport, DescribesTheImageToEveryReader) {
  const auto source = words({20, 40, 64});
  const Store store = storage::make_memory();
  static_cast<void>(import_source(source, store, small_chunks()));
  const auto committed = metadata::Manager(store).load({}, metadata::Place::group);
  const auto image = zarr::parse_multiscale(committed.group.at("attributes"), "it");
  ASSERT_TRUE(image);
  EXPECT_EQ(image->name, "v");
  EXPECT_EQ(image->downscaling, "mean");
  ASSERT_EQ(image->axes.size(), 3U);
  EXPECT_EQ(image->axes[0], (zarr::Axis{"z", "space", "angstrom"}));
  ASSERT_EQ(image->levels.size(), 3U);
  EXPECT_THAT(image->levels[2].scale, ::testing::ElementsAre(8, 12, 16));
  // Origin + (2^k - 1) / 2 voxels.
  EXPECT_THAT(image->levels[0].translation, ::testing::ElementsAre(10, 20, 30));
  EXPECT_THAT(image->levels[2].translation, ::testing::ElementsAre(13, 24.5, 36));
  ASSERT_TRUE(image->window);
  EXPECT_LT(image->window->min, image->window->start);
  EXPECT_LT(image->window->start, image->window->end);
  EXPECT_LT(image->window->end, image->window->max);
  EXPECT_EQ(committed.group.at("consolidated_metadata").at("metadata").size(), 3U);
}

TEST(CryoemImport, KeepsExactStatisticsOfChunksAndLevels) {
  const auto source = words({37, 70, 130});
  const Store store = storage::make_memory();
  static_cast<void>(import_source(source, store, small_chunks()));
  const Custom custom = custom_in(store);
  ASSERT_EQ(custom.statistics.size(), 5U);
  const auto committed = metadata::Manager(store).load({}, metadata::Place::group);
  const auto tree =
      index::BTree::open(store, committed.metadata.object(kStatisticsObject).path, {});
  std::size_t rows = 0;
  const std::vector<Shape> shapes{{37, 70, 130}, {19, 35, 65}, {10, 18, 33}, {5, 9, 17}, {3, 5, 9}};
  for (std::size_t level = 0; level < shapes.size(); ++level) {
    const chunk::Grid grid(shapes[level], {8, 16, 16});
    const zarr::Array array = zarr::Array::open(store, std::to_string(level));
    Statistics all;
    for (std::uint64_t number = 0; number < grid.counts().elements(); ++number, ++rows) {
      const Box box = grid.elements_of(grid.chunk_of_number(number));
      Buffer values(box.shape().elements() * 2);
      array.read(box, values.span());
      const Statistics want = statistics_of(DataType::int16, values);
      const auto found = tree.find({index::KeyRange::exactly(statistics_key(level, number))}, {});
      ASSERT_EQ(found.size(), 1U);
      EXPECT_THAT(found[0].columns, ::testing::ElementsAreArray(to_columns(want)));
      all.merge(want);
    }
    EXPECT_EQ(custom.statistics[level], all);
  }
  EXPECT_EQ(tree.rows(), rows);
  EXPECT_EQ(tree.sums()[0],
            37U * 70 * 130 + 19U * 35 * 65 + 10U * 18 * 33 + 5U * 9 * 17 + 3U * 5 * 9);
}

TEST(CryoemImport, GivesTheSameBytesForAnyNumberOfThreads) {
  const auto source = words({37, 70, 130});
  std::map<std::string, std::string> first;
  for (const std::size_t threads : {1U, 2U, 5U}) {
    const Store store = storage::make_memory();
    ImportOptions options = small_chunks();
    options.threads = threads;
    static_cast<void>(import_source(source, store, options));
    std::map<std::string, std::string> objects;
    for (auto& [key, bytes] : objects_in(store)) {
      // The manifest has the time; objects of ours carry a random id.
      if (key != "zarr.json") objects[key.substr(0, 6) == "__cnf/" ? key.substr(22) : key] = bytes;
    }
    if (first.empty()) first = objects;
    EXPECT_EQ(objects, first) << threads;
    EXPECT_GT(objects.size(), 10U);
  }
}

TEST(CryoemImport, MeansOfFloatsLeaveNanOut) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const ComputedSource<float> source(volume_info({20, 33, 47}, DataType::float32),
                                     [](const Shape& at) {
                                       if (at[2] < 20 && at[1] < 20) return kNan;
                                       if (scrambled(at) % 5 == 0) return kNan;
                                       return static_cast<float>(scrambled(at) % 64);
                                     });
  const Store store = storage::make_memory();
  static_cast<void>(import_source(source, store, small_chunks()));
  expect_levels(store, expected_of<float>(source, {{1, 1, 1}, {2, 2, 2}, {4, 4, 4}}));
  const auto voxels = voxels_of<float>(source);
  const auto nan = std::count_if(voxels.begin(), voxels.end(), [](float v) { return v != v; });
  EXPECT_EQ(custom_in(store).statistics[0].nan, static_cast<std::uint64_t>(nan));
}

TEST(CryoemImport, TiltsAreNotBinnedAndHaveTheirAngles) {
  em::SourceInfo info = volume_info({7, 90, 50}, DataType::int16);
  info.kind = em::Kind::tilt_series;
  info.axes = {"t", "y", "x"};
  info.voxel = {0, 3, 4};
  info.tilts = {-3, -2, -1, 0, 1, 2, 3};
  const ComputedSource<std::int16_t> source(
      info, [](const Shape& at) { return static_cast<std::int16_t>(scrambled(at) % 3'000); });
  const Store store = storage::make_memory();
  const ImportReport report =
      import_source(source, store, {.chunk = {1, 16, 16}, .shard = {1, 64, 64}, .name = "t"});
  EXPECT_EQ(report.levels, 4U);
  expect_levels(store,
                expected_of<std::int16_t>(source, {{1, 1, 1}, {1, 2, 2}, {1, 4, 4}, {1, 8, 8}}));
  EXPECT_EQ(custom_in(store).tilts, info.tilts);
  EXPECT_EQ(custom_in(store).kind, em::Kind::tilt_series);
  expect_valid(store);
}

TEST(CryoemImport, ElidesChunksOfNothing) {
  const ComputedSource<std::int16_t> source(
      volume_info({32, 64, 64}, DataType::int16),
      [](const Shape& at) { return static_cast<std::int16_t>(at[0] >= 16 && at[2] < 8 ? 5 : 0); });
  const Store store = storage::make_memory();
  ImportOptions options = small_chunks();
  options.shard = {8, 16, 16};
  static_cast<void>(import_source(source, store, options));
  EXPECT_FALSE(store->exists("0/c/0/0/0"));
  EXPECT_TRUE(store->exists("0/c/2/0/0"));
  EXPECT_FALSE(store->exists("0/c/2/0/1"));
  expect_levels(store, expected_of<std::int16_t>(source, {{1, 1, 1}, {2, 2, 2}}));
  // Nothing at all is a dataset too.
  const ComputedSource<std::int16_t> nothing(volume_info({3, 4, 5}, DataType::int16),
                                             [](const Shape&) { return std::int16_t{0}; });
  const Store empty = storage::make_memory();
  static_cast<void>(import_source(nothing, empty, {}));
  expect_levels(empty, expected_of<std::int16_t>(nothing, {{1, 1, 1}}));
  expect_valid(empty);
}

TEST(CryoemImport, ConvertsRoundsAndTurnsOverWhenAsked) {
  const ComputedSource<double> source(
      volume_info({9, 20, 30}, DataType::float64),
      [](const Shape& at) { return static_cast<double>(scrambled(at) % 1'000) / 7; });
  const Store store = storage::make_memory();
  static_cast<void>(import_source(
      source, store,
      {.levels = 1, .type = DataType::float32, .keep_bits = 7, .flip_y = true, .name = "v"}));
  const auto found = read_level<float>(store, "0", {9, 20, 30});
  const auto want = voxels_of<double>(source);
  bool rounded = false;
  for (std::size_t z = 0; z < 9; ++z) {
    for (std::size_t y = 0; y < 20; ++y) {
      for (std::size_t x = 0; x < 30; ++x) {
        const float a = found[(z * 20 + y) * 30 + x];
        const double b = want[(z * 20 + 19 - y) * 30 + x];
        ASSERT_NEAR(a, b, b / 256);
        rounded = rounded || std::abs(a - b) > b / 2'000;
      }
    }
  }
  EXPECT_TRUE(rounded);
  const Custom custom = custom_in(store);
  EXPECT_EQ(custom.keep_bits, 7);
  EXPECT_EQ(custom.converted_from, DataType::float64);
  EXPECT_TRUE(custom.flipped_y);
}

TEST(CryoemImport, KeepsAttachmentsAndTellsProgress) {
  const auto source = words({37, 70, 130});
  const Store store = storage::make_memory();
  ProgressState last;
  Progress progress([&](const ProgressState& state) { last = state; });
  ImportOptions options = small_chunks();
  options.progress = &progress;
  static_cast<void>(import_source(source, store, options));
  EXPECT_EQ(last.bytes, 37U * 70 * 130 * 2);
  EXPECT_EQ(last.total_bytes, last.bytes);
  const auto committed = metadata::Manager(store).load({}, metadata::Place::group);
  const auto& header = committed.metadata.object("attachment/mrc-header");
  EXPECT_EQ(as_text(store->read_all(header.path, 100).bytes), "its header");
  EXPECT_EQ(as_text(header.inlined), "its header");
}

TEST(CryoemImport, RefusesWhatCannotBeBeforeItWritesAnything) {
  const auto source = words({8, 8, 8});
  struct Case {
    ImportOptions options;
    std::string says;
  };
  for (const Case& row :
       {Case{{.codec = "brotli"}, "not a codec"}, Case{{.codec = "zstd:40"}, "not a level"},
        Case{{.keep_bits = 8}, "no mantissa"},
        Case{{.type = DataType::float32, .keep_bits = 24}, "24 bits"},
        Case{{.chunk = {1, 2, 3, 4}}, "more axes"}, Case{{.chunk = {4, 0, 4}}, "is 0"},
        Case{{.chunk = {4, 4, 4}, .shard = {4, 4, 6}}, "powers of two"},
        Case{{.levels = 99}, "99 levels"}}) {
    const Store store = storage::make_memory();
    try {
      static_cast<void>(import_source(source, store, row.options));
      ADD_FAILURE() << row.says;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::invalid_argument);
      EXPECT_THAT(error.what(), ::testing::HasSubstr(row.says));
    }
    EXPECT_TRUE(objects_in(store).empty());
  }
}

TEST(CryoemImport, AValueThatDoesNotFitLeavesNothing) {
  const auto source = words({37, 70, 130});
  const Store store = storage::make_memory();
  ImportOptions options = small_chunks();
  options.type = DataType::int8;
  EXPECT_THROW(static_cast<void>(import_source(source, store, options)), Error);
  EXPECT_TRUE(objects_in(store).empty());
}

TEST(CryoemWrite, WritesTheSeedsTiles) {
  std::vector<std::uint8_t> values(std::size_t{40} * 30 * 20);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint8_t>(i * 7);
  const Store store = storage::make_memory();
  const ImportReport report =
      write(std::as_bytes(std::span(values)), {40, 30, 20}, DataType::uint8, store);
  EXPECT_EQ(report.chunk, (Shape{32, 30, 20}));
  EXPECT_EQ(read_level<std::uint8_t>(store, "0", {40, 30, 20}), values);
  EXPECT_THROW(write(std::as_bytes(std::span(values)), {40, 30, 21}, DataType::uint8, store),
               Error);
}

}  // namespace
}  // namespace cnf::cryoem
