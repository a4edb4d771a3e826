// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/chunk/grid.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/copy.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

// Datasets that are Zarr groups: they name their chunks themselves, and zarr.json is the commit.
namespace cnf::query {
namespace {

using metadata::Place;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Store = std::shared_ptr<storage::Storage>;

const nlohmann::json kGroup = {
    {"zarr_format", 3}, {"node_type", "group"}, {"attributes", {{"ome", {{"version", "0.5"}}}}}};

// Writes all but the commit. Every object's bytes are `text` and its path.
metadata::Metadata write_objects(NewDataset& dataset, const Store& store, const std::string& below,
                                 const std::string& text = "voxels") {
  for (const char* name : {"0/c/0/1/0", "0/c/0/0/0", "1/c/0/0/0", "labels/cells/0/c/0/0/0"}) {
    const std::string path = below + name;
    const std::string bytes = text + " of " + name;
    store->put(path, as_bytes(bytes));
    dataset.list(path, bytes.size(), crc32c(as_bytes(bytes)));
  }
  for (const char* name : {"0/zarr.json", "1/zarr.json", "labels/cells/0/zarr.json"}) {
    dataset.put(below + name, below + name, as_bytes("{}"), NewDataset::Carry::nothing);
  }
  dataset.put("statistics", "__cnf/" + dataset.id() + "-statistics.idx", as_bytes(text),
              NewDataset::Carry::small);
  metadata::Metadata manifest =
      dataset.finish_listed(chunk::GridStrategy(64), "__cnf/" + dataset.id() + "-chunks.idx");
  manifest.format = "SAMPLE";
  manifest.version = "1.0.0";
  manifest.compression.algorithm = "none";
  return manifest;
}

std::string commit_dataset(const Store& store, const std::string& below = {},
                           const std::string& text = "voxels") {
  const auto existing = load_existing(store, Existing::replace, {}, Place::group);
  NewDataset dataset(store, store, {});
  const metadata::Metadata manifest = write_objects(dataset, store, below, text);
  dataset.commit(manifest, existing, kGroup);
  return manifest.dataset_id;
}

std::vector<std::string> findings_of(const Store& store) {
  std::vector<std::string> found;
  for (const Finding& finding : validate_objects(open_dataset(store), {}).findings) {
    found.push_back(finding.object + ": " + finding.what);
  }
  return found;
}

std::vector<std::string> orphans_of(const Store& store) {
  std::vector<std::string> keys;
  for (const storage::FileInfo& info : find_orphans(open_dataset(store))) keys.push_back(info.key);
  return keys;
}

template <typename Call>
Errc code_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::internal;
}

TEST(GroupDataset, IsOpenedWithOneRequestWhereItsKindIsKnown) {
  const Store store = storage::make_memory();
  commit_dataset(store);
  const Context context;
  const Dataset dataset = open_dataset(store, context, Place::group);
  EXPECT_EQ(context.accounting().snapshot().total_requests(), 1U);
  EXPECT_EQ(dataset.committed.group, kGroup);
  EXPECT_EQ(dataset.manifest().chunks.num_chunks, 4U);
  EXPECT_TRUE(dataset.manifest().chunks.named_by_format());
}

TEST(GroupDataset, IsSoundAndNothingOfItIsAnOrphan) {
  const Store store = storage::make_memory();
  commit_dataset(store);
  const Validation result = validate_objects(open_dataset(store), {});
  EXPECT_THAT(findings_of(store), IsEmpty());
  EXPECT_EQ(result.objects, 4U + 3 + 2);
  EXPECT_EQ(result.bytes, open_dataset(store).manifest().storage.total_size);
}

TEST(GroupDataset, DamageIsFound) {
  const Store store = storage::make_memory();
  commit_dataset(store);
  store->put("0/c/0/1/0", as_bytes("voxels of 0/c/0/1/1"));
  store->remove("labels/cells/0/c/0/0/0");
  store->put("1/zarr.json", as_bytes("[]"));
  EXPECT_THAT(findings_of(store),
              ElementsAre(HasSubstr("0/c/0/1/0: crc32c is"), HasSubstr("1/zarr.json: crc32c is"),
                          HasSubstr("labels/cells/0/c/0/0/0: is missing")));
}

TEST(GroupDataset, AWrongSumIsToldOfTheGroup) {
  const Store store = storage::make_memory();
  commit_dataset(store);
  metadata::Committed committed = metadata::Manager(store).load();
  ++committed.metadata.storage.total_size;
  metadata::Manager(store).replace(committed.metadata, committed.etag, {}, committed.group);
  EXPECT_THAT(findings_of(store), ElementsAre(HasSubstr("zarr.json: total_size is")));
}

// The chunk index of others: paths that are none, or out of order, or the manifest itself.
TEST(GroupDataset, AChunkIndexThatCannotBeIsDamage) {
  for (const char* path : {"../secret", "zarr.json", ""}) {
    const Store store = storage::make_memory();
    NewDataset dataset(store, store, {});
    dataset.list(path, 1, 2);
    metadata::Metadata manifest = dataset.finish_listed(chunk::GridStrategy(64), "__cnf/a.idx");
    manifest.format = "SAMPLE";
    manifest.version = "1.0.0";
    manifest.compression.algorithm = "none";
    dataset.commit(manifest, {}, kGroup);
    EXPECT_GE(validate_objects(open_dataset(store), {}).count(Finding::Severity::error), 1U)
        << path;
    EXPECT_EQ(code_of([&] { (void)find_orphans(open_dataset(store)); }), Errc::corrupt_data)
        << path;
    EXPECT_EQ(code_of([&] { (void)copy_dataset(open_dataset(store), storage::make_memory(), {}); }),
              Errc::corrupt_data)
        << path;
  }
}

TEST(GroupDataset, TwoChunksAtOnePlaceAreRefused) {
  const Store store = storage::make_memory();
  NewDataset dataset(store, store, {});
  dataset.list("0/c/0", 1, 2);
  dataset.list("0/c/0", 1, 2);
  EXPECT_EQ(code_of([&] { (void)dataset.finish_listed(chunk::GridStrategy(1), "__cnf/a"); }),
            Errc::invalid_argument);
}

// Chunks of the dataset that is there may be listed again.
TEST(GroupDataset, DiscardingLeavesTheChunksThatWereListed) {
  const Store store = storage::make_memory();
  NewDataset dataset(store, store, {});
  (void)write_objects(dataset, store, "");
  dataset.discard();
  EXPECT_TRUE(store->exists("0/c/0/0/0"));
  EXPECT_FALSE(store->exists("0/zarr.json"));
}

TEST(GroupOrphans, AreWhatDeadAndReplacedWritersLeft) {
  const Store store = storage::make_memory();
  commit_dataset(store);
  const std::string below = "0123456789abcdef/";
  commit_dataset(store, below);
  EXPECT_EQ(orphans_of(store).size(), 4U + 2 + 3 - 2) << "labels/cells is no label of this one";
  for (const std::string& key : orphans_of(store)) store->remove(key);
  EXPECT_THAT(findings_of(store), IsEmpty());

  const std::vector<std::string> left = {"0/c/9/9/9",         below + "0/c/9/9/9",
                                         below + "zarr.json", "2/zarr.json",
                                         "__cnf/journal1",    "fedcba9876543210/0/c/0/0/0"};
  for (const std::string& key : left) store->put(key, as_bytes("x"));
  const std::vector<std::string> of_others = {"README.md",
                                              "tables/particles/zarr.json",
                                              "labels/mine/0/c/0",
                                              "labels/zarr.json",
                                              "labels/mine/0/zarr.json",
                                              "raw/0/c/0/0/0",
                                              "0/readme",
                                              "100/c/0",
                                              "0123/0/c/0",
                                              "__other/x"};
  for (const std::string& key : of_others) store->put(key, as_bytes("x"));
  EXPECT_THAT(orphans_of(store), ::testing::UnorderedElementsAreArray(left));
}

TEST(GroupOrphans, OfItsLabelsAreFound) {
  const Store store = storage::make_memory();
  commit_dataset(store);
  store->put("labels/cells/0/c/7", as_bytes("x"));
  store->put("labels/cells/fedcba9876543210/0/c/7", as_bytes("x"));
  store->put("labels/cells/zarr.json", as_bytes("x"));
  EXPECT_THAT(orphans_of(store),
              ElementsAre("labels/cells/0/c/7", "labels/cells/fedcba9876543210/0/c/7"));
}

TEST(GroupExisting, IsOfTheKindThatItIsToBe) {
  const Store store = storage::make_memory();
  EXPECT_FALSE(load_existing(store, Existing::refuse, {}, Place::group));
  commit_dataset(store);
  EXPECT_TRUE(load_existing(store, Existing::replace, {}, Place::group));
  EXPECT_EQ(code_of([&] { (void)load_existing(store, Existing::refuse, {}, Place::group); }),
            Errc::already_exists);

  const Store others = storage::make_memory();
  others->put("zarr.json", as_bytes(kGroup.dump()));
  EXPECT_EQ(code_of([&] { (void)load_existing(others, Existing::replace, {}, Place::group); }),
            Errc::already_exists);

  const Store plain = storage::make_memory();
  NewDataset dataset(plain, plain, {});
  metadata::Metadata manifest = dataset.finish(chunk::FixedStrategy(7));
  manifest.format = "TEST";
  manifest.version = "1.0.0";
  manifest.compression.algorithm = "none";
  dataset.commit(manifest, {});
  EXPECT_EQ(code_of([&] { (void)load_existing(plain, Existing::replace, {}, Place::group); }),
            Errc::already_exists);
}

TEST(GroupExisting, TheSlowerOfTwoWritersLeavesTheFasterOnesObjects) {
  const Store store = storage::make_memory();
  NewDataset slower(store, store, {});
  const metadata::Metadata manifest = write_objects(slower, store, "");
  commit_dataset(store);
  EXPECT_EQ(code_of([&] { slower.commit(manifest, {}, kGroup); }), Errc::already_exists);
  EXPECT_EQ(validate_objects(open_dataset(store), {}).count(Finding::Severity::error), 0U);
}

TEST(GroupCopy, BringsTheWholeGroupAndItsDocumentLast) {
  const Store from = storage::make_memory();
  commit_dataset(from);
  const Store to = storage::make_memory();
  const CopyReport report = copy_dataset(open_dataset(from), to, {});
  EXPECT_EQ(report.objects, 9U);
  EXPECT_THAT(findings_of(to), IsEmpty());
  for (const storage::FileInfo& info : from->list()) {
    EXPECT_EQ(as_text(to->read_all(info.key, info.size).bytes),
              as_text(from->read_all(info.key, info.size).bytes))
        << info.key;
  }
}

TEST(GroupCopy, ADatasetOrNone) {
  const Store from = storage::make_memory();
  const std::string id = commit_dataset(from);
  for (std::uint64_t nth = 1;; ++nth) {
    ASSERT_LT(nth, 1000U);
    const Store target = storage::make_memory();
    const storage::Faulty faulty = storage::make_faulty(target, {.nth = nth});
    const Errc code =
        code_of([&] { (void)copy_dataset(open_dataset(from), faulty.storage, {.threads = 1}); });
    const auto found = metadata::Manager(target).try_load();
    if (code == Errc::internal) {
      EXPECT_GT(nth, 20U);
      EXPECT_EQ(found->metadata.dataset_id, id);
      break;
    }
    EXPECT_EQ(code, Errc::unavailable) << nth;
    EXPECT_FALSE(found) << nth;
    (void)copy_dataset(open_dataset(from), target, {});  // takes it up
    EXPECT_THAT(findings_of(target), IsEmpty()) << nth;
  }
}

TEST(GroupCopy, TakesNoOtherBytesForItsOwn) {
  const Store from = storage::make_memory();
  commit_dataset(from);
  const Store to = storage::make_memory();
  to->put("0/c/0/0/0", as_bytes("VOXELS of 0/c/0/0/0"));  // of a dead import, of the same length
  const CopyReport report = copy_dataset(open_dataset(from), to, {});
  EXPECT_EQ(report.resumed, 0U);
  EXPECT_THAT(findings_of(to), IsEmpty());
}

TEST(GroupCopy, SparesWhatLiesThere) {
  const Store from = storage::make_memory();
  commit_dataset(from);
  const Store to = storage::make_memory();
  const std::string id = commit_dataset(to, {}, "others");
  const auto copy = [&](const Store& target, const CopyOptions& options) {
    return code_of([&] { (void)copy_dataset(open_dataset(from), target, options); });
  };
  EXPECT_EQ(copy(to, {}), Errc::already_exists);
  EXPECT_EQ(copy(to, {.replace = true}), Errc::already_exists);
  EXPECT_THAT(findings_of(to), IsEmpty());
  EXPECT_EQ(open_dataset(to).manifest().dataset_id, id);

  const Store others = storage::make_memory();
  others->put("zarr.json", as_bytes(kGroup.dump()));
  EXPECT_EQ(copy(others, {.replace = true}), Errc::already_exists);
  EXPECT_FALSE(others->exists("0/zarr.json"));
  EXPECT_EQ(copy(storage::make_memory(), {.sharding_bits = 4}), Errc::invalid_argument);
}

TEST(GroupCopy, ReplacesWhereNamesDiffer) {
  const Store from = storage::make_memory();
  const std::string id = commit_dataset(from, "0123456789abcdef/");
  const Store to = storage::make_memory();
  commit_dataset(to);
  (void)copy_dataset(open_dataset(from), to, {.replace = true});
  EXPECT_EQ(open_dataset(to).manifest().dataset_id, id);
  EXPECT_EQ(validate_objects(open_dataset(to), {}).count(Finding::Severity::error), 0U);
}

// One write decides: whichever call fails, what is there is the old dataset or the new one, whole.
TEST(GroupDataset, AFailedReplacementLeavesTheOldOneOrTheNew) {
  for (std::uint64_t nth = 1;; ++nth) {
    ASSERT_LT(nth, 1000U);
    const Store store = storage::make_memory();
    const std::string old = commit_dataset(store);
    const storage::Faulty faulty = storage::make_faulty(store, {.nth = nth, .seed = nth});
    const Errc code = code_of([&] { commit_dataset(faulty.storage, "0123456789abcdef/", "new"); });
    const Dataset found = open_dataset(store);
    EXPECT_EQ(validate_objects(found, {}).count(Finding::Severity::error), 0U) << nth;
    if (code == Errc::internal) {
      EXPECT_NE(found.manifest().dataset_id, old);
      break;
    }
    EXPECT_EQ(code, Errc::unavailable);
  }
}

}  // namespace
}  // namespace cnf::query
