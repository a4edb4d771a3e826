// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "cnf/core/util/shape.h"
#include "cnf/zarr/metadata.h"

namespace cnf::zarr {
namespace {

TEST(ChunkKeys, AsTheSpecificationSpellsThem) {
  ArrayMetadata array;
  EXPECT_EQ(array.chunk_key({1, 23, 45}), "c/1/23/45");
  EXPECT_EQ(array.chunk_key({}), "c");
  array.separator = '.';
  EXPECT_EQ(array.chunk_key({1, 23, 45}), "c.1.23.45");
  array.v2_keys = true;
  EXPECT_EQ(array.chunk_key({1, 23, 45}), "1.23.45");
  EXPECT_EQ(array.chunk_key({}), "0");
}

}  // namespace
}  // namespace cnf::zarr
