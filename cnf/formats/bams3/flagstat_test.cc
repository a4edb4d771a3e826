// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/flagstat.h"

#include <gtest/gtest.h>

namespace cnf::bams3 {
namespace {

// Oracle: samtools 1.16.1 flagstat on seven records with these flags.
TEST(Flagstat, PrintsWhatSamtoolsPrints) {
  Flagstat stats;
  stats.add(99, 0, 0, 60);
  stats.add(147, 0, 0, 60);
  stats.add(73, 0, 0, 30);
  stats.add(133, 0, 0, 0);
  stats.add(97, 0, 1, 4);
  stats.add(2048 + 1024, 0, 0, 9);
  stats.add(512 + 16, 0, 0, 9);
  EXPECT_EQ(stats.text(),
            "6 + 1 in total (QC-passed reads + QC-failed reads)\n"
            "5 + 1 primary\n"
            "0 + 0 secondary\n"
            "1 + 0 supplementary\n"
            "1 + 0 duplicates\n"
            "0 + 0 primary duplicates\n"
            "5 + 1 mapped (83.33% : 100.00%)\n"
            "4 + 1 primary mapped (80.00% : 100.00%)\n"
            "5 + 0 paired in sequencing\n"
            "3 + 0 read1\n"
            "2 + 0 read2\n"
            "2 + 0 properly paired (40.00% : N/A)\n"
            "3 + 0 with itself and mate mapped\n"
            "1 + 0 singletons (20.00% : N/A)\n"
            "1 + 0 with mate mapped to a different chr\n"
            "0 + 0 with mate mapped to a different chr (mapQ>=5)\n");
}

}  // namespace
}  // namespace cnf::bams3
