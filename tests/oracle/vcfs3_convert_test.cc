// SPDX-License-Identifier: Apache-2.0

// Oracle: gzip. Every real file that has a header becomes a dataset whose text, decoded from all
// its pages and tiles, has the digest of what gzip -cd gives.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "tests/oracle/command.h"
#include <gtest/gtest.h>

#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/convert.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/validate.h"

namespace cnf::vcfs3 {
namespace {

namespace fs = std::filesystem;
using oracle::quoted;
using oracle::run;

std::string sha256_of(const std::string& text) {
  Sha256 digest;
  digest.update(as_bytes(text));
  return to_hex(digest.finish());
}

TEST(Vcfs3Convert, GivesEveryRealFileBack) {
  const auto files = oracle::real_variant_files();
  if (files.empty()) {
    std::cout << "no folder of real files (CNF_SHARED_DATA): nothing was compared\n";
    return;
  }
  constexpr std::uint64_t kLarge = 1'000'000;  // from here on a dataset may not be the larger one
  std::size_t same = 0, refused = 0;
  std::uint64_t compressed = 0, stored = 0;
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.string());
    const std::shared_ptr<storage::Storage> store = storage::make_memory();
    ConvertReport report;
    try {
      report = convert(file.string(), store, {.profile = Profile::fast, .threads = 2}, {});
    } catch (const Error& error) {
      // Which files may be refused, vcfs3_text_test.cc says.
      EXPECT_EQ(error.code(), Errc::corrupt_data) << error.what();
      ++refused;
      continue;
    }
    const Dataset dataset = Dataset::open(store, {});
    std::vector<std::string> complaints;
    validate(dataset, Depth::text,
             [&](const std::string& object, const std::string& what) {
               complaints.push_back(object + ": " + what);
             },
             {.threads = 2}, {});
    EXPECT_TRUE(complaints.empty()) << complaints.front();
    if (file.extension() != ".bcf") {
      const std::string digest = dataset.metadata().custom.at("text").at("sha256");
      EXPECT_EQ(digest, sha256_of(run("gzip -cdf " + quoted(file.string())).text));
    }
    if (complaints.empty()) ++same;
    if (file.extension() == ".gz" || file.extension() == ".bgz") {
      compressed += fs::file_size(file);
      stored += report.stored_bytes;
      EXPECT_TRUE(fs::file_size(file) < kLarge || report.stored_bytes < fs::file_size(file));
    }
  }
  std::cout << same << " files come back, " << refused << " refused; compressed files of "
            << compressed << " bytes are stored in " << stored << "\n";
  EXPECT_NE(same, 0U);
}

}  // namespace
}  // namespace cnf::vcfs3
