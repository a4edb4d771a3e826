// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/new_dataset.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "cnf/core/chunk/chunk.h"
#include "cnf/core/index/btree.h"
#include "cnf/core/index/paged_tree.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/dataset.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::query {
namespace {

using Store = std::shared_ptr<storage::Storage>;

std::size_t objects_in(const Store& store) {
  std::size_t count = 0;
  for (auto listing = store->list(); listing.next();) ++count;
  return count;
}

index::TreeInfo numbers(const NewDataset::Sink& sink, std::uint64_t count) {
  index::BTreeBuilder builder({.page_rows = 10, .columns = 1}, sink);
  for (std::uint64_t i = 0; i < count; ++i)
    builder.add(index::big_endian_key(i), std::array<std::uint64_t, 1>{i * i});
  return builder.finish();
}

metadata::Metadata written(NewDataset& dataset) {
  dataset.chunks().write(as_bytes("chunk 0"));
  dataset.chunks().finish_chunk();
  dataset.chunks().write(as_bytes("chunk 1"));  // finish() ends it
  EXPECT_TRUE(dataset.put("header", "_header-" + dataset.id(), as_bytes("small"),
                          NewDataset::Carry::small));
  EXPECT_FALSE(dataset.put("large", "_index/large-" + dataset.id(), Buffer(65'537),
                           NewDataset::Carry::small));
  EXPECT_FALSE(dataset.put("other", "_index/other-" + dataset.id(), as_bytes("x"),
                           NewDataset::Carry::nothing));
  dataset.put_tree("numbers", "_index/numbers-" + dataset.id(),
                   [](const NewDataset::Sink& sink) { return numbers(sink, 1'000); });
  metadata::Metadata manifest = dataset.finish(chunk::FixedStrategy(7));
  manifest.format = "TEST";
  manifest.version = "1.0.0";
  manifest.created_by = "a test";
  manifest.compression.algorithm = "none";
  return manifest;
}

TEST(NewDataset, IsADatasetOnceItIsCommitted) {
  const Store store = storage::make_memory();
  NewDataset dataset(store, store, {});
  const metadata::Metadata manifest = written(dataset);
  EXPECT_FALSE(store->exists(metadata::kManifestKey));
  dataset.commit(manifest, std::nullopt);
  const Dataset opened = open_dataset(store);
  EXPECT_TRUE(validate_objects(opened, {}).findings.empty());
  EXPECT_EQ(as_text(opened.manifest().object("header").inlined), "small");
  EXPECT_EQ(opened.manifest().chunks.num_chunks, 2U);
  const metadata::ObjectInfo& info = opened.manifest().object("numbers");
  const index::BTree tree(index::object_pages(store, info.path), info.root);
  EXPECT_EQ(tree.find({index::KeyRange::exactly(index::big_endian_key(31))}, {}).at(0).columns[0],
            961U);
}

TEST(NewDataset, ThatLosesTheRaceRemovesItsObjects) {
  const Store store = storage::make_memory();
  NewDataset first(store, store, {});
  NewDataset second(store, store, {});
  const metadata::Metadata slower = written(first);
  second.commit(written(second), std::nullopt);
  try {
    first.commit(slower, std::nullopt);
    FAIL() << "both won";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::already_exists);
  }
  EXPECT_TRUE(validate_objects(open_dataset(store), {}).findings.empty()) << "no orphans, either";
}

TEST(NewDataset, DiscardsAllItWrote) {
  const Store store = storage::make_memory();
  NewDataset dataset(store, store, {});
  static_cast<void>(written(dataset));
  EXPECT_EQ(objects_in(store), 7U);
  dataset.discard();
  EXPECT_EQ(objects_in(store), 0U);
}

TEST(NewDataset, ExtendsOneThatIsThere) {
  const Store store = storage::make_memory();
  NewDataset first(store, store, {});
  first.commit(written(first), std::nullopt);
  const metadata::Committed before = metadata::Manager(store).load();

  NewDataset more(store, store, {});
  (void)more.put("other", "_index/other-" + more.id(), as_bytes("longer"),
                 NewDataset::Carry::nothing);
  more.put_tree("added", "_index/added-" + more.id(),
                [](const NewDataset::Sink& sink) { return numbers(sink, 10); });
  more.commit(more.extend(before.metadata), metadata::Manager(store).load());

  const metadata::Metadata after = metadata::Manager(store).load().metadata;
  EXPECT_EQ(after.dataset_id, before.metadata.dataset_id);
  EXPECT_EQ(after.objects.size(), before.metadata.objects.size() + 1);
  EXPECT_EQ(after.object("other").length, 6U);
  EXPECT_EQ(after.object("header").path, before.metadata.object("header").path);
  EXPECT_EQ(after.storage.total_size,
            before.metadata.storage.total_size + 5 + after.object("added").length);
  EXPECT_EQ(find_orphans(open_dataset(store)).size(), 1U);
}

TEST(NewDataset, ReplacesOnlyWhenAsked) {
  const Store store = storage::make_memory();
  EXPECT_FALSE(load_existing(store, Existing::refuse, {}).has_value());
  NewDataset dataset(store, store, {});
  dataset.commit(written(dataset), std::nullopt);
  EXPECT_TRUE(load_existing(store, Existing::replace, {}).has_value());
  try {
    static_cast<void>(load_existing(store, Existing::refuse, {}));
    FAIL() << "it was not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::already_exists);
  }
}

}  // namespace
}  // namespace cnf::query
