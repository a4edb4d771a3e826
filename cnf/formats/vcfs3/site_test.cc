// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/site.h"

#include <cstdint>
#include <string_view>

#include <gtest/gtest.h>

namespace cnf::vcfs3 {
namespace {

TEST(Site, EndsByReferenceUnlessEndSaysMore) {
  struct Case {
    std::string_view ref, info;
    std::int64_t end;
  };
  for (const Case& c : {Case{"A", ".", 100}, Case{"ACG", "AC=1", 102}, Case{"A", "END=250", 250},
                        Case{"A", "AC=1;END=250;DP=3", 250}, Case{"ACG", "END=5", 102},
                        Case{"A", "END=.", 100}, Case{"A", "END", 100}, Case{"A", "CIEND=9,9", 100},
                        Case{"A", "END=99999999999999999999", 100}}) {
    EXPECT_EQ(end_of({.pos = 99, .ref = c.ref, .info = c.info}), c.end) << c.info;
  }
}

TEST(Site, FindsAnInfoKeyWhole) {
  EXPECT_EQ(find_info("AC=1;AF=0.5;DB", "AF").value, "0.5");
  EXPECT_TRUE(find_info("AC=1;DB;AF=0.5", "DB").is_flag);
  EXPECT_TRUE(find_info("DB=", "DB").found);
  EXPECT_FALSE(find_info("DB=", "DB").is_flag);
  EXPECT_FALSE(find_info("AC=1", "A").found);
  EXPECT_FALSE(find_info("", "A").found);
  EXPECT_EQ(find_info("AC=1;AC=2", "AC").value, "1");
}

TEST(Site, KnowsWhetherCellsBeginWithAGenotype) {
  EXPECT_TRUE((Site{.format = "GT"}).has_genotypes());
  EXPECT_TRUE((Site{.format = "GT:DP"}).has_genotypes());
  EXPECT_FALSE((Site{.format = "GTX:DP"}).has_genotypes());
  EXPECT_FALSE((Site{.format = "DP:GT"}).has_genotypes());
  EXPECT_FALSE((Site{.format = ""}).has_genotypes());
}

}  // namespace
}  // namespace cnf::vcfs3
