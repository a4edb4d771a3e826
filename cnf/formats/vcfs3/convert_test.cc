// SPDX-License-Identifier: Apache-2.0

// What a conversion promises whatever goes wrong: all of a dataset or none of it.

#include "cnf/formats/vcfs3/convert.h"

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <ios>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/uri.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/decoded_bin.h"
#include "cnf/formats/vcfs3/random_vcf_internal.h"
#include "cnf/formats/vcfs3/validate.h"
#include "cnf/formats/vcfs3/variant.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::vcfs3 {
namespace {

using Store = std::shared_ptr<storage::Storage>;

class VcfFile {
 public:
  explicit VcfFile(std::string text) : text_(std::move(text)) {
    std::ofstream(path(), std::ios::binary) << text_;
  }
  explicit VcfFile(std::uint64_t seed, std::size_t records = 300, std::size_t samples = 20)
      : VcfFile(testing::RandomVcf(seed).text(records, samples)) {}
  [[nodiscard]] std::string path() const { return (folder_.path() / "input.vcf").string(); }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  cnf::testing::TempDir folder_;
  std::string text_;
};

ConvertOptions small_chunks(ConvertOptions options = {}) {
  options.chunk_bytes = 1;  // a chunk per bin
  options.chunk_span = 2'000;
  options.chunk_samples = 7;
  options.profile = Profile::fast;
  options.threads = 2;
  return options;
}
ConvertOptions replacing() { return small_chunks({.existing = ConvertOptions::Existing::replace}); }

/// The lines of all records, read part by part as the index says.
std::string text_of(const Store& store) {
  const Dataset dataset = Dataset::open(store, {});
  std::vector<SampleRange> groups;
  for (std::size_t g = 0; g < dataset.groups(); ++g) groups.push_back(dataset.group(g));
  const CellOrder order(groups, std::nullopt);
  Buffer out = Buffer::copy_of(as_bytes(dataset.header({}).text));
  for (const BinRow& row : dataset.all_bins({})) {
    const std::string key = dataset.chunk_key(row.chunk);
    std::vector<Buffer> held;
    const auto read = [&](std::uint64_t offset, std::uint64_t length) -> ByteSpan {
      held.emplace_back(length);
      dataset.chunk_storage()->open(key)->read_at(offset, held.back().span());
      return held.back();
    };
    BinBytes bytes;
    for (const PageRow& page : row.pages) {
      bytes.pages.push_back({.core = read(page.offset, page.core_length),
                             .info = read(page.offset + page.core_length, page.info_length)});
    }
    for (const TileRow& tile : row.tiles) {
      bytes.tiles.push_back({.genotypes = read(tile.genotypes_offset, tile.genotypes_length),
                             .format = read(tile.format_offset, tile.format_length)});
    }
    DecodedBin bin(dataset.contigs()[row.key.sequence], row, bytes, order, key);
    for (std::size_t i = 0; i < row.records(); ++i)
      bin.append_line(i, true, dataset.crlf() ? "\r\n" : "\n", out);
  }
  std::string text(as_text(out));
  if (!dataset.final_newline()) text.resize(text.size() - (dataset.crlf() ? 2 : 1));
  return text;
}

/// Everything that validate finds wrong.
std::vector<std::string> complaints(const Store& store) {
  std::vector<std::string> found;
  try {
    for (const auto& finding : query::validate_objects(query::open_dataset(store), {}).findings) {
      if (finding.severity == query::Finding::Severity::error)
        found.push_back(finding.object + ": " + finding.what);
    }
    validate(Dataset::open(store, {}), Depth::text,
             [&](const std::string& object, const std::string& what) {
               found.push_back(object + ": " + what);
             },
             {}, {});
  } catch (const Error& error) {
    found.emplace_back(error.what());
  }
  return found;
}
void expect_valid(const Store& store) {
  const std::vector<std::string> found = complaints(store);
  EXPECT_TRUE(found.empty()) << found.front();
}

std::size_t objects_in(const Store& store) {
  std::size_t count = 0;
  for (auto listing = store->list(); listing.next();) ++count;
  return count;
}

TEST(Vcfs3Convert, MakesAValidDatasetOfExactlyTheText) {
  for (const std::size_t samples : {0U, 1U, 20U}) {
    for (const std::size_t records : {0U, 1U, 2'000U}) {
      const VcfFile input(samples + records, records, samples);
      const Store store = storage::make_memory();
      const ConvertReport report = convert(input.path(), store, small_chunks(), {});
      EXPECT_EQ(report.records, records);
      EXPECT_EQ(report.samples, samples);
      EXPECT_EQ(report.text_bytes, input.text().size());
      EXPECT_EQ(text_of(store), input.text());
      expect_valid(store);
      const Dataset dataset = Dataset::open(store, {});
      EXPECT_EQ(dataset.records(), records);
      EXPECT_EQ(dataset.bins(), report.bins);
      EXPECT_EQ(dataset.metadata().custom.at("text").at("sha256"),
                to_hex(sha256(as_bytes(input.text()))));
      EXPECT_TRUE(dataset.in_order());
    }
  }
}

TEST(Vcfs3Convert, KeepsWhatIsOdd) {
  const std::string head = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
  const std::string a = "c\t5\trs1\tA\tC\t.\t.\t.\n";
  const std::string b = "d\t3\trs2\tA\tC\t.\t.\t.\n";
  struct Case {
    std::string text;
    bool in_order;
  };
  for (const Case& row :
       {Case{head, true}, Case{head + a, true}, Case{head + a + a, true},
        Case{head + a + b + a, false}, Case{head + a + "c\t4\t.\tA\tC\t.\t.\t.\n", false},
        Case{head + a + "\n\n", true}, Case{head + "\n" + a, true},
        Case{head + a.substr(0, a.size() - 1), true}, Case{head + "no record", true},
        Case{head + "c%\xff\t1\t.\tA\tC\t.\t.\t.\n" + a, true},
        Case{head.substr(0, head.size() - 1), true},
        Case{head + "c\t0\t.\tA\tC\t.\t.\t.\n" + a, true}}) {
    SCOPED_TRACE(row.text);
    const VcfFile input(row.text);
    const Store store = storage::make_memory();
    static_cast<void>(convert(input.path(), store, small_chunks(), {}));
    EXPECT_EQ(text_of(store), row.text);
    EXPECT_EQ(Dataset::open(store, {}).in_order(), row.in_order);
    expect_valid(store);
  }
}

TEST(Vcfs3Convert, KeepsAttributesOfSamples) {
  const VcfFile input(4, 10, 3);
  const cnf::testing::TempDir folder;
  ConvertOptions options = small_chunks();
  options.sample_table = (folder.path() / "panel.tsv").string();
  std::ofstream(options.sample_table) << "sample\tpop\nS1\tFIN\nS0\tGBR\n";
  const Store store = storage::make_memory();
  static_cast<void>(convert(input.path(), store, options, {}));
  const SampleTable table = Dataset::open(store, {}).read_samples({});
  ASSERT_EQ(table.attributes.size(), 1U);
  EXPECT_EQ(table.attributes[0].values,
            (std::vector<std::optional<std::string>>{"GBR", "FIN", std::nullopt}));
  expect_valid(store);
}

TEST(Vcfs3Convert, FindsEveryIdInTheText) {
  const VcfFile input(5, 3'000, 2);
  const Store store = storage::make_memory();
  static_cast<void>(convert(input.path(), store, small_chunks(), {}));
  const Dataset dataset = Dataset::open(store, {});
  std::size_t with_x3 = 0;
  for (std::size_t at = 0; (at = input.text().find(";x3\t", at)) != std::string::npos; ++at)
    ++with_x3;
  ASSERT_GT(with_x3, 10U);
  std::size_t found = 0;
  for (const IdBin& bin : dataset.find_ids({"x3"}, {})) found += bin.records.size();
  EXPECT_EQ(found, with_x3);
}

TEST(Vcfs3Convert, RefusesToReplaceUnlessAsked) {
  const VcfFile input(1);
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

TEST(Vcfs3Convert, GivesTheSameBytesForAnyNumberOfThreadsAndAnyMemory) {
  const VcfFile input(2, 40'000, 30);  // some slabs
  std::map<std::string, std::string> first;
  for (const auto& [threads, memory] : {std::pair<std::size_t, std::uint64_t>{1, 2ULL << 30},
                                        {2, 2ULL << 30},
                                        {5, 2ULL << 30},
                                        {3, 1}}) {
    const Store store = storage::make_memory();
    ConvertOptions options = small_chunks();
    options.chunk_bytes = 100'000;
    options.chunk_span = 50'000;
    options.threads = threads;
    options.memory = memory;
    static_cast<void>(convert(input.path(), store, options, {}));
    std::map<std::string, std::string> objects;
    for (auto listing = store->list(); const auto info = listing.next();) {
      if (info->key != metadata::kManifestKey)  // names of objects carry a random id
        objects[info->key.substr(0, info->key.find_last_of('-'))] =
            as_text(store->read_all(info->key, 1 << 30).bytes);
    }
    if (first.empty()) first = objects;
    EXPECT_EQ(objects, first) << threads << " threads";
    EXPECT_GT(objects.size(), 7U);
    if (threads == 5) expect_valid(store);
  }
}

// Two writers at once: the second one commits while the first still reads its input.
TEST(Vcfs3Convert, TheSlowerOfTwoWritersLosesAndLosesNothingElse) {
  const VcfFile slow(3);
  const VcfFile fast(4, 100);
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
    EXPECT_EQ(text_of(store), fast.text());
    expect_valid(store);
  }
}

// SQLite's loop: the N-th call fails, for N = 1, 2, … until a run meets no fault.
TEST(Vcfs3Convert, LeavesTheOldDatasetOrTheNewWhicheverCallFails) {
  const VcfFile before(5, 60, 3);
  const VcfFile after(6, 90, 3);
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
        const std::string found = text_of(store);
        if (!failed) {
          EXPECT_EQ(found, after.text());
        } else {
          EXPECT_TRUE(found == before.text() || found == after.text());
        }
        expect_valid(store);
        if (*faulty.calls < nth) break;
        ++faults;
      }
      EXPECT_GT(faults, 8U);
    }
  }
}

TEST(Vcfs3Convert, LeavesNothingWhereNothingWasWhicheverCallFails) {
  const VcfFile input(7, 60, 3);
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

TEST(Vcfs3Convert, WhatADeadWriterLeftIsNamedAndRemoved) {
  const VcfFile input(8);
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
  EXPECT_EQ(text_of(store), input.text());
}

// The process ends as by a power cut, once some chunks of the new dataset are there.
TEST(Vcfs3Convert, AKilledWriterLeavesTheOldDatasetAndOrphans) {
  const VcfFile before(20, 60, 3);
  const VcfFile after(21, 40'000, 20);  // some slabs
  const cnf::testing::TempDir folder;
  const Store store = storage::from_uri(folder.path().string());
  static_cast<void>(convert(before.path(), store, small_chunks(), {}));
  const std::size_t objects = objects_in(store);
  const pid_t child = ::fork();
  if (child == 0) {
    Progress hook(
        [&](const ProgressState&) {
          if (objects_in(store) > objects + 2) static_cast<void>(::raise(SIGKILL));
        },
        std::chrono::milliseconds(0));
    ConvertOptions options = replacing();
    options.progress = &hook;
    try {
      static_cast<void>(convert(after.path(), store, options, {}));
    } catch (const Error&) {
      ::_exit(2);
    }
    ::_exit(1);
  }
  ASSERT_GT(child, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  EXPECT_EQ(text_of(store), before.text());
  expect_valid(store);
  const metadata::Manager manager(store);
  std::vector<std::string> orphans;
  for (const storage::FileInfo& info : manager.orphans(manager.load().metadata))
    orphans.push_back(info.key);
  EXPECT_GT(orphans.size(), 2U);
  store->remove(orphans);
  EXPECT_TRUE(manager.orphans(manager.load().metadata).empty());
  EXPECT_EQ(text_of(store), before.text());
}

TEST(Vcfs3Convert, IsCancelledAndRemovesWhatItWrote) {
  const VcfFile input(9, 30'000, 20);
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
  EXPECT_EQ(objects_in(store), 0U);
}

TEST(Vcfs3Convert, RefusesOptionsThatTheIndexCannotHold) {
  const VcfFile input(10, 3, 4'001);
  const Store store = storage::make_memory();
  ConvertOptions options = small_chunks();
  options.chunk_samples = 1;
  try {
    static_cast<void>(convert(input.path(), store, options, {}));
    FAIL() << "it took them";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("--chunk-samples"), std::string::npos);
  }
  EXPECT_EQ(objects_in(store), 0U);
}

TEST(Vcfs3Validate, FindsEachFlippedByteOfEachObject) {
  const VcfFile input(11, 40, 5);
  const Store store = storage::make_memory();
  static_cast<void>(convert(input.path(), store, small_chunks(), {}));
  std::vector<std::string> keys;
  for (auto listing = store->list(); const auto info = listing.next();) keys.push_back(info->key);
  ASSERT_GE(keys.size(), 6U);
  for (const std::string& key : keys) {
    SCOPED_TRACE(key);
    const storage::Object whole = store->read_all(key, 1 << 30);
    const std::size_t step = whole.bytes.size() / 60 + 1;
    for (std::size_t at = 0; at < whole.bytes.size(); at += step) {
      Buffer damaged = Buffer::copy_of(whole.bytes);
      damaged.data()[at] ^= std::byte{0x20};
      store->put(key, damaged);
      EXPECT_FALSE(complaints(store).empty()) << "byte " << at;
    }
    store->put(key, whole.bytes);
  }
  expect_valid(store);
}

TEST(Vcfs3Validate, FindsEachMissingObject) {
  const VcfFile input(12, 40, 5);
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

// Parts of one dataset under the manifest of another: every checksum is right.
TEST(Vcfs3Validate, FindsATextThatIsNotTheOneConverted) {
  const VcfFile input(13, 40, 5);
  const Store store = storage::make_memory();
  static_cast<void>(convert(input.path(), store, small_chunks(), {}));
  const metadata::Committed committed = metadata::Manager(store).load();
  const auto complains = [&](const auto& change) {
    metadata::Metadata manifest = metadata::Manager(store).load().metadata;
    const std::string etag = metadata::Manager(store).load().etag;
    change(manifest);
    metadata::Manager(store).replace(manifest, etag);
    const bool found = !complaints(store).empty();
    metadata::Manager(store).replace(committed.metadata, metadata::Manager(store).load().etag);
    return found;
  };
  using M = metadata::Metadata;
  EXPECT_FALSE(complains([](M&) {}));
  EXPECT_TRUE(complains([](M& m) { m.custom["text"]["sha256"] = std::string(64, '1'); }));
  EXPECT_TRUE(complains([](M& m) { m.custom["text"]["bytes"] = 3; }));
  EXPECT_TRUE(complains([](M& m) { m.custom["text"]["crlf"] = true; }));
  EXPECT_TRUE(complains([](M& m) { m.custom["text"]["final_newline"] = false; }));
  EXPECT_TRUE(complains([](M& m) { m.custom["zone_keys"] = {"DP", "AF"}; })) << "the other way";
  EXPECT_TRUE(complains([](M& m) { m.custom["contigs"] = {"other"}; }));
}

}  // namespace
}  // namespace cnf::vcfs3
