// SPDX-License-Identifier: Apache-2.0
// Listings of any tree, in pages of any size, against the definition.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/local.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/page_internal.h"
#include "cnf/core/storage/sharding.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/testing/storage_contract.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage {
namespace {

// Lists few entries a page, and every other page is empty without being the last.
class SmallPages final : public StorageWrapper {
 public:
  SmallPages(std::shared_ptr<Storage> inner, std::size_t entries)
      : StorageWrapper(std::move(inner)), entries_(entries) {}

 private:
  [[nodiscard]] ListPage do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const override {
    ListPage page;
    if (!token.starts_with('>')) {
      page.next = ">" + token;
      return page;
    }
    ListOptions rest = options;
    rest.start_after = std::max(options.start_after, token.substr(1));
    std::vector<FileInfo> entries = entries_of(StorageWrapper::do_list_page(rest, {}, context));
    if (entries.size() > entries_) {
      entries.resize(entries_);
      page.next = entries.back().key;
    }
    for (FileInfo& entry : entries) {
      if (fold(entry.key, options)) {
        page.prefixes.push_back(std::move(entry.key));
      } else {
        page.objects.push_back(std::move(entry));
      }
    }
    return page;
  }

  std::size_t entries_;
};

TEST(Listing, StoresWithSmallPagesKeepTheContract) {
  testing::check_storage("SmallPages",
                         [] { return std::make_shared<SmallPages>(make_memory(), 7); });
  testing::check_storage("ShardedSmallPages", [] {
    return sharded(std::make_shared<SmallPages>(make_memory(), 7), HashSharding(4));
  });
  testing::check_storage("PrefixedSmallPages", [] {
    return prefixed(std::make_shared<SmallPages>(make_memory(), 7), "p/q");
  });
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t bound) { return engine_() % bound; }

  // Few letters, so that keys share beginnings.
  std::string text(std::size_t most) {
    std::string text;
    for (std::size_t n = 1 + below(most); n > 0; --n) text += "ab-."[below(4)];
    return text;
  }
  std::string key() {
    std::string key = text(2) + "f";
    for (std::size_t n = below(3); n > 0; --n) key = text(2) + "d/" + key;
    return key;
  }

 private:
  std::mt19937_64 engine_;
};

// What list() promises, said with a set.
std::vector<std::string> expected(const std::set<std::string>& keys, const ListOptions& options) {
  std::set<std::string> entries;
  for (const std::string& key : keys) {
    if (!key.starts_with(options.prefix)) continue;
    const std::size_t found = options.delimiter.empty()
                                  ? std::string::npos
                                  : key.find(options.delimiter, options.prefix.size());
    const std::string entry =
        found == std::string::npos ? key : key.substr(0, found + options.delimiter.size());
    if (entry > options.start_after) entries.insert(entry);
  }
  return {entries.begin(), entries.end()};
}

void check_random_trees(const std::function<std::shared_ptr<Storage>()>& make) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  Random random(seed);
  for (int tree = 0; tree < 10; ++tree) {
    const std::shared_ptr<Storage> store = make();
    std::set<std::string> keys;
    for (std::size_t n = random.below(60); n > 0; --n) keys.insert(random.key());
    for (const std::string& key : keys) store->put(key, {});
    for (int query = 0; query < 30; ++query) {
      const std::string prefix = random.key();
      const std::string delimiters[] = {"", "/", "/", "-", "d/", "b"};
      const ListOptions options{.prefix = prefix.substr(0, random.below(5)),
                                .delimiter = delimiters[random.below(6)],
                                .start_after = random.below(2) == 0 ? "" : random.key()};
      std::vector<std::string> got;
      for (const FileInfo& info : store->list(options)) got.push_back(info.key);
      ASSERT_EQ(got, expected(keys, options))
          << "prefix '" << options.prefix << "', delimiter '" << options.delimiter
          << "', start_after '" << options.start_after << "'";
    }
  }
}

TEST(Listing, OfAnyTreeInMemory) {
  check_random_trees([] { return make_memory(); });
}

TEST(Listing, OfAnyTreeOnADisk) {
  const testing::TempDir root;
  int made = 0;
  Options options;
  options.durability = Options::Durability::none;
  check_random_trees([&] { return open_local(root.path() / std::to_string(made++), options); });
}

TEST(Listing, OfAnyTreeInSmallPages) {
  check_random_trees([] { return std::make_shared<SmallPages>(make_memory(), 3); });
}

TEST(Listing, OfAnyTreeInShards) {
  check_random_trees(
      [] { return sharded(std::make_shared<SmallPages>(make_memory(), 2), HashSharding(4)); });
}

TEST(Listing, IsLazy) {
  const std::shared_ptr<Storage> store = make_memory();
  for (int i = 0; i < 2'500; ++i) store->put(std::to_string(i), {});
  const Context context = Context().with_accounting(std::make_shared<Accounting>());
  Listing listing = store->list({}, context);
  const auto lists = [&] { return context.accounting().snapshot().count(RequestKind::list); };
  EXPECT_EQ(lists(), 0U);
  for (int i = 0; i < 1'000; ++i) EXPECT_TRUE(listing.next());
  EXPECT_EQ(lists(), 1U);
  for (int i = 0; i < 1'500; ++i) EXPECT_TRUE(listing.next());
  EXPECT_FALSE(listing.next());
  EXPECT_FALSE(listing.next()) << "the end stays the end";
  EXPECT_EQ(lists(), 3U);
}

}  // namespace
}  // namespace cnf::storage
