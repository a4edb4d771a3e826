// SPDX-License-Identifier: Apache-2.0

// Oracle: samtools 1.16. What it reads, a source reads, with the same header and records; what it
// rejects is refused. A sorted source gives the order of `samtools sort`, whatever its memory.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/oracle/command.h"
#include <gtest/gtest.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/source.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::bams3 {
namespace {

namespace fs = std::filesystem;
using oracle::quoted;
using oracle::run;

// References are looked for on this machine only, by both sides.
constexpr const char* kSamtools = "REF_PATH=/nonexistent REF_CACHE=/nonexistent/%s samtools ";

std::string view_of(const fs::path& file) {
  return kSamtools + ("view -h --no-PG " + quoted(file.string()));
}

/// All records of an input, and its header's bytes.
struct Contents {
  std::string header;
  RecordBatch records;
};

Contents read_all(const fs::path& file) {
  const auto source = open_source(file.string(), {}, {});
  Contents contents{.header = std::string(as_text(source->header().to_bam())), .records = {}};
  while (source->next(contents.records)) {
  }
  return contents;
}

/// Writes an uncompressed BAM.
void write_bam(const fs::path& file, const std::string& header, const std::string& records) {
  std::ofstream(file, std::ios::binary) << header << records;
}

bool no_files(const std::vector<fs::path>& files) {
  if (files.empty()) {
    std::cout << "no folder of real files (CNF_SHARED_DATA): nothing was compared\n";
  }
  return files.empty();
}

TEST(Bams3Source, ReadsAndRefusesWhatSamtoolsDoes) {
  const auto files = oracle::real_alignment_files();
  if (no_files(files)) return;
  const testing::TempDir folder;
  const fs::path copy = folder.path() / "copy.bam";
  std::size_t same = 0, refused = 0, beyond_bam = 0;
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.string());
    const oracle::Output expected = run(view_of(file));
    try {
      const Contents contents = read_all(file);
      write_bam(copy, contents.header, std::string(as_text(contents.records.span())));
    } catch (const Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      // SAM may have references and positions beyond 2^31, BAM may not: the one exception.
      const bool beyond = error.code() == Errc::unsupported &&
                          std::string(error.what()).find("2^31") != std::string::npos;
      EXPECT_TRUE(expected.status != 0 || beyond) << "samtools reads it, but: " << error.what();
      if (expected.status == 0) std::cout << "beyond BAM: " << file.filename().string() << "\n";
      ++(expected.status == 0 ? beyond_bam : refused);
      continue;
    }
    EXPECT_EQ(expected.status, 0) << "samtools rejects it";
    const oracle::Output actual = run(view_of(copy));
    EXPECT_EQ(actual.status, 0);
    EXPECT_TRUE(actual.text == expected.text) << "differs from samtools view of the input";
    if (actual.text == expected.text) ++same;
  }
  std::cout << same << " files read alike, " << refused << " refused alike, " << beyond_bam
            << " refused for positions beyond 2^31\n";
}

/// Of a longer file the first so many records are sorted: more would add time and nothing else.
constexpr std::size_t kMostToSort = 10'000;

std::string permuted(const RecordBatch& records, const std::vector<std::size_t>& order) {
  RecordBatch result;
  for (const std::size_t index : order) result.add(records[index]);
  return std::string(as_text(result.span()));
}

/// The records of `file`, `bytes` of them, in the order asked for; the same for every memory:
/// everything held, a few runs, and so many that they are merged on several levels.
struct Sorted {
  std::string records;
  bool moved = false;
};
Sorted sorted(const fs::path& file, std::size_t bytes, Order order) {
  std::optional<Sorted> first;
  for (const std::uint64_t memory : {std::uint64_t{1} << 30, bytes / 3 + 1, bytes / 150 + 1}) {
    const auto source = sort_source(open_source(file.string(), {}, {}),
                                    {.order = order, .memory = memory}, false, {});
    RecordBatch batch;
    while (source->next(batch)) {
    }
    Sorted result{.records = std::string(as_text(batch.span())), .moved = source->moved()};
    if (!first) {
      first = std::move(result);
      continue;
    }
    EXPECT_TRUE(result.records == first->records) << "other records with memory " << memory;
    EXPECT_EQ(result.moved, first->moved) << "with memory " << memory;
  }
  return *first;
}

/// How often sorting agreed, and what could not be compared.
struct Tally {
  std::size_t moved = 0, in_place = 0, samtools_refuses = 0;
};

void compare_sorting(const fs::path& folder, const std::string& header, const std::string& records,
                     Order order, Tally& tally) {
  const fs::path input = folder / "input.bam", by_samtools = folder / "samtools.bam",
                 by_us = folder / "ours.bam";
  write_bam(input, header, records);
  const Sorted result = sorted(input, records.size(), order);
  if (!result.moved) {
    EXPECT_TRUE(result.records == records) << "nothing moved, but the records differ";
    ++tally.in_place;
    if (order == Order::coordinate) return;  // samtools still sorts what is in place by strand
  }
  const std::string options = order == Order::name ? "-n" : "";
  if (run(kSamtools + ("sort --no-PG -O bam " + options + " -o " + quoted(by_samtools.string()) +
                       " " + quoted(input.string())))
          .status != 0) {
    ++tally.samtools_refuses;
    return;
  }
  write_bam(by_us, header, result.records);
  EXPECT_TRUE(run(kSamtools + ("view " + quoted(by_us.string()))).text ==
              run(kSamtools + ("view " + quoted(by_samtools.string()))).text)
      << "not the order of samtools sort " << options;
  if (result.moved) ++tally.moved;
}

TEST(Bams3Source, SortsAsSamtoolsDoes) {
  const auto files = oracle::real_alignment_files();
  if (no_files(files)) return;
  const testing::TempDir folder;
  Tally tally;
  std::uint64_t seed = 1;
  for (const fs::path& file : files) {
    SCOPED_TRACE(file.string() + ", seed " + std::to_string(seed));
    Contents contents;
    try {
      contents = read_all(file);
    } catch (const Error&) {
      continue;  // the test above says whether that is right
    }
    std::vector<std::size_t> as_it_is(std::min(contents.records.size(), kMostToSort));
    std::iota(as_it_is.begin(), as_it_is.end(), 0U);
    std::vector<std::size_t> shuffled = as_it_is, last_is_first = as_it_is;
    std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937_64(seed++));
    if (!as_it_is.empty()) {
      std::rotate(last_is_first.begin(), last_is_first.begin() + 1, last_is_first.end());
    }
    for (const auto* order : {&as_it_is, &shuffled, &last_is_first}) {
      const std::string records = permuted(contents.records, *order);
      for (const Order wanted : {Order::coordinate, Order::name}) {
        compare_sorting(folder.path(), contents.header, records, wanted, tally);
      }
    }
  }
  std::cout << tally.moved << " sorted alike, " << tally.in_place << " were in place, "
            << tally.samtools_refuses << " samtools sort refuses\n";
}

}  // namespace
}  // namespace cnf::bams3
