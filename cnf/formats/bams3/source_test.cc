// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/source.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <ios>
#include <memory>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <htslib/bgzf.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/source_readers_internal.h"
#include "cnf/formats/bams3/test_records_internal.h"
#include "cnf/hts/feed.h"
#include "cnf/hts/input.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::bams3 {
namespace {

namespace fs = std::filesystem;
using cnf::testing::TempDir;
using std::string_literals::operator""s;
using ::testing::HasSubstr;

void write_file(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// A text that ends in NULs, names no reference, and disagrees with the binary list.
const Header kHeader{.text = "@CO\tno newline\0\0"s, .references = {{"a", 1000}, {"HLA:*", 7}}};

std::vector<TestRecord> some_records(std::size_t count) {
  std::vector<TestRecord> records;
  for (std::size_t i = 0; i < count; ++i) {
    records.push_back({.ref = static_cast<std::int32_t>(i % 3) - 1,
                       .pos = static_cast<std::int32_t>(i),
                       .name = "q" + std::to_string(i)});
  }
  return records;
}

std::string bam_of(const std::vector<TestRecord>& records) {
  return std::string(as_text(kHeader.to_bam())) + bytes_of(records);
}

// The message of the Error that reading all of `uri` ends in, behind its code; "" if it ends well.
std::string failure_of(const std::string& uri, const SourceOptions& options = {},
                       const Context& context = {}) {
  try {
    (void)read_rest(*open_source(uri, options, context));
  } catch (const Error& error) {
    return std::string(to_string(error.code())) + " " + error.what();
  }
  return {};
}

void expect_whole(const std::string& uri, const std::vector<TestRecord>& records) {
  const auto source = open_source(uri, {}, {});
  EXPECT_EQ(source->header(), kHeader) << uri;
  EXPECT_TRUE(read_rest(*source) == bytes_of(records)) << uri;
}

TEST(Source, BamComesThroughByteByByteHoweverItIsStored) {
  const TempDir folder;
  const auto records = some_records(2000);
  const std::string bam = bam_of(records);
  for (const char* mode : {"wu", "w", "wg"}) {  // uncompressed in BGZF's sense, BGZF, gzip
    const std::string path = folder.path() / ("x_"s + mode + ".bam");
    BGZF* file = bgzf_open(path.c_str(), mode);
    ASSERT_NE(file, nullptr);
    ASSERT_EQ(bgzf_write(file, bam.data(), bam.size()), static_cast<ssize_t>(bam.size()));
    ASSERT_EQ(bgzf_close(file), 0);
    expect_whole(path, records);
  }
  const std::string plain = folder.path() / "chr1:plain.bam";  // a path, whatever its colon
  write_file(plain, bam);
  expect_whole(plain, records);
  expect_whole("file:" + plain, records);
  const auto store = storage::from_uri("memory:source_test");
  (void)store->put("dir/x.bam", as_bytes(bam));
  expect_whole("memory:source_test/dir/x.bam", records);
}

TEST(Source, ConsumedEndsAtTheSizeOfTheInput) {
  const TempDir folder;
  const std::string path = folder.path() / "x.bam";
  const std::string bam = bam_of(some_records(10));
  write_file(path, bam);
  const auto source = open_source(path, {}, {});
  (void)read_rest(*source);
  EXPECT_EQ(source->consumed(), bam.size());
  EXPECT_EQ(source->name(), path);
}

TEST(Source, BamThatIsCutAnywhereButBetweenRecordsIsRefused) {
  const TempDir folder;
  const std::string path = folder.path() / "cut.bam";
  const auto records = some_records(3);
  const std::string bam = bam_of(records);
  std::vector<std::size_t> ends = {kHeader.to_bam().size()};
  for (const TestRecord& record : records) ends.push_back(ends.back() + bytes_of({record}).size());
  for (std::size_t size = 4; size < bam.size(); ++size) {
    write_file(path, std::string_view(bam).substr(0, size));
    const bool whole = std::find(ends.begin(), ends.end(), size) != ends.end();
    const std::string failure = failure_of(path);
    if (whole) {
      EXPECT_EQ(failure, "") << size;
    } else {
      EXPECT_THAT(failure, ::testing::StartsWith("corrupt_data read " + path)) << size;
    }
  }
}

std::string u32(std::uint32_t value) {
  return std::string(as_text(std::as_bytes(std::span(&value, 1))));
}

struct HostileCase {
  const char* name;
  std::string bytes;
  const char* failure;
};

TEST(Source, HostileBamsAreRefusedBeforeTheyAreBelieved) {
  const std::string begin = "BAM\1"s + u32(0);
  const std::string header = begin + u32(1) + u32(2) + "a\0"s + u32(9);
  const std::string record = bytes_of({{.ref = 1}});
  const HostileCase cases[] = {
      {"l_text_of_4_gb", "BAM\1"s + u32(0xffffffff) + "@CO", "ends in the middle"},
      {"line_without_at", "BAM\1"s + u32(8) + "@CO\tx\n\n@" + u32(0), "line 2 does not begin"},
      {"n_ref_negative", begin + u32(0x80000000), "n_ref is negative"},
      {"n_ref_of_2_billion", begin + u32(0x7fffffff), "ends in the middle"},
      {"l_name_0", begin + u32(1) + u32(0), "l_name"},
      {"l_name_negative", begin + u32(1) + u32(0xfffffffe), "l_name"},
      {"l_name_of_2_gb", begin + u32(1) + u32(0x7fffffff) + "a", "ends in the middle"},
      {"block_size_31", header + u32(31) + std::string(31, '\0'), "record 1: block_size is 31"},
      {"block_size_-1", header + u32(0xffffffff), "record 1: block_size is -1"},
      {"block_size_of_2_gb", header + u32(0x7fffffff) + "x", "record 1: the input ends"},
      {"ref_not_listed", header + record, "record 1: it lies on a reference"},
      {"record_2_damaged", header + bytes_of({{.ref = 0}}) + u32(32) + std::string(32, '\0'),
       "record 2: l_read_name is 0"},
  };
  const TempDir folder;
  const std::string path = folder.path() / "hostile.bam";
  for (const HostileCase& row : cases) {
    write_file(path, row.bytes);
    const std::string failure = failure_of(path);
    EXPECT_THAT(failure, ::testing::StartsWith("corrupt_data read " + path + ", ")) << row.name;
    EXPECT_THAT(failure, HasSubstr(row.failure)) << row.name;
  }
}

TEST(Source, ReferenceNamesEndAtTheirFirstNul) {
  const TempDir folder;
  const std::string path = folder.path() / "x.bam";
  write_file(path,
             "BAM\1"s + u32(0) + u32(2) + u32(1) + "a" + u32(9) + u32(4) + "b\0c\0"s + u32(8));
  EXPECT_EQ(open_source(path, {}, {})->header().references,
            (std::vector<Reference>{{"a", 9}, {"b", 8}}));
}

TEST(Source, WhatIsNoAlignmentFileSaysWhatItIs) {
  const HostileCase cases[] = {
      {"empty", "", "corrupt_data open"},
      {"zeros", std::string(100, '\0'), "corrupt_data open"},
      {"text", "hello\n", "looks like unknown text"},
      {"fastq", "@r1\nACGT\n+\nIIII\n", "looks like FASTQ"},
      {"vcf", "##fileformat=VCFv4.2\n", "looks like VCF"},
      {"htsget", "{\"htsget\": {\"urls\": [{\"url\": \"http://127.0.0.1:9/\"}]}}", "htsget"},
      {"gzip_of_nothing", "\x1f\x8b\x08\0\0\0\0\0\0\3\3\0\0\0\0\0\0\0\0\0"s, "it is empty"},
      {"gzip_cut", "\x1f\x8b\x08\0\0\0"s, "corrupt_data open"},
  };
  const TempDir folder;
  const std::string path = folder.path() / "x.bam";
  for (const HostileCase& row : cases) {
    write_file(path, row.bytes);
    EXPECT_THAT(failure_of(path), HasSubstr(row.failure)) << row.name;
  }
  EXPECT_THAT(failure_of(folder.path()), HasSubstr("invalid_argument open"));
  EXPECT_THAT(failure_of(folder.path() / "absent"), HasSubstr("not_found open"));
  EXPECT_THAT(failure_of("file:" + (folder.path() / "absent").string()), HasSubstr("not_found"));
  EXPECT_THAT(failure_of("foo://x/y"), HasSubstr("unsupported"));
}

// A FIFO that somebody writes to, until the test is over.
class Fifo {
 public:
  explicit Fifo(fs::path path) : path_(std::move(path)) {
    if (::mkfifo(path_.c_str(), 0600) != 0) throw std::runtime_error("mkfifo");
    descriptor_ = hts::Descriptor(::open(path_.c_str(), O_RDWR | O_CLOEXEC));  // waits for nobody
  }
  [[nodiscard]] const fs::path& path() const { return path_; }
  void write(std::string_view bytes) const {
    ASSERT_EQ(::write(descriptor_.get(), bytes.data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
  }
  void close() { descriptor_.reset(); }

 private:
  fs::path path_;
  hts::Descriptor descriptor_;
};

TEST(Source, AFifoIsReadToItsEnd) {
  const TempDir folder;
  Fifo fifo(folder.path() / "fifo");
  const auto records = some_records(20'000);
  std::jthread const writer([&] {
    fifo.write(bam_of(records));
    fifo.close();
  });
  expect_whole(fifo.path(), records);
}

TEST(Source, AStopEndsTheWaitForASilentPipe) {
  const TempDir folder;
  const Fifo fifo(folder.path() / "fifo");
  fifo.write(bam_of(some_records(2)));
  std::stop_source stop;
  const std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_THAT(failure_of(fifo.path(), {}, Context(stop.get_token())),
              ::testing::StartsWith("cancelled"));
}

TEST(Source, ADeadlineEndsTheWaitForASilentPipe) {
  const TempDir folder;
  const Fifo fifo(folder.path() / "fifo");
  const Context context =
      Context().with_deadline(Context::Clock::now() + std::chrono::milliseconds(1));
  EXPECT_THAT(failure_of(fifo.path(), {}, context), ::testing::StartsWith("deadline_exceeded"));
}

TEST(Source, AFeedThatBreaksBetweenRecordsIsNoShortFile) {
  const std::string bam = bam_of(some_records(3));
  bool given = false;
  hts::Feed feed(
      [&](const Context&) -> ByteSpan {
        if (given) throw Error(Errc::unavailable, "fetch", "s3://b/k", "reset by peer");
        given = true;
        return as_bytes(bam);
      },
      {});
  const hts::Descriptor reader = feed.take_reader();
  std::string got(bam.size() + 1, '\0');
  std::size_t size = 0;
  for (ssize_t n = 1; n > 0; size += static_cast<std::size_t>(n)) {
    n = ::read(reader.get(), got.data() + size, got.size() - size);
    ASSERT_GE(n, 0);
  }
  EXPECT_EQ(got.substr(0, size), bam);
  EXPECT_THROW(feed.check(), Error);
}

TEST(Source, AStoreThatFailsAnywhereGivesItsOwnErrorOrAllRecords) {
  const auto store = storage::make_memory();
  // Three windows, so that some calls fail while others are decoded.
  std::vector<TestRecord> records = some_records(36);
  for (TestRecord& record : records) record.payload = std::string(std::size_t{1} << 20, 'x');
  (void)store->put("x.bam", as_bytes(bam_of(records)));
  const std::string want = bytes_of(records);
  for (std::uint64_t nth = 1;; ++nth) {
    const storage::Faulty faulty = storage::make_faulty(store, {.nth = nth});
    std::string got;
    try {
      const auto source =
          read_records(std::make_unique<hts::Input>(storage::Location{faulty.storage, "x.bam"},
                                                    hts::Content::alignments, Context()),
                       {});
      got = read_rest(*source);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::unavailable) << nth;
      continue;
    }
    EXPECT_TRUE(got == want) << nth;
    EXPECT_LT(faulty.calls->load(), nth);
    EXPECT_GT(nth, 4U);
    break;
  }
}

}  // namespace
}  // namespace cnf::bams3
