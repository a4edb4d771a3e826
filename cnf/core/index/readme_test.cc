// SPDX-License-Identifier: Apache-2.0

// The worked example of README.md is what the builder writes, and decodes to what the page says.

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/index/interval.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/index/tree_testing_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/testing/examples.h"

namespace cnf::index {
namespace {

TEST(IndexReadme, TheExampleIsRight) {
  const auto examples = cnf::testing::hex_examples("cnf/core/index/README.md");
  const Buffer& bytes = examples.at("");
  const std::vector<testing::AddedRow<IntervalTraits>> rows{
      {{0, 100, 200}, {10, 1000}}, {{0, 150, 150}, {20, 2000}}, {{1, 5, 9}, {30, 3000}}};

  const auto saved =
      testing::build<IntervalTraits>({.page_rows = 2, .columns = 2, .summed = 1}, rows);
  EXPECT_EQ(to_hex(bytes), to_hex(saved.bytes));
  const IntervalTree tree(memory_pages(Buffer::copy_of(bytes), "README.md"), bytes);
  EXPECT_EQ(testing::scan(tree), testing::pairs_of<IntervalTraits>(rows));
  EXPECT_EQ(tree.sums(), std::vector<std::uint64_t>{60});
}

}  // namespace
}  // namespace cnf::index
