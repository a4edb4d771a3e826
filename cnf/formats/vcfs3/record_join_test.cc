// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/record_join.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::vcfs3 {
namespace {

/// Joins lines, one a cohort; "" is no record.
std::string joined(const std::vector<std::size_t>& samples, const std::vector<std::string>& lines) {
  std::vector<CohortRecord> records(lines.size());
  std::vector<const CohortRecord*> pointers(lines.size(), nullptr);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty()) continue;
    records[i] = split_record(lines[i], samples[i], "test");
    pointers[i] = &records[i];
  }
  Buffer out;
  RecordJoiner(samples).append("1", pointers, out);
  return std::string(as_text(out));
}

TEST(RecordJoin, PutsCellsOfOneFormatSideBySide) {
  EXPECT_EQ(joined({2, 1}, {"1\t5\t.\tA\tC\t9\tPASS\tAC=1\tGT:DP\t0|1:3\t0|0:.",
                            "1\t5\trs1\tA\tC\t8\tq10\tAC=2\tGT:DP\t1/1:7"}),
            "1\t5\trs1\tA\tC\t9\tPASS\tAC=1\tGT:DP\t0|1:3\t0|0:.\t1/1:7");
}

TEST(RecordJoin, FillsWhatACohortLacks) {
  EXPECT_EQ(joined({2, 1}, {"", "1\t5\t.\tA\tC\t.\t.\t.\tGT:DP\t1/1:7"}),
            "1\t5\t.\tA\tC\t.\t.\t.\tGT:DP\t./.\t./.\t1/1:7");
  EXPECT_EQ(joined({1, 1}, {"1\t5\t.\tA\tC\t.\t.\t.\tDP\t7", ""}),
            "1\t5\t.\tA\tC\t.\t.\t.\tDP\t7\t.");
}

TEST(RecordJoin, JoinsTheKeysOfDifferentFormats) {
  EXPECT_EQ(joined({1, 2}, {"1\t5\t.\tA\tC\t.\t.\t.\tGT:AD:DP\t0/1:1,2:3",
                            "1\t5\t.\tA\tC\t.\t.\t.\tGT:DP:GQ\t0/0:8:99\t./."}),
            "1\t5\t.\tA\tC\t.\t.\t.\tGT:AD:DP:GQ\t0/1:1,2:3\t0/0:.:8:99\t./.");
  EXPECT_EQ(joined({1, 1}, {"1\t5\t.\tA\tC\t.\t.\t.\t.\t.", "1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1"}),
            "1\t5\t.\tA\tC\t.\t.\t.\tGT\t.\t0/1");
}

TEST(RecordJoin, SitesAloneHaveEightColumns) {
  EXPECT_EQ(joined({0, 0}, {"1\t5\t.\tA\tC\t.\t.\tX=1", "1\t5\trs2\tA\tC\t.\t.\tX=2"}),
            "1\t5\trs2\tA\tC\t.\t.\tX=1");
}

TEST(RecordJoin, RefusesALineThatIsNone) {
  for (const std::string_view line :
       {"", "1\tx\t.\tA\tC\t.\t.\t.\tGT\t0/1", "1\t5\t.\tA\tC\t.\t.\t.\tGT",
        "1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\t0/1"}) {
    EXPECT_THROW((void)split_record(line, 1, "test"), Error) << line;
  }
}

}  // namespace
}  // namespace cnf::vcfs3
