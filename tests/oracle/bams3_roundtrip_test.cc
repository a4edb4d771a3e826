// SPDX-License-Identifier: Apache-2.0

// Oracle: samtools 1.16. Every real file that it reads comes back from a dataset as it was; every
// file that it rejects is refused with one line and leaves nothing.

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
#include "cnf/formats/bams3/convert.h"
#include "cnf/formats/bams3/dataset.h"
#include "cnf/formats/bams3/export.h"
#include "cnf/formats/bams3/sink.h"
#include "cnf/formats/bams3/source.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::bams3 {
namespace {

using oracle::quoted;
using oracle::run;

std::string as_sam(const std::filesystem::path& file) {
  return "samtools view -h --no-PG " + quoted(file.string());
}

void export_to(const std::shared_ptr<storage::Storage>& store, const std::filesystem::path& file) {
  std::ofstream out(file, std::ios::binary);
  export_dataset(Dataset::open(store, {}), FileFormat::bam,
                 [&](ByteSpan bytes) { out << as_text(bytes); }, {.level = 1}, {}, {});
}

/// The one reason to refuse what samtools reads: SAM may have references and positions beyond 2^31,
/// BAM (and so the binary form that BAMS3 keeps) may not.
bool is_beyond_bam(const Error& error) {
  return error.code() == Errc::unsupported &&
         std::string(error.what()).find("2^31") != std::string::npos;
}

TEST(Bams3RoundTrip, EveryRealFileComesBackAsSamtoolsReadsIt) {
  const auto files = oracle::real_alignment_files();
  if (files.empty()) {
    std::cout << "no folder of real files (CNF_SHARED_DATA): nothing was compared\n";
    return;
  }
  const testing::TempDir folder;
  std::size_t same = 0;
  std::size_t refused = 0;
  std::size_t beyond_bam = 0;
  for (const auto& file : files) {
    SCOPED_TRACE(file.string());
    const auto store = storage::make_memory();
    const oracle::Output expected = run(as_sam(file));
    try {
      static_cast<void>(convert(file.string(), store, {.order = Order::keep}, {}));
    } catch (const Error& error) {
      EXPECT_TRUE(expected.status != 0 || is_beyond_bam(error))
          << "samtools reads it, but: " << error.what();
      beyond_bam += expected.status == 0 ? 1 : 0;
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      EXPECT_FALSE(store->exists("_metadata.json"));
      ++refused;
      continue;
    }
    EXPECT_EQ(expected.status, 0) << "samtools rejects it";
    const auto exported = folder.path() / "out.bam";
    export_to(store, exported);
    const oracle::Output actual = run(as_sam(exported));
    EXPECT_EQ(actual.status, 0);
    if (actual.text != expected.text) {
      ADD_FAILURE() << "differs from samtools view of the input";
    } else {
      ++same;
    }
  }
  std::cout << same << " files came back exactly, " << refused << " were refused, "
            << refused - beyond_bam << " as samtools does and " << beyond_bam
            << " for positions beyond 2^31\n";
}

}  // namespace
}  // namespace cnf::bams3
