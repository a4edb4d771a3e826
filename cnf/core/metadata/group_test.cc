// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

// Manifests that a Zarr group's zarr.json carries.
namespace cnf::metadata {
namespace {

using Json = nlohmann::json;
using Store = std::shared_ptr<storage::Storage>;

const Json kGroup = {
    {"zarr_format", 3}, {"node_type", "group"}, {"attributes", {{"ome", {{"version", "0.5"}}}}}};

Metadata dataset() {
  Metadata metadata;
  metadata.format = "CryoEM";
  metadata.version = "1.0.0";
  metadata.dataset_id = random_id();
  metadata.chunks = {.strategy = "grid", .num_chunks = 2, .chunk_size = 64, .runs = {}};
  metadata.compression = {.algorithm = "blosc", .level = 5, .ratio = 1};
  metadata.objects.push_back({.name = "chunks", .path = "__cnf/a-chunks.idx", .length = 1});
  metadata.custom = {{"mean", 1.0}, {"rms", 0.1}};
  return metadata;
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

Json document_of(const Store& store) {
  return Json::parse(as_text(store->read_all(kGroupKey, 1 << 20).bytes));
}

std::uint64_t requests_of_load(const Store& store, Place place) {
  const auto accounting = std::make_shared<Accounting>();
  (void)Manager(store).try_load(Context().with_accounting(accounting), place);
  return accounting->snapshot().total_requests();
}

TEST(GroupManifest, IsAnAttributeOfTheGroup) {
  const Store store = storage::make_memory();
  const Metadata made = dataset();
  Manager(store).create(made, {}, kGroup);
  EXPECT_FALSE(store->exists(kManifestKey));
  EXPECT_EQ(document_of(store)["attributes"]["ome"]["version"], "0.5");
  EXPECT_EQ(document_of(store)["attributes"]["cnf"]["format"], "CryoEM");

  const Committed committed = Manager(store).load();
  EXPECT_EQ(committed.metadata.dataset_id, made.dataset_id);
  EXPECT_TRUE(committed.metadata.unknown.empty());
  EXPECT_EQ(committed.metadata.custom["rms"], 0.1);
  EXPECT_EQ(committed.place(), Place::group);
  EXPECT_EQ(committed.key(), kGroupKey);
  EXPECT_EQ(committed.group, kGroup);
}

TEST(GroupManifest, CostsOneRequestWhereItIsKnownToBeOne) {
  const Store store = storage::make_memory();
  Manager(store).create(dataset(), {}, kGroup);
  EXPECT_EQ(requests_of_load(store, Place::group), 1U);
  EXPECT_EQ(requests_of_load(store, Place::either), 2U);
  EXPECT_FALSE(Manager(store).try_load({}, Place::object));
}

TEST(GroupManifest, StandsBackBehindAManifestOfItsOwn) {
  const Store store = storage::make_memory();
  Manager(store).create(dataset(), {}, kGroup);
  const Metadata own = dataset();
  Manager(store).create(own);
  EXPECT_EQ(Manager(store).load().metadata.dataset_id, own.dataset_id);
  EXPECT_EQ(requests_of_load(store, Place::either), 1U);
}

TEST(GroupManifest, HoldsWhenOtherToolsWriteTheGroupAnew) {
  const Store store = storage::make_memory();
  Manager(store).create(dataset(), {}, kGroup);
  Json document = document_of(store);
  document["attributes"]["napari"] = {{"colormap", "gray"}};
  document["attributes"]["cnf"]["custom"]["mean"] = 1;  // 1.0, as JavaScript has it
  store->put(kGroupKey, as_bytes(document.dump(7)));
  const Committed committed = Manager(store).load();
  EXPECT_EQ(committed.group["attributes"]["napari"]["colormap"], "gray");
  EXPECT_EQ(committed.metadata.custom["mean"], 1.0);

  document["attributes"]["cnf"]["custom"]["rms"] = 0.2;
  store->put(kGroupKey, as_bytes(document.dump(2)));
  EXPECT_EQ(code_of([&] { (void)Manager(store).load(); }), Errc::corrupt_data);
}

TEST(GroupManifest, IsAbsentWhereOthersWroteTheGroup) {
  for (const char* text :
       {R"({"zarr_format": 3, "node_type": "group", "attributes": {}})",
        R"({"zarr_format": 3, "node_type": "array"})", R"({"attributes": 5})", "[]", "7"}) {
    const Store store = storage::make_memory();
    store->put(kGroupKey, as_bytes(text));
    EXPECT_FALSE(Manager(store).try_load()) << text;
    EXPECT_EQ(code_of([&] { (void)Manager(store).load(); }), Errc::not_found) << text;
    EXPECT_EQ(code_of([&] { Manager(store).create(dataset(), {}, kGroup); }), Errc::already_exists);
  }
  const Store store = storage::make_memory();
  for (const char* text :
       {"{", R"({"attributes": {"cnf": {}}})", R"({"attributes": {"cnf": 1}})"}) {
    store->put(kGroupKey, as_bytes(text));
    EXPECT_EQ(code_of([&] { (void)Manager(store).try_load(); }), Errc::corrupt_data) << text;
  }
}

TEST(GroupManifest, IsReplacedOnlyByWhoReadItLast) {
  const Store store = storage::make_memory();
  Manager(store).create(dataset(), {}, kGroup);
  EXPECT_EQ(code_of([&] { Manager(store).create(dataset(), {}, kGroup); }), Errc::already_exists);
  const std::string etag = Manager(store).load().etag;
  const Metadata winner = dataset();
  Manager(store).replace(winner, etag, {}, kGroup);
  EXPECT_EQ(code_of([&] { Manager(store).replace(dataset(), etag, {}, kGroup); }),
            Errc::precondition_failed);
  EXPECT_NO_THROW(Manager(store).replace(winner, etag, {}, kGroup)) << "our own, answer lost";
  EXPECT_EQ(Manager(store).load().metadata.dataset_id, winner.dataset_id);
}

TEST(GroupManifest, AFailedCommitLeavesTheOldDatasetOrTheNew) {
  for (const std::uint64_t lost_answer : {0U, 1U}) {
    for (std::uint64_t nth = 1;; ++nth) {
      const Store store = storage::make_memory();
      const Metadata old = dataset();
      const Metadata next = dataset();
      Manager(store).create(old, {}, kGroup);
      const std::string etag = Manager(store).load().etag;
      const auto faulty = storage::make_faulty(store, {.nth = nth, .seed = lost_answer});
      const Errc code = code_of([&] { Manager(faulty.storage).replace(next, etag, {}, kGroup); });
      const std::string found = Manager(store).load().metadata.dataset_id;
      if (code == Errc::internal) {  // no fault was met
        EXPECT_GT(nth, 1U);
        EXPECT_EQ(found, next.dataset_id);
        break;
      }
      EXPECT_EQ(code, Errc::unavailable);
      EXPECT_TRUE(found == old.dataset_id || found == next.dataset_id);
    }
  }
}

TEST(GroupManifest, GoesIntoAGroupAndIsNotSharded) {
  const Store store = storage::make_memory();
  const Json array = {{"zarr_format", 3}, {"node_type", "array"}};
  EXPECT_EQ(code_of([&] { Manager(store).create(dataset(), {}, array); }), Errc::invalid_argument);
  const Json list = Json::array();
  EXPECT_EQ(code_of([&] { Manager(store).create(dataset(), {}, list); }), Errc::invalid_argument);
  Metadata sharded = dataset();
  sharded.storage.sharding_bits = 4;
  EXPECT_EQ(code_of([&] { Manager(store).create(sharded, {}, kGroup); }), Errc::invalid_argument);
  Json no_text = kGroup;
  no_text["attributes"]["name"] = "\xFF";
  EXPECT_EQ(code_of([&] { Manager(store).create(dataset(), {}, no_text); }),
            Errc::invalid_argument);
  EXPECT_FALSE(store->exists(kGroupKey));
}

}  // namespace
}  // namespace cnf::metadata
