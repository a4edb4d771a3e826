// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/testing/storage_contract_internal.h"

namespace cnf::testing::contract {
namespace {

using storage::ListOptions;
using storage::ListPage;

using Keys = std::vector<std::string>;

// In byte order, which is not that of folders: '-' and '.' sort before '/', '0' after it.
const Keys kTree{"Z", "a-b/x", "a.txt", "a/b", "a/c/d", "a/c/e/f", "a/g", "a0", "b", "é"};

void put_tree(const Store& store) {
  for (const std::string& key : kTree) store->put(key, pattern(key.size()));
}

void byte_order(const Store& store) {
  EXPECT_EQ(keys_of(store), Keys()) << "an empty store lists nothing";
  put_tree(store);
  EXPECT_EQ(keys_of(store), kTree);
  for (const storage::FileInfo& info : store->list()) {
    const storage::FileInfo stat = store->stat(info.key);
    EXPECT_EQ(info.size, info.key.size());
    EXPECT_EQ(info.etag, stat.etag) << info.key;
    EXPECT_EQ(info.modified, stat.modified) << info.key;
  }
}

void prefixes(const Store& store) {
  put_tree(store);
  struct Row {
    std::string prefix;
    Keys want;
  };
  const Row rows[] = {{"a", {"a-b/x", "a.txt", "a/b", "a/c/d", "a/c/e/f", "a/g", "a0"}},
                      {"a/", {"a/b", "a/c/d", "a/c/e/f", "a/g"}},
                      {"a/c", {"a/c/d", "a/c/e/f"}},
                      {"a/c/e/f", {"a/c/e/f"}},
                      {"a/c/e/f/", {}},
                      {"absent/", {}},
                      {"\xc3", {"é"}},
                      {"b", {"b"}}};
  for (const Row& row : rows) {
    EXPECT_EQ(keys_of(store->list({.prefix = row.prefix})), row.want) << row.prefix;
  }
}

void delimiters(const Store& store) {
  put_tree(store);
  struct Row {
    ListOptions options;
    Keys want;
  };
  const Row rows[] = {
      {{.delimiter = "/"}, {"Z", "a-b/", "a.txt", "a/", "a0", "b", "é"}},
      {{.prefix = "a/", .delimiter = "/"}, {"a/b", "a/c/", "a/g"}},
      {{.prefix = "a", .delimiter = "/"}, {"a-b/", "a.txt", "a/", "a0"}},
      {{.prefix = "a/c", .delimiter = "/"}, {"a/c/"}},
      {{.prefix = "a/c/", .delimiter = "/"}, {"a/c/d", "a/c/e/"}},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(keys_of(store->list(row.options)), row.want) << "prefix " << row.options.prefix;
  }
  // Page by page, objects and common prefixes come apart.
  const ListOptions level{.prefix = "a/", .delimiter = "/"};
  Keys objects;
  Keys common;
  std::string token;
  do {
    const ListPage page = store->list_page(level, token);
    for (const storage::FileInfo& info : page.objects) objects.push_back(info.key);
    common.insert(common.end(), page.prefixes.begin(), page.prefixes.end());
    token = page.next;
  } while (!token.empty());
  EXPECT_EQ(objects, (Keys{"a/b", "a/g"}));
  EXPECT_EQ(common, Keys{"a/c/"});
}

void start_after(const Store& store) {
  put_tree(store);
  for (std::size_t i = 0; i < kTree.size(); ++i) {
    const Keys want(kTree.begin() + static_cast<std::ptrdiff_t>(i) + 1, kTree.end());
    EXPECT_EQ(keys_of(store->list({.start_after = kTree[i]})), want) << kTree[i];
  }
  EXPECT_EQ(keys_of(store->list({.prefix = "a/", .start_after = "a/c/d"})),
            (Keys{"a/c/e/f", "a/g"}));
  EXPECT_EQ(keys_of(store->list({.start_after = "a/c/dd"})),
            (Keys{"a/c/e/f", "a/g", "a0", "b", "é"}))
      << "a key that is not there";
  EXPECT_EQ(keys_of(store->list({.prefix = "a/", .start_after = "A"})),
            (Keys{"a/b", "a/c/d", "a/c/e/f", "a/g"}))
      << "before the prefix";
  EXPECT_EQ(keys_of(store->list({.prefix = "a/", .start_after = "b"})), Keys())
      << "behind the prefix";
}

// Follows the tokens by hand; `entries` counts pages as well.
Keys page_by_page(const Store& store, const ListOptions& options) {
  std::set<std::string> entries;
  std::string token;
  std::string last;
  do {
    const ListPage page = store->list_page(options, token);
    Keys of_page = page.prefixes;
    for (const storage::FileInfo& info : page.objects) of_page.push_back(info.key);
    std::sort(of_page.begin(), of_page.end());
    if (!of_page.empty()) {
      EXPECT_LT(last, of_page.front()) << "pages must not overlap";
      last = of_page.back();
    }
    entries.insert(of_page.begin(), of_page.end());
    EXPECT_NE(page.next, token.empty() ? "-" : token) << "the same page again";
    token = page.next;
  } while (!token.empty());
  return {entries.begin(), entries.end()};
}

void more_than_a_page(const Store& store) {
  constexpr std::size_t kFolders = 1'050;
  Keys keys(kFolders);
  Keys folders(kFolders);
  for (std::size_t i = 0; i < kFolders; ++i) {
    char name[16];
    std::snprintf(name, sizeof name, "%05zu/", i);
    folders[i] = name;
    keys[i] = folders[i] + "x";
  }
  race(16, [&](std::size_t thread) {
    for (std::size_t i = thread; i < kFolders; i += 16) store->put(keys[i], {});
  });
  EXPECT_EQ(keys_of(store), keys);
  EXPECT_EQ(page_by_page(store, {}), keys);
  EXPECT_EQ(keys_of(store->list({.delimiter = "/"})), folders);
  EXPECT_EQ(page_by_page(store, {.delimiter = "/"}), folders);
  const Keys half(keys.begin() + 20, keys.end());
  EXPECT_EQ(keys_of(store->list({.start_after = keys[19]})), half);
  store->remove(keys);
  EXPECT_EQ(keys_of(store), Keys());
}

void unusual_keys(const Store& store) {
  Keys keys{"a b/c d",
            "plus+plus",
            "per%cent",
            "per%25cent",
            "q?x=1&y=2",
            "hash#tag",
            "q'uote",
            "q\"uote",
            "<xml>&amp;",
            "semi;colon",
            "a=b",
            "at@colon:",
            "back\\slash",
            ".hidden/.file",
            "...",
            "~tilde",
            "(paren)[bracket]{brace}",
            "*star!",
            "$dollar^`|,",
            "ünï/cödé",
            "染色体/一",
            "🧬",
            " lead and trail ",
            std::string(200, 'k')};
  std::sort(keys.begin(), keys.end());
  // A store that would take the backslash for a slash refuses it.
  std::erase_if(keys, [&](const std::string& key) {
    return key == "back\\slash" &&
           throws(Errc::invalid_argument, [&] { store->put(key, as_bytes(key)); });
  });
  for (const std::string& key : keys) store->put(key, as_bytes(key));
  EXPECT_EQ(keys_of(store), keys);
  for (const std::string& key : keys) {
    SCOPED_TRACE("key '" + key + "'");
    EXPECT_TRUE(same_bytes(read(store, key), as_bytes(key)));
    EXPECT_EQ(store->stat(key).size, key.size());
    EXPECT_EQ(keys_of(store->list({.prefix = key})), Keys{key});
    Buffer into(key.size());
    store->open(key)->read_at(0, into.span());
    EXPECT_TRUE(same_bytes(into, as_bytes(key)));
  }
  store->copy("per%25cent", "a+b %41");
  EXPECT_TRUE(same_bytes(read(store, "a+b %41"), as_bytes("per%25cent")));
  keys.emplace_back("a+b %41");
  store->remove(keys);
  EXPECT_EQ(keys_of(store), Keys());
}

}  // namespace

std::vector<Check> list_checks() {
  return {{"byte order", byte_order},
          {"prefixes", prefixes},
          {"delimiters", delimiters},
          {"start_after", start_after},
          {"more than a page", more_than_a_page},
          {"unusual keys", unusual_keys}};
}

}  // namespace cnf::testing::contract
