// SPDX-License-Identifier: Apache-2.0

// What a conversion promises whatever goes wrong: all of a dataset or none of it.

#include "cnf/formats/bams3/convert.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <ios>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/chunk/chunk.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/query/executor.h"
#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"
#include "cnf/formats/bams3/dataset.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/random_records_internal.h"
#include "cnf/formats/bams3/source.h"
#include "cnf/formats/bams3/validate.h"
#include "cnf/formats/bams3/view.h"
#include "cnf/hts/region.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::bams3 {
namespace {

using Store = std::shared_ptr<storage::Storage>;

/// An uncompressed BAM of random records, as a file.
class BamFile {
 public:
  explicit BamFile(std::uint64_t seed, std::size_t records = 3000)
      : batch_(testing::RandomRecords(seed).batch(records, 3)) {
    Header header;
    header.text = "@HD\tVN:1.6\tSO:unsorted\n";
    for (int i = 0; i < 3; ++i) header.references.push_back({"chr" + std::to_string(i), 1'000'000});
    bam_ = header.to_bam();
    bam_.append(batch_.span());
    std::ofstream(path(), std::ios::binary) << as_text(bam_);
  }
  [[nodiscard]] std::string path() const { return (folder_.path() / "input.bam").string(); }
  [[nodiscard]] std::size_t records() const { return batch_.size(); }
  [[nodiscard]] std::string_view record_bytes() const { return as_text(batch_.span()); }

 private:
  cnf::testing::TempDir folder_;
  RecordBatch batch_;
  Buffer bam_;
};

ConvertOptions small_chunks(ConvertOptions options = {}) {
  options.order = Order::keep;
  options.strategy = std::make_shared<chunk::FixedStrategy>(1);  // a chunk per group
  options.threads = 2;
  return options;
}
ConvertOptions replacing() { return small_chunks({.existing = ConvertOptions::Existing::replace}); }

std::string record_bytes(const Store& store) {
  const Dataset dataset = Dataset::open(store, {});
  std::string bytes;
  query::Results results = run_view(dataset, plan_view(dataset, {}, Form::bam, {}), {}, {});
  while (const auto table = results.next()) bytes += as_text(table->column("record").values());
  return bytes;
}

/// Everything that validate finds wrong.
std::vector<std::string> complaints(const Store& store) {
  std::vector<std::string> found;
  try {
    for (const auto& finding : query::validate_objects(query::open_dataset(store), {}).findings) {
      if (finding.severity == query::Finding::Severity::error) found.push_back(finding.object);
    }
    validate(Dataset::open(store, {}), Depth::records,
             [&](const std::string& object, const std::string&) { found.push_back(object); }, {},
             {});
  } catch (const Error& error) {
    found.emplace_back(error.what());
  }
  return found;
}

std::size_t objects_in(const Store& store) {
  std::size_t count = 0;
  for (auto listing = store->list(); listing.next();) ++count;
  return count;
}

TEST(Convert, MakesAValidDatasetOfExactlyTheRecords) {
  const BamFile input(1);
  const Store store = storage::make_memory();
  const ConvertReport report = convert(input.path(), store, small_chunks(), {});
  EXPECT_EQ(report.records, input.records());
  EXPECT_EQ(record_bytes(store), input.record_bytes());
  EXPECT_TRUE(complaints(store).empty()) << complaints(store).front();
}

TEST(Convert, RefusesToReplaceUnlessAsked) {
  const BamFile input(1);
  const Store store = storage::make_memory();
  static_cast<void>(convert(input.path(), store, small_chunks(), {}));
  const std::size_t objects = objects_in(store);
  try {
    static_cast<void>(convert(input.path(), store, small_chunks(), {}));
    FAIL() << "it replaced a dataset";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::already_exists);
  }
  EXPECT_EQ(objects_in(store), objects);
}

TEST(Convert, GivesTheSameBytesForAnyNumberOfThreads) {
  const BamFile input(2, 60'000);
  std::map<std::string, std::string> first;
  for (const std::size_t threads : {1U, 2U, 5U}) {
    const Store store = storage::make_memory();
    ConvertOptions options = small_chunks();
    options.threads = threads;
    static_cast<void>(convert(input.path(), store, options, {}));
    std::map<std::string, std::string> objects;
    for (auto listing = store->list({.prefix = "data/"}); const auto info = listing.next();) {
      objects[info->key.substr(0, 10)] = as_text(store->read_all(info->key, 1 << 30).bytes);
    }
    if (first.empty()) first = objects;
    EXPECT_EQ(objects, first) << threads << " threads";
    EXPECT_GT(objects.size(), 2U);
  }
}

// Two writers at once: the second one commits while the first still reads its input.
TEST(Convert, TheSlowerOfTwoWritersLosesAndLosesNothingElse) {
  const BamFile slow(3);
  const BamFile fast(4, 500);
  for (const bool exists : {false, true}) {
    SCOPED_TRACE(exists);
    const Store store = storage::make_memory();
    if (exists) static_cast<void>(convert(slow.path(), store, small_chunks(), {}));
    bool done = false;
    Progress hook(
        [&](const ProgressState&) {
          if (std::exchange(done, true)) return;
          static_cast<void>(convert(fast.path(), store, replacing(), {}));
        },
        std::chrono::milliseconds(0));
    ConvertOptions options = replacing();
    options.progress = &hook;
    try {
      static_cast<void>(convert(slow.path(), store, options, {}));
      FAIL() << "both writers won";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), exists ? Errc::precondition_failed : Errc::already_exists);
    }
    EXPECT_EQ(record_bytes(store), fast.record_bytes());
    EXPECT_TRUE(complaints(store).empty());
  }
}

// SQLite's loop: the N-th call fails, for N = 1, 2, … until a run meets no fault.
TEST(Convert, LeavesTheOldDatasetOrTheNewWhicheverCallFails) {
  const BamFile before(5, 300);
  const BamFile after(6, 400);
  for (const auto persistence :
       {storage::FaultPlan::Persistence::once, storage::FaultPlan::Persistence::ever_after}) {
    for (const std::uint64_t seed : {0U, 1U}) {  // odd: a commit whose answer is lost
      std::uint64_t faults = 0;
      for (std::uint64_t nth = 1;; ++nth) {
        SCOPED_TRACE(nth);
        const Store store = storage::make_memory();
        static_cast<void>(convert(before.path(), store, small_chunks(), {}));
        const storage::Faulty faulty =
            storage::make_faulty(store, {.nth = nth, .persistence = persistence, .seed = seed});
        bool failed = false;
        try {
          static_cast<void>(convert(after.path(), faulty.storage, replacing(), {}));
        } catch (const Error&) {
          failed = true;
        }
        const std::string found = record_bytes(store);
        if (!failed) {
          EXPECT_EQ(found, after.record_bytes());
        } else {
          EXPECT_TRUE(found == before.record_bytes() || found == after.record_bytes());
        }
        EXPECT_TRUE(complaints(store).empty());
        if (*faulty.calls < nth) break;
        ++faults;
      }
      EXPECT_GT(faults, 5U);
    }
  }
}

TEST(Convert, LeavesNothingWhereNothingWasWhicheverCallFails) {
  const BamFile input(7, 300);
  for (std::uint64_t nth = 1;; ++nth) {
    SCOPED_TRACE(nth);
    const Store store = storage::make_memory();
    const storage::Faulty faulty = storage::make_faulty(store, {.nth = nth});
    try {
      static_cast<void>(convert(input.path(), faulty.storage, small_chunks(), {}));
    } catch (const Error&) {
      EXPECT_FALSE(store->exists(metadata::kManifestKey));
    }
    if (*faulty.calls < nth) break;
  }
}

TEST(Convert, WhatADeadWriterLeftIsNamedAndRemoved) {
  const BamFile input(8, 300);
  const Store store = storage::make_memory();
  static_cast<void>(convert(input.path(), store, small_chunks(), {}));
  static_cast<void>(
      convert(input.path(), store, replacing(), {}));  // the first one's objects are orphans now
  const metadata::Manager manager(store);
  const metadata::Metadata metadata = manager.load().metadata;
  std::vector<std::string> orphans;
  for (const storage::FileInfo& info : manager.orphans(metadata)) orphans.push_back(info.key);
  EXPECT_EQ(orphans.size(), metadata.chunks.num_chunks + metadata.objects.size());
  store->remove(orphans);
  EXPECT_TRUE(manager.orphans(metadata).empty());
  EXPECT_EQ(record_bytes(store), input.record_bytes());
}

TEST(Convert, IsCancelledBetweenGroups) {
  const BamFile input(9, 60'000);
  const Store store = storage::make_memory();
  std::stop_source stop;
  Progress hook([&](const ProgressState&) { stop.request_stop(); }, std::chrono::milliseconds(0));
  ConvertOptions options = small_chunks();
  options.progress = &hook;
  try {
    static_cast<void>(convert(input.path(), store, options, Context(stop.get_token())));
    FAIL() << "it went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::cancelled);
  }
  EXPECT_EQ(objects_in(store), 0U) << "what was written is removed again";
}

TEST(Validate, FindsEachFlippedByteOfEachObject) {
  const BamFile input(10, 60);
  const Store store = storage::make_memory();
  static_cast<void>(convert(input.path(), store, small_chunks(), {}));
  std::vector<std::string> keys;
  for (auto listing = store->list(); const auto info = listing.next();) keys.push_back(info->key);
  ASSERT_GE(keys.size(), 5U);
  for (const std::string& key : keys) {
    SCOPED_TRACE(key);
    const storage::Object whole = store->read_all(key, 1 << 30);
    const std::size_t step = whole.bytes.size() / 150 + 1;
    for (std::size_t at = 0; at < whole.bytes.size(); at += step) {
      Buffer damaged = Buffer::copy_of(whole.bytes);
      damaged.data()[at] ^= std::byte{0x20};
      store->put(key, damaged);
      EXPECT_FALSE(complaints(store).empty()) << "byte " << at;
    }
    store->put(key, whole.bytes);
  }
  EXPECT_TRUE(complaints(store).empty());
}

TEST(Validate, FindsEachMissingObject) {
  const BamFile input(11, 60);
  const Store store = storage::make_memory();
  static_cast<void>(convert(input.path(), store, small_chunks(), {}));
  std::vector<std::string> keys;
  for (auto listing = store->list(); const auto info = listing.next();) keys.push_back(info->key);
  for (const std::string& key : keys) {
    const storage::Object whole = store->read_all(key, 1 << 30);
    store->remove(key);
    EXPECT_FALSE(complaints(store).empty()) << key;
    store->put(key, whole.bytes);
  }
}

TEST(Dataset, AnUnsortedOneAnswersARegionWithWhatToDo) {
  const BamFile input(12, 100);
  const Store store = storage::make_memory();
  static_cast<void>(convert(input.path(), store, small_chunks(), {}));
  const Dataset dataset = Dataset::open(store, {});
  ViewQuery query;
  query.regions.push_back(parse_region("chr1:1-1000", dataset.reference_names()));
  try {
    static_cast<void>(plan_view(dataset, query, Form::sam, {}));
    FAIL() << "it answered";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::unsupported);
    EXPECT_NE(std::string(error.what()).find("--order coordinate"), std::string::npos)
        << error.what();
  }
}

// Cold: manifest, then the group's two parts at once. Requests are counted, not timed.
TEST(Dataset, AColdPointQueryReadsLittleMoreThanItsPlan) {
  const BamFile input(13, 60'000);
  const Store store = storage::make_memory();
  ConvertOptions options;
  options.threads = 2;
  static_cast<void>(convert(input.path(), store, options, {}));
  const auto accounting = std::make_shared<Accounting>();
  const Context context = Context().with_accounting(accounting);
  const Dataset dataset = Dataset::open(store, context);
  const std::uint64_t manifest = accounting->snapshot().bytes_fetched;
  EXPECT_EQ(accounting->snapshot().total_requests(), 1U);
  ViewQuery query;
  query.regions.push_back(parse_region("chr1:100-1100", dataset.reference_names()));
  const ViewPlan plan = plan_view(dataset, query, Form::sam, context);
  EXPECT_EQ(accounting->snapshot().total_requests(), 1U)
      << "a small dataset's index travels in its manifest";
  query::Results results = run_view(dataset, plan, {}, context);
  std::size_t records = 0;
  while (const auto table = results.next()) records += table->rows();
  EXPECT_GT(records, 0U);
  std::uint64_t planned = 0;
  for (const auto& unit : plan.plan.units) {
    for (const auto& range : unit.ranges) planned += range.length;
  }
  EXPECT_LE(accounting->snapshot().bytes_fetched - manifest, planned + planned / 2);
  EXPECT_LE(accounting->snapshot().total_requests(), 1 + 2 * plan.plan.units.size());
}

}  // namespace
}  // namespace cnf::bams3
