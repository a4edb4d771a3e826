// SPDX-License-Identifier: Apache-2.0

// What an import promises whatever goes wrong: all of a dataset or none of it, and to be taken up.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/metadata/manager.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/data_type.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"
#include "cnf/core/util/shape.h"
#include "cnf/em/source.h"
#include "cnf/formats/cryoem/import.h"
#include "cnf/formats/cryoem/journal_internal.h"
#include "cnf/formats/cryoem/test_sources_internal.h"
#include "cnf/zarr/array.h"
#include "cnf/zarr/ome.h"

namespace cnf::cryoem {
namespace {

using Store = std::shared_ptr<storage::Storage>;
using Words = testing::ComputedSource<std::int16_t>;

const Shape kShape{16, 32, 48};

Words words(std::uint64_t seed) {
  return {testing::volume_info(kShape, DataType::int16), [seed](const Shape& at) {
            return static_cast<std::int16_t>(testing::scrambled(at) * (seed + 1) % 1'000);
          }};
}

/// Fails as a network does at one of its reads.
class BreakingSource final : public em::Source {
 public:
  BreakingSource(const em::Source& inner, int reads) : inner_(inner), left_(reads) {}
  [[nodiscard]] const em::SourceInfo& info() const noexcept override { return inner_.info(); }
  void read(const Box& box, MutableByteSpan into, const Context& context) const override {
    if (left_-- == 0) throw Error(Errc::unavailable, "read", "the input", "its store is away");
    inner_.read(box, into, context);
  }
  [[nodiscard]] std::vector<em::Attachment> attachments() const override {
    return inner_.attachments();
  }
  [[nodiscard]] nlohmann::json identity() const override { return inner_.identity(); }

 private:
  const em::Source& inner_;
  mutable std::atomic<int> left_;
};

ImportOptions small_chunks() {
  return {.chunk = {8, 16, 16}, .shard = {8, 16, 32}, .threads = 1, .name = "v"};
}
ImportOptions replacing() {
  ImportOptions options = small_chunks();
  options.existing = query::Existing::replace;
  return options;
}
ImportOptions resuming() {
  ImportOptions options = small_chunks();
  options.resume = true;
  return options;
}

void import(const em::Source& source, const Store& store, const ImportOptions& options,
            const Context& context = {}) {
  static_cast<void>(import_source(source, store, options, context));
}

bool has_dataset(const Store& store) {
  return metadata::Manager(store).try_load({}, metadata::Place::group).has_value();
}

/// Level 0 by way of OME-Zarr's paths.
std::vector<std::int16_t> voxels_in(const Store& store) {
  const auto committed = metadata::Manager(store).load({}, metadata::Place::group);
  const auto image = zarr::parse_multiscale(committed.group.at("attributes"), "it");
  std::vector<std::int16_t> values(kShape.elements());
  zarr::Array::open(store, image->levels.front().path)
      .read(Box::of(kShape), std::as_writable_bytes(std::span(values)));
  return values;
}
std::vector<std::int16_t> voxels_of(const em::Source& source) {
  std::vector<std::int16_t> values(kShape.elements());
  source.read(Box::of(kShape), std::as_writable_bytes(std::span(values)), {});
  return values;
}

void expect_valid(const Store& store) {
  for (const auto& finding : query::validate_objects(query::open_dataset(store), {}).findings) {
    if (finding.severity == query::Finding::Severity::error)
      ADD_FAILURE() << finding.object << ": " << finding.what;
  }
}

/// Everything but the manifest and names of ours, which are new with each import.
std::map<std::string, std::string> objects_in(const Store& store) {
  std::map<std::string, std::string> objects;
  for (auto listing = store->list(); const auto info = listing.next();) {
    const std::string key = info->key;
    if (key == "zarr.json") continue;
    const bool ours = key.starts_with("__cnf/") && key != kJournalKey;
    objects[ours ? key.substr(22) : key] = as_text(store->read_all(key, 1U << 30U).bytes);
  }
  return objects;
}

Errc code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "no error";
  return Errc::internal;
}

TEST(CryoemResume, GivesTheBytesOfAnImportThatWasNotCutShort) {
  const Words source = words(1);
  const Store whole = storage::make_memory();
  import(source, whole, small_chunks());
  std::uint64_t most = 0;
  for (int reads = 0; reads < 12; ++reads) {
    SCOPED_TRACE(reads);
    const Store store = storage::make_memory();
    EXPECT_EQ(code_of([&] { import(BreakingSource(source, reads), store, small_chunks()); }),
              Errc::unavailable);
    EXPECT_FALSE(has_dataset(store));
    std::map<std::string, std::string> before;
    for (auto listing = store->list({.prefix = "0/"}); const auto info = listing.next();)
      before[info->key] = info->etag;
    const ImportReport report = import_source(source, store, resuming());
    EXPECT_EQ(report.resumed, before.size());
    for (const auto& [key, etag] : before) EXPECT_EQ(store->stat(key).etag, etag) << key;
    most = std::max(most, report.resumed);
    EXPECT_EQ(objects_in(store), objects_in(whole));
    expect_valid(store);
  }
  EXPECT_GT(most, 3U);
}

TEST(CryoemResume, WorksAfterItWasStopped) {
  const Words source = words(1);
  const Store store = storage::make_memory();
  std::stop_source stop;
  Progress hook(
      [&](const ProgressState& state) {
        if (state.bytes > state.total_bytes / 2) stop.request_stop();
      },
      std::chrono::milliseconds(0));
  ImportOptions options = small_chunks();
  options.progress = &hook;
  EXPECT_EQ(code_of([&] { import(source, store, options, Context(stop.get_token())); }),
            Errc::cancelled);
  EXPECT_FALSE(has_dataset(store));
  EXPECT_GT(import_source(source, store, resuming()).resumed, 0U);
  EXPECT_EQ(voxels_in(store), voxels_of(source));
}

TEST(CryoemResume, WritesAnewWhatIsGoneOrHasAnotherLength) {
  const Words source = words(1);
  const Store whole = storage::make_memory();
  import(source, whole, small_chunks());
  const Store store = storage::make_memory();
  EXPECT_EQ(code_of([&] { import(BreakingSource(source, 9), store, small_chunks()); }),
            Errc::unavailable);
  ASSERT_TRUE(store->exists("0/c/0/0/0"));
  ASSERT_TRUE(store->exists("0/c/0/1/0"));
  store->remove("0/c/0/0/0");
  store->put("0/c/0/1/0", as_bytes("half of it"));
  import(source, store, resuming());
  EXPECT_EQ(objects_in(store), objects_in(whole));
}

TEST(CryoemResume, RefusesAnotherInputAndOtherOptions) {
  const Words source = words(1);
  const Store store = storage::make_memory();
  EXPECT_EQ(code_of([&] { import(BreakingSource(source, 5), store, small_chunks()); }),
            Errc::unavailable);
  Words other = words(2);
  other.set_name("other");
  EXPECT_EQ(code_of([&] { import(other, store, resuming()); }), Errc::invalid_argument);
  ImportOptions options = resuming();
  options.codec = "zstd";
  EXPECT_EQ(code_of([&] { import(source, store, options); }), Errc::invalid_argument);
  import(source, store, resuming());
  EXPECT_EQ(voxels_in(store), voxels_of(source));
}

TEST(CryoemResume, IsAPlainImportWhereNothingWasBegun) {
  const Words source = words(1);
  const Store store = storage::make_memory();
  EXPECT_EQ(import_source(source, store, resuming()).resumed, 0U);
  EXPECT_EQ(voxels_in(store), voxels_of(source));
}

TEST(CryoemImport, SaysThatAnotherWasCutShort) {
  const Words source = words(1);
  const Store store = storage::make_memory();
  EXPECT_EQ(code_of([&] { import(BreakingSource(source, 5), store, small_chunks()); }),
            Errc::unavailable);
  try {
    import(source, store, small_chunks());
    FAIL() << "it wrote over another import";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::already_exists);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("--resume"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("--overwrite"));
  }
  import(words(2), store, replacing());
  EXPECT_EQ(voxels_in(store), voxels_of(words(2)));
  EXPECT_FALSE(store->exists(kJournalKey));
  expect_valid(store);
}

TEST(CryoemImport, ReplacesADatasetWithoutTouchingIt) {
  const Store store = storage::make_memory();
  import(words(1), store, small_chunks());
  const auto before = objects_in(store);
  EXPECT_EQ(code_of([&] { import(words(2), store, small_chunks()); }), Errc::already_exists);
  import(words(2), store, replacing());
  EXPECT_EQ(voxels_in(store), voxels_of(words(2)));
  for (const auto& [key, bytes] : before) {
    if (!key.starts_with("0/")) continue;
    EXPECT_EQ(as_text(store->read_all(key, 1U << 30U).bytes), bytes);
  }
  expect_valid(store);
  // What was replaced is left to gc.
  EXPECT_FALSE(query::find_orphans(query::open_dataset(store)).empty());
}

// Two writers at once: the second begins while the first still reads its input.
TEST(CryoemImport, TheSecondOfTwoWritersIsRefused) {
  const Words source = words(1);
  const Store store = storage::make_memory();
  bool done = false;
  Progress hook(
      [&](const ProgressState&) {
        if (std::exchange(done, true)) return;
        EXPECT_EQ(code_of([&] { import(words(2), store, small_chunks()); }), Errc::already_exists);
      },
      std::chrono::milliseconds(0));
  ImportOptions options = small_chunks();
  options.progress = &hook;
  import(source, store, options);
  EXPECT_TRUE(done);
  EXPECT_EQ(voxels_in(store), voxels_of(source));
  expect_valid(store);
}

TEST(CryoemImport, AWriterWhosePlaceWasTakenStops) {
  for (const bool exists : {false, true}) {
    SCOPED_TRACE(exists);
    const Store store = storage::make_memory();
    if (exists) import(words(3), store, small_chunks());
    bool done = false;
    Progress hook(
        [&](const ProgressState&) {
          if (!std::exchange(done, true)) import(words(2), store, replacing());
        },
        std::chrono::milliseconds(0));
    ImportOptions options = replacing();
    options.progress = &hook;
    EXPECT_THAT(code_of([&] { import(words(1), store, options); }),
                ::testing::AnyOf(Errc::precondition_failed, Errc::not_found));
    EXPECT_EQ(voxels_in(store), voxels_of(words(2)));
    expect_valid(store);
  }
}

// SQLite's loop: the N-th call fails, for N = 1, 2, … until a run meets no fault.
TEST(CryoemImport, LeavesTheOldDatasetOrTheNewWhicheverCallFails) {
  const auto before = voxels_of(words(1));
  const auto after = voxels_of(words(2));
  for (const auto persistence :
       {storage::FaultPlan::Persistence::once, storage::FaultPlan::Persistence::ever_after}) {
    for (const std::uint64_t seed : {0U, 1U}) {  // odd: a commit whose answer is lost
      std::uint64_t faults = 0;
      for (std::uint64_t nth = 1;; ++nth) {
        SCOPED_TRACE(nth);
        const Store store = storage::make_memory();
        import(words(1), store, small_chunks());
        const storage::Faulty faulty =
            storage::make_faulty(store, {.nth = nth, .persistence = persistence, .seed = seed});
        bool failed = false;
        try {
          import(words(2), faulty.storage, replacing());
        } catch (const Error&) {
          failed = true;
        }
        const auto found = voxels_in(store);
        EXPECT_TRUE(found == after || (failed && found == before));
        expect_valid(store);
        if (*faulty.calls < nth) break;
        ++faults;
      }
      EXPECT_GT(faults, 20U);
    }
  }
}

TEST(CryoemResume, GoesOnWhicheverCallFailed) {
  const auto want = voxels_of(words(1));
  for (const std::uint64_t seed : {0U, 1U}) {
    for (std::uint64_t nth = 1;; ++nth) {
      SCOPED_TRACE(nth);
      const Store store = storage::make_memory();
      const storage::Faulty faulty = storage::make_faulty(store, {.nth = nth, .seed = seed});
      try {
        import(words(1), faulty.storage, small_chunks());
      } catch (const Error&) {
        if (!has_dataset(store)) {
          import(words(1), store, resuming());
          EXPECT_FALSE(store->exists(kJournalKey));
        }
      }
      EXPECT_EQ(voxels_in(store), want);
      expect_valid(store);
      if (*faulty.calls < nth) break;
    }
  }
}

}  // namespace
}  // namespace cnf::cryoem
