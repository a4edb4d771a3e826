// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/shape.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/ome.h"

namespace cnf::zarr {
namespace {

constexpr std::string_view kArray =
    R"({"zarr_format": 3, "node_type": "array", "shape": [4, 6], "data_type": "int16",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 3]}},
        "chunk_key_encoding": {"name": "default"}, "fill_value": 0,
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}]})";
constexpr std::string_view kArrayV2 =
    R"({"zarr_format": 2, "shape": [4, 6], "chunks": [2, 3], "dtype": "<i2", "compressor": null,
        "fill_value": 0, "order": "C", "filters": null})";

class GroupTest : public ::testing::Test {
 protected:
  void put(const std::string& key, std::string_view text) { store_->put(key, as_bytes(text)); }
  Group open(const std::string& path = {}) { return Group::open(store_, path, context_); }
  std::uint64_t requests() { return context_.accounting().snapshot().total_requests(); }

  std::shared_ptr<storage::Storage> store_ = storage::make_memory();
  Context context_;
};

TEST_F(GroupTest, OneRequestOpensAGroupAndItsConsolidatedArrays) {
  put("g/zarr.json",
      R"({"zarr_format": 3, "node_type": "group", "attributes": {"a": 1}, "consolidated_metadata":
          {"kind": "inline", "must_understand": false, "metadata": {"0": )" +
          std::string(kArray) + R"(, "labels": {"zarr_format": 3, "node_type": "group"}}}})");
  const Group group = open("g");
  EXPECT_EQ(group.zarr_format, 3);
  EXPECT_EQ(group.attributes.at("a"), 1);
  EXPECT_FALSE(group.etag.empty());
  EXPECT_EQ(group.array("0", context_).shape(), (Shape{4, 6}));
  EXPECT_EQ(requests(), 1U);
}

TEST_F(GroupTest, ArraysThatDidNotComeAlongAreOpened) {
  put("zarr.json", R"({"zarr_format": 3, "node_type": "group"})");
  put("0/zarr.json", kArray);
  const Group group = open();
  EXPECT_TRUE(group.attributes.empty());
  EXPECT_EQ(group.array("0", context_).shape(), (Shape{4, 6}));
  EXPECT_THROW((void)group.array("1", context_), Error);
}

TEST_F(GroupTest, AnArrayThatCannotBeReadHereSpoilsNoOther) {
  put("zarr.json", R"({"zarr_format": 3, "node_type": "group", "consolidated_metadata":
      {"kind": "inline", "metadata": {"0": )" +
                       std::string(kArray) +
                       R"(, "odd": {"zarr_format": 3, "node_type": "array", "shape": [1],
      "data_type": "r7", "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1]}},
      "chunk_key_encoding": {"name": "default"}, "fill_value": 0, "codecs": []}}}})");
  EXPECT_EQ(open().nodes.size(), 1U);
}

TEST_F(GroupTest, VersionTwoWithAndWithoutConsolidatedMetadata) {
  put(".zgroup", R"({"zarr_format": 2})");
  put(".zattrs", R"({"a": 2})");
  put("0/.zarray", kArrayV2);
  EXPECT_EQ(open().zarr_format, 2);
  EXPECT_EQ(open().attributes.at("a"), 2);
  EXPECT_EQ(open().array("0").shape(), (Shape{4, 6}));
  put(".zmetadata", R"({"zarr_consolidated_format": 1, "metadata": {"0/.zarray": )" +
                        std::string(kArrayV2) + "}}");
  EXPECT_EQ(open().nodes.size(), 1U);
}

TEST_F(GroupTest, SaysWhatIsNoGroup) {
  EXPECT_FALSE(Group::try_open(store_, "nothing"));
  EXPECT_THROW((void)open("nothing"), Error);
  put("a/zarr.json", kArray);
  EXPECT_FALSE(Group::try_open(store_, "a"));
  for (const std::string_view text :
       {"[]", "{}", R"({"zarr_format": 3})", R"({"zarr_format": 2, "node_type": "group"})",
        R"({"zarr_format": 3, "node_type": "pile"})", "{\"zarr_format\": 3, \"node_type\": \"gr",
        R"({"zarr_format": 3, "node_type": "group", "attributes": [1]})"}) {
    put("b/zarr.json", text);
    EXPECT_THROW((void)Group::try_open(store_, "b"), Error) << text;
  }
}

}  // namespace
}  // namespace cnf::zarr
