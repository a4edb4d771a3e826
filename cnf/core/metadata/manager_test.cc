// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/metadata/manager.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/metadata/manifest_internal.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/sharding.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::metadata {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;

using Store = std::shared_ptr<storage::Storage>;

template <typename Call>
Error error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return {Errc::internal, "expect", "an error", "none was thrown"};
}

Metadata dataset(int sharding_bits = 0) {
  Metadata metadata;
  metadata.format = "BAMS3";
  metadata.version = "1.0.0";
  metadata.dataset_id = random_id();
  metadata.storage.sharding_bits = sharding_bits;
  metadata.chunks = {
      .strategy = "fixed",
      .num_chunks = 3,
      .chunk_size = 1,
      .runs = {{.first = 0, .count = 2, .id = "aa"}, {.first = 2, .count = 1, .id = "bb"}}};
  metadata.compression.algorithm = "zstd";
  metadata.objects.push_back(
      {.name = "spatial", .path = "_index/spatial-bb.idx", .length = 1, .crc32c = 0});
  metadata.objects.push_back(
      {.name = "header", .path = "_header-bb.sam.zst", .length = 1, .crc32c = 0});
  return metadata;
}

std::vector<std::string> keys_of(const std::vector<storage::FileInfo>& infos) {
  std::vector<std::string> keys;
  for (const auto& info : infos) keys.push_back(info.key);
  return keys;
}

TEST(Manager, SaysThatThereIsNoDataset) {
  const Store store = storage::make_memory();
  EXPECT_FALSE(Manager(store).try_load().has_value());
  const Error error = error_of([&] { return Manager(store).load(); });
  EXPECT_EQ(error.code(), Errc::not_found);
  EXPECT_THAT(error.what(), HasSubstr(store->uri() + ": there is no dataset here"));
}

TEST(Manager, CreatesLoadsAndReplaces) {
  const Store store = storage::make_memory();
  Manager manager(store);
  const Metadata first = dataset();
  manager.create(first);
  const auto accounting = std::make_shared<Accounting>();
  const Committed committed = manager.load(Context().with_accounting(accounting));
  EXPECT_EQ(accounting->snapshot().total_requests(), 1U);
  EXPECT_EQ(committed.metadata.dataset_id, first.dataset_id);

  const Metadata second = dataset();
  manager.replace(second, committed.etag);
  EXPECT_EQ(manager.load().metadata.dataset_id, second.dataset_id);
}

TEST(Manager, ASecondDatasetIsRefused) {
  const Store store = storage::make_memory();
  const Metadata first = dataset();
  Manager(store).create(first);
  const Error error = error_of([&] { Manager(store).create(dataset()); });
  EXPECT_EQ(error.code(), Errc::already_exists);
  EXPECT_THAT(error.what(), HasSubstr("there is a dataset already; replace it with --overwrite"));
  EXPECT_EQ(Manager(store).load().metadata.dataset_id, first.dataset_id);
}

TEST(Manager, OfTwoWritersOneWins) {
  const Store store = storage::make_memory();
  Manager(store).create(dataset());
  const std::string etag = Manager(store).load().etag;
  const Metadata winner = dataset();
  Manager(store).replace(winner, etag);
  const Error error = error_of([&] { Manager(store).replace(dataset(), etag); });
  EXPECT_EQ(error.code(), Errc::precondition_failed);
  EXPECT_THAT(error.what(), HasSubstr("somebody else committed here first; run again"));
  EXPECT_EQ(Manager(store).load().metadata.dataset_id, winner.dataset_id);

  store->remove(kManifestKey);
  EXPECT_EQ(error_of([&] { Manager(store).replace(dataset(), etag); }).code(),
            Errc::precondition_failed)
      << "the dataset is gone";
  EXPECT_EQ(error_of([&] { Manager(store).replace(dataset(), ""); }).code(),
            Errc::invalid_argument);
}

TEST(Manager, OfManyWritersAtOnceExactlyOneWins) {
  const Store store = storage::make_memory();
  std::atomic<int> won{0};
  std::atomic<int> refused{0};
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 8; ++i) {
      writers.emplace_back([&] {
        const Error error = error_of([&] { Manager(store).create(dataset()); });
        ++(error.code() == Errc::already_exists ? refused : won);
      });
    }
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(refused, 7);
}

// The store's answer to a put that landed is lost, and the client's retry finds our own manifest.
TEST(Manager, ACommitWhoseAnswerWasLostIsOurs) {
  const Store store = storage::make_memory();
  const Metadata metadata = dataset();
  Manager(store).create(metadata);
  Manager(store).create(metadata);
  const std::string etag = Manager(store).load().etag;
  const Metadata next = dataset();
  Manager(store).replace(next, etag);
  Manager(store).replace(next, etag);
  EXPECT_EQ(Manager(store).load().metadata.dataset_id, next.dataset_id);
}

TEST(Manager, AFailedCommitLeavesTheOldDatasetOrTheNew) {
  for (std::uint64_t nth = 1;; ++nth) {
    const Store store = storage::make_memory();
    const Metadata old = dataset();
    const Metadata next = dataset();
    Manager(store).create(old);
    const std::string etag = Manager(store).load().etag;
    const auto faulty = storage::make_faulty(store, {.nth = nth});
    const Error error = error_of([&] { Manager(faulty.storage).replace(next, etag); });
    const std::string found = Manager(store).load().metadata.dataset_id;
    if (error.code() == Errc::internal) {  // no fault was met
      EXPECT_EQ(found, next.dataset_id);
      break;
    }
    EXPECT_EQ(error.code(), Errc::unavailable);
    EXPECT_TRUE(found == old.dataset_id || found == next.dataset_id);
  }
}

TEST(Manager, DoesNotCommitWhatItCouldNotLoad) {
  const Store store = storage::make_memory();
  Metadata metadata = dataset();
  metadata.chunks.num_chunks = 17;
  EXPECT_EQ(error_of([&] { Manager(store).create(metadata); }).code(), Errc::invalid_argument);
  EXPECT_FALSE(Manager(store).try_load().has_value());
}

TEST(Manager, ADamagedManifestIsNoAbsentOne) {
  const Store store = storage::make_memory();
  store->put(kManifestKey, as_bytes("{}"));
  const Error error = error_of([&] { return Manager(store).try_load(); });
  EXPECT_EQ(error.code(), Errc::corrupt_data);
  EXPECT_THAT(error.what(), HasSubstr(store->uri(kManifestKey)));
}

TEST(Manager, TheSchemaOfManifestsIsASchema) {
  const auto schema = nlohmann::json::parse(manifest_schema());
  validate_json(nlohmann::json::parse(to_json(dataset())), schema, "test");
}

const std::vector<std::string_view> kStrangers = {"README.txt",
                                                  "data.csv",
                                                  "notes/data/00000-aa.chunk",
                                                  "ab/readme",
                                                  "abc/data/00000-aa.chunk",
                                                  "zz/data/00000-aa.chunk",
                                                  "ab/data/photo.jpg",
                                                  "nested/_metadata.json"};

void put_all(const Store& store, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) store->put(key, as_bytes("x"));
}

TEST(Orphans, WhatDeadAndReplacedWritersLeft) {
  for (const int bits : {0, 4, 8}) {
    const Store store = storage::make_memory();
    const Metadata metadata = dataset(bits);
    const Store chunks = Manager::chunk_storage(store, metadata);
    for (std::uint64_t n = 0; n < 3; ++n) chunks->put(metadata.chunks.path(n), as_bytes("x"));
    for (const ObjectInfo& object : metadata.objects) store->put(object.path, as_bytes("x"));
    for (const std::string_view key : kStrangers) store->put(key, as_bytes("x"));
    Manager(store).create(metadata);
    EXPECT_THAT(Manager(store).orphans(metadata), IsEmpty()) << bits << " bits";

    std::vector<std::string> left = {"_index/spatial-aa.idx", "_header-aa.sam.zst",
                                     "_samples-aa.json",
                                     "data/00002-aa.chunk",  // beyond its run
                                     "data/00000-cc.chunk",  // of a dead session
                                     "data/0-aa.chunk",      // no name of ours
                                     "data/unfinished"};
    // The same chunks, where other shardings put them.
    for (const int other : {0, 4, 5, 6, 7, 8}) {
      const std::string name = metadata.chunks.path(0);
      const std::string key =
          other == 0 ? name : storage::HashSharding(other).prefix(name) + "/" + name;
      if (!store->exists(key)) left.push_back(key);
    }
    put_all(store, left);
    EXPECT_THAT(keys_of(Manager(store).orphans(metadata)), UnorderedElementsAreArray(left))
        << bits << " bits";
  }
}

TEST(Orphans, ChunksThatAFormatNamesItselfAreLeftAlone) {
  const Store store = storage::make_memory();
  Metadata metadata = dataset();
  metadata.chunks.runs.clear();
  put_all(store, {"data/c/0/0/1", "_index/old.idx"});
  EXPECT_THAT(keys_of(Manager(store).orphans(metadata)), ElementsAre("_index/old.idx"));
}

TEST(Orphans, AreListedInFewRequests) {
  const Store store = storage::make_memory();
  const Metadata metadata = dataset(8);
  const Store chunks = Manager::chunk_storage(store, metadata);
  for (std::uint64_t n = 0; n < 3; ++n) chunks->put(metadata.chunks.path(n), as_bytes("x"));
  const auto accounting = std::make_shared<Accounting>();
  EXPECT_THAT(Manager(store).orphans(metadata, Context().with_accounting(accounting)), IsEmpty());
  EXPECT_EQ(accounting->snapshot().total_requests(), 1U) << "not one for each of 256 shards";
}

TEST(ChunkStorage, IsTheRootWithoutSharding) {
  const Store store = storage::make_memory();
  EXPECT_EQ(Manager::chunk_storage(store, dataset(0)), store);
  Manager::chunk_storage(store, dataset(4))->put("data/00000-aa.chunk", as_bytes("x"));
  EXPECT_TRUE(store->exists(storage::HashSharding(4).prefix("data/00000-aa.chunk") +
                            "/data/00000-aa.chunk"));
}

}  // namespace
}  // namespace cnf::metadata
