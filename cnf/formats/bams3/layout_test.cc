// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/layout.h"

#include <cstddef>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::bams3 {
namespace {

ChunkFooter example() {
  return {.groups = {{16384, 8, 100, 308, 20, 0xdeadbeef}, {7, 108, 200, 328, 30, 1}}};
}

TEST(ChunkFooter, IsReadFromTheEndOfAChunk) {
  Buffer chunk(300);
  chunk.append(example().encode());
  EXPECT_EQ(ChunkFooter::decode(chunk, "chunk").groups, example().groups);
}

TEST(ChunkFooter, RefusesEveryFlippedByte) {
  Buffer bytes = example().encode();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes.data()[i] ^= std::byte{4};
    EXPECT_THROW(static_cast<void>(ChunkFooter::decode(bytes, "chunk")), Error) << i;
    bytes.data()[i] ^= std::byte{4};
  }
}

TEST(ChunkFooter, RefusesATruncatedTail) {
  const Buffer bytes = example().encode();
  for (std::size_t i = 1; i <= bytes.size(); ++i) {
    EXPECT_THROW(static_cast<void>(ChunkFooter::decode(bytes.span().subspan(i), "chunk")), Error)
        << i;
  }
}

}  // namespace
}  // namespace cnf::bams3
