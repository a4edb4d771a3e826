// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/metadata/manager.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/import.h"
#include "cnf/formats/cryoem/test_sources_internal.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/ome.h"

namespace cnf::cryoem {
namespace {

using Store = std::shared_ptr<storage::Storage>;

const Shape kShape{20, 30, 40};

ImportOptions small_chunks() {
  return {.chunk = {8, 16, 16}, .shard = {8, 16, 32}, .threads = 1, .name = "v"};
}
ImportOptions label_options(const std::string& name,
                            query::Existing existing = query::Existing::refuse) {
  ImportOptions options = small_chunks();
  options.label = name;
  options.existing = existing;
  return options;
}

Store store_with_image() {
  Store store = storage::make_memory();
  const testing::ComputedSource<std::int16_t> image(
      testing::volume_info(kShape, DataType::int16),
      [](const Shape& at) { return static_cast<std::int16_t>(testing::scrambled(at) % 100); });
  static_cast<void>(import_source(image, store, small_chunks()));
  return store;
}

/// Balls of ids; other ones for each seed.
testing::ComputedSource<std::uint16_t> balls(std::uint16_t seed, const Shape& shape = kShape) {
  em::SourceInfo info = testing::volume_info(shape, DataType::uint16);
  info.voxel = {0, 0, 0};
  return {info, [seed](const Shape& at) {
            return static_cast<std::uint16_t>((at[0] / 7 + at[1] / 5 + at[2] / 9) % 4 * seed);
          }};
}

template <typename T>
std::vector<T> read_array(const Store& store, const std::string& path) {
  const zarr::Array array = zarr::Array::open(store, path);
  std::vector<T> values(array.shape().elements());
  array.read(Box::of(array.shape()), std::as_writable_bytes(std::span(values)));
  return values;
}

std::vector<std::uint16_t> voxels_of(const em::Source& source) {
  std::vector<std::uint16_t> values(source.info().shape.elements());
  source.read(Box::of(source.info().shape), std::as_writable_bytes(std::span(values)), {});
  return values;
}

/// Level 0 of labels as their own group tells where it lies.
std::vector<std::uint16_t> labels_in(const Store& store, const std::string& name) {
  const std::string group = "labels/" + name;
  const auto json =
      nlohmann::json::parse(as_text(store->read_all(group + "/zarr.json", 1 << 20).bytes));
  const auto image = zarr::parse_multiscale(json.at("attributes"), group);
  return read_array<std::uint16_t>(store, group + "/" + image->levels.front().path);
}

void expect_valid(const Store& store) {
  for (const auto& finding : query::validate_objects(query::open_dataset(store), {}).findings) {
    if (finding.severity == query::Finding::Severity::error)
      ADD_FAILURE() << finding.object << ": " << finding.what;
  }
}

/// The root tells every reader of the labels in one request.
bool is_consolidated(const Store& store, const std::string& path) {
  const auto committed = metadata::Manager(store).load({}, metadata::Place::group);
  return committed.group.at("consolidated_metadata").at("metadata").contains(path);
}

void import_labels(const em::Source& source, const Store& store, const ImportOptions& options) {
  static_cast<void>(import_source(source, store, options));
}

TEST(CryoemLabelFaults, LeaveTheImageAsItWasWhicheverCallFails) {
  const auto want = voxels_of(balls(2));
  for (const std::uint64_t seed : {0U, 1U}) {
    for (std::uint64_t nth = 1;; ++nth) {
      SCOPED_TRACE(nth);
      const Store store = store_with_image();
      const auto image = read_array<std::int16_t>(store, "0");
      const storage::Faulty faulty = storage::make_faulty(store, {.nth = nth, .seed = seed});
      try {
        import_labels(balls(2), faulty.storage, label_options("a"));
      } catch (const Error&) {
        ImportOptions resuming = label_options("a", query::Existing::replace);
        resuming.resume = true;
        expect_valid(store);
        import_labels(balls(2), store, resuming);
      }
      EXPECT_EQ(read_array<std::int16_t>(store, "0"), image);
      EXPECT_EQ(labels_in(store, "a"), want);
      EXPECT_TRUE(is_consolidated(store, "0"));
      EXPECT_TRUE(is_consolidated(store, "labels/a/2"));
      expect_valid(store);
      if (*faulty.calls < nth) break;
    }
  }
}

}  // namespace
}  // namespace cnf::cryoem
