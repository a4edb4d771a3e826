// SPDX-License-Identifier: Apache-2.0

// Oracle: gzip. What cnf vcfs3 export writes of a real file is what gzip -cd gives, byte for byte;
// of BCF input, what bcftools reads out of the exported BCF is what it reads out of the source.

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "tests/oracle/command.h"
#include <gtest/gtest.h>

#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/convert.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/export.h"
#include "cnf/formats/vcfs3/sink.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::vcfs3 {
namespace {

namespace fs = std::filesystem;
using oracle::quoted;
using oracle::run;

std::string exported(const Dataset& dataset, FileFormat format) {
  std::string bytes;
  export_dataset(dataset, format, [&](ByteSpan some) { bytes += as_text(some); }, {}, {});
  return bytes;
}

struct Tally {
  std::size_t same = 0, refused = 0, changed = 0;
};

void check_bcf(const fs::path& file, const Dataset& dataset, const fs::path& folder) {
  const fs::path copy = folder / "copy.bcf";
  std::ofstream(copy, std::ios::binary) << exported(dataset, FileFormat::bcf);
  const oracle::Output theirs = run("bcftools view -H " + quoted(file.string()));
  if (theirs.status != 0) return;
  EXPECT_EQ(run("bcftools view -H " + quoted(copy.string())).text, theirs.text);
}

TEST(Vcfs3Roundtrip, ExportsOfRealFilesAreTheFiles) {
  const auto files = oracle::real_variant_files();
  if (files.empty()) {
    std::cout << "no folder of real files (CNF_SHARED_DATA): nothing was compared\n";
    return;
  }
  const cnf::testing::TempDir folder;
  Tally tally;
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.string());
    const std::shared_ptr<storage::Storage> store = storage::make_memory();
    try {
      static_cast<void>(
          convert(file.string(), store, {.profile = Profile::fast, .threads = 2}, {}));
    } catch (const Error& error) {
      // One line that says what is wrong with the file; which may be refused, another test says.
      EXPECT_EQ(error.code(), Errc::corrupt_data) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      ++tally.refused;
      continue;
    }
    const Dataset dataset = Dataset::open(store, {});
    if (file.extension() == ".bcf") {
      check_bcf(file, dataset, folder.path());
      ++tally.same;
      continue;
    }
    const bool same =
        exported(dataset, FileFormat::vcf) == run("gzip -cdf " + quoted(file.string())).text;
    EXPECT_TRUE(same) << "the text is another";
    ++(same ? tally.same : tally.changed);
  }
  std::cout << tally.same << " files come back, " << tally.refused << " refused, " << tally.changed
            << " changed\n";
  EXPECT_GT(tally.same, files.size() * 9 / 10);
}

}  // namespace
}  // namespace cnf::vcfs3
