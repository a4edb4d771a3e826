// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/merge.h"

#include <fstream>
#include <ios>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/convert.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/source.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::vcfs3 {
namespace {

class Merging : public ::testing::Test {
 protected:
  /// A dataset of this text; keeps its store.
  Dataset dataset(const std::string& text) {
    const auto store = storage::make_memory();
    const std::string path = folder_.path() / "in.vcf";
    std::ofstream(path, std::ios::binary) << text;
    (void)convert(path, store, {}, {});
    return Dataset::open(store, {});
  }

  static std::string merged(std::vector<Dataset> datasets) {
    const auto source = open_merged(std::move(datasets), {.threads = 1}, {});
    std::string text = source->header().text;
    while (const std::optional<Slab> slab = source->next()) text += as_text(slab->text);
    return text;
  }

  testing::TempDir folder_;
};

std::string columns(std::string_view samples) {
  return "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + std::string(samples) + "\n";
}

TEST_F(Merging, PutsCohortsSideBySide) {
  const std::string a = "##fileformat=VCFv4.2\n##contig=<ID=1>\n##INFO=<ID=X,Number=1>\n" +
                        columns("s1\ts2") +
                        "1\t5\trs1\tA\tC\t.\t.\tX=1\tGT\t0|1\t1|1\n"
                        "1\t9\t.\tA\tG\t.\t.\t.\tGT\t0|0\t0|0\n"
                        "2\t1\t.\tT\tA\t.\t.\t.\tGT\t0|0\t.\n";
  const std::string b = "##fileformat=VCFv4.3\n##contig=<ID=1,length=9>\n##contig=<ID=3>\n" +
                        columns("t1") +
                        "1\t5\t.\tA\tC\t.\t.\tY=2\tGT\t1|0\n"
                        "1\t5\t.\tA\tT\t.\t.\t.\tGT\t0|1\n"
                        "1\t7\t.\tG\tC\t.\t.\t.\tGT\t0|0\n"
                        "3\t2\t.\tG\tC\t.\t.\t.\tGT\t1|1\n";
  std::vector<Dataset> both;
  both.push_back(dataset(a));
  both.push_back(dataset(b));
  EXPECT_EQ(merged(std::move(both)),
            "##fileformat=VCFv4.2\n##contig=<ID=1>\n##INFO=<ID=X,Number=1>\n##contig=<ID=3>\n" +
                columns("s1\ts2\tt1") +
                "1\t5\trs1\tA\tC\t.\t.\tX=1\tGT\t0|1\t1|1\t1|0\n"
                "1\t5\t.\tA\tT\t.\t.\t.\tGT\t./.\t./.\t0|1\n"
                "1\t7\t.\tG\tC\t.\t.\t.\tGT\t./.\t./.\t0|0\n"
                "1\t9\t.\tA\tG\t.\t.\t.\tGT\t0|0\t0|0\t./.\n"
                "2\t1\t.\tT\tA\t.\t.\t.\tGT\t0|0\t.\t./.\n"
                "3\t2\t.\tG\tC\t.\t.\t.\tGT\t./.\t./.\t1|1\n");
}

TEST_F(Merging, JoinsEqualRecordsInTheirOrder) {
  const std::string record = "1\t5\t.\tA\tC\t.\t.\t.\tGT\t";
  std::vector<Dataset> both;
  both.push_back(
      dataset("##fileformat=VCFv4.2\n" + columns("s") + record + "0|0\n" + record + "0|1\n"));
  both.push_back(dataset("##fileformat=VCFv4.2\n" + columns("t") + record + "1|0\n"));
  EXPECT_EQ(merged(std::move(both)), "##fileformat=VCFv4.2\n" + columns("s\tt") + record +
                                         "0|0\t1|0\n" + record + "0|1\t./.\n");
}

TEST_F(Merging, PutsTheSameSamplesOneAfterTheOther) {
  const std::string head = "##fileformat=VCFv4.2\n" + columns("s");
  const std::string first = "1\t5\t.\tA\tC\t.\t.\t.\tGT\t0|0\n";
  const std::string second = "1\t7\t.\tA\tC\t.\t.\t.\tGT\t0|1\n";
  const std::string third = "1\t8\t.\tA\tC\t.\t.\t.\tGT\t1|1\n";
  std::vector<Dataset> both;
  both.push_back(dataset(head + first + third));
  both.push_back(dataset(head + second + third));
  EXPECT_EQ(merged(std::move(both)), head + first + second + third + third);
}

TEST_F(Merging, RefusesWhatItCannotJoin) {
  const std::string head = "##fileformat=VCFv4.2\n";
  const std::string record = "1\t5\t.\tA\tC\t.\t.\t.\tGT\t0|0";
  const auto failure = [](std::vector<Dataset> datasets) {
    try {
      (void)merged(std::move(datasets));
    } catch (const Error& error) {
      return error.code();
    }
    return Errc::internal;
  };
  std::vector<Dataset> overlapping;
  overlapping.push_back(dataset(head + columns("s\tt") + record + "\t0|0\n"));
  overlapping.push_back(dataset(head + columns("t") + record + "\n"));
  EXPECT_EQ(failure(std::move(overlapping)), Errc::invalid_argument);

  std::vector<Dataset> unsorted;
  unsorted.push_back(
      dataset(head + columns("s") + "1\t6\t.\tA\tC\t.\t.\t.\tGT\t0|0\n" + record + "\n"));
  EXPECT_EQ(failure(std::move(unsorted)), Errc::unsupported);

  std::vector<Dataset> damaged;
  damaged.push_back(dataset(head + columns("s") + record + "\t0|1\n"));
  damaged.push_back(dataset(head + columns("t") + record + "\n"));
  EXPECT_EQ(failure(std::move(damaged)), Errc::unsupported);

  EXPECT_EQ(failure({}), Errc::invalid_argument);
}

}  // namespace
}  // namespace cnf::vcfs3
