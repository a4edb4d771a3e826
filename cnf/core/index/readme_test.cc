// SPDX-License-Identifier: Apache-2.0

// The worked example of README.md is what the builder writes, and decodes to what the page says.

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <istream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/index/interval.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/index/tree_testing_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"

namespace cnf::index {
namespace {

// The bytes of the page's fenced block `hex`, its comments left out.
Buffer example_bytes(std::istream& page) {
  Buffer bytes;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("```")) {
      inside = line == "```hex";
    } else if (inside) {
      std::istringstream words(line.substr(0, line.find('#')));
      for (std::string word; words >> word;) {
        ByteWriter(bytes).put(static_cast<std::uint8_t>(std::stoi(word, nullptr, 16)));
      }
    }
  }
  return bytes;
}

TEST(IndexReadme, TheExampleIsRight) {
  const char* const root = std::getenv("CNF_SOURCE_DIR");
  ASSERT_NE(root, nullptr) << "run by ctest, or set it to the repository's root";
  std::ifstream page(std::string(root) + "/cnf/core/index/README.md");
  const Buffer bytes = example_bytes(page);
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
