// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/storage_contract_internal.h"

namespace cnf::testing::contract {
namespace {

using storage::Condition;
using storage::FileInfo;
using storage::Writer;

constexpr std::size_t kLarge = (std::size_t{9} << 20) + 1;  // more than one part
const std::vector<std::string> kNone;

void overwrite(const Store& store) {
  const FileInfo first = store->put("object", pattern(1'000, 1));
  const FileInfo second = store->put("object", pattern(10, 2));
  EXPECT_NE(first.etag, second.etag);
  EXPECT_EQ(store->stat("object").etag, second.etag);
  EXPECT_TRUE(same_bytes(read(store, "object"), pattern(10, 2)));
  EXPECT_EQ(keys_of(store), std::vector<std::string>{"object"});
}

void invisible_until_commit(const Store& store) {
  for (const std::size_t size : {std::size_t{10}, kLarge}) {
    const std::string key = "folder/" + std::to_string(size);
    const Buffer bytes = pattern(size);
    const std::unique_ptr<Writer> writer = store->create(key);
    writer->write(bytes);
    EXPECT_FALSE(store->exists(key));
    writer->commit();
    EXPECT_TRUE(same_bytes(read(store, key), bytes));
    store->remove(key);
  }
  EXPECT_EQ(keys_of(store), kNone);
}

void old_object_until_commit(const Store& store) {
  store->put("object", pattern(100, 1));
  const std::unique_ptr<Writer> writer = store->create("object");
  writer->write(pattern(50, 2));
  EXPECT_TRUE(same_bytes(read(store, "object"), pattern(100, 1)));
  writer->commit();
  EXPECT_TRUE(same_bytes(read(store, "object"), pattern(50, 2)));
}

void last_bytes_come_with_the_commit(const Store& store) {
  const Buffer bytes = pattern(kLarge + 10);
  struct Row {
    std::size_t before, size;
  };
  for (const Row& row : {Row{0, 0}, Row{0, kLarge}, Row{10, 20}, Row{kLarge, kLarge + 10}}) {
    const std::unique_ptr<Writer> writer = store->create("object");
    writer->write(bytes.span().first(row.before));
    const auto last = bytes.span().subspan(row.before, row.size - row.before);
    EXPECT_EQ(writer->commit_with(last).size, row.size);
    EXPECT_TRUE(same_bytes(read(store, "object"), bytes.span().first(row.size)));
    EXPECT_TRUE(throws(Errc::invalid_argument, [&] { writer->commit_with({}); }));
  }
}

void aborted_writers_leave_nothing(const Store& store) {
  store->put("old", pattern(100, 1));
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, kLarge}) {
    for (const std::string key : {"new", "below/new", "old"}) {
      const std::unique_ptr<Writer> writer = store->create(key);
      writer->write(pattern(size));
      writer->abort();
      writer->abort();                           // once more changes nothing
      store->create(key)->write(pattern(size));  // destroyed without commit
    }
  }
  EXPECT_EQ(keys_of(store), std::vector<std::string>{"old"});
  EXPECT_TRUE(same_bytes(read(store, "old"), pattern(100, 1)));
}

void writers_are_used_once(const Store& store) {
  const std::unique_ptr<Writer> committed = store->create("object");
  committed->commit();
  EXPECT_TRUE(throws(Errc::invalid_argument, [&] { committed->write(pattern(1)); }));
  EXPECT_TRUE(throws(Errc::invalid_argument, [&] { committed->commit(); }));
  committed->abort();  // too late
  EXPECT_TRUE(store->exists("object"));
  const std::unique_ptr<Writer> aborted = store->create("other");
  aborted->abort();
  EXPECT_TRUE(throws(Errc::invalid_argument, [&] { aborted->write(pattern(1)); }));
  EXPECT_TRUE(throws(Errc::invalid_argument, [&] { aborted->commit(); }));
  EXPECT_FALSE(store->exists("other"));
}

void if_absent(const Store& store) {
  store->put("object", pattern(100, 1), {.condition = Condition::if_absent()});
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, kLarge}) {
    const auto put = [&] {
      store->put("object", pattern(size, 2), {.condition = Condition::if_absent()});
    };
    EXPECT_TRUE(throws(Errc::already_exists, put)) << size << " bytes";
  }
  EXPECT_TRUE(same_bytes(read(store, "object"), pattern(100, 1)));
  store->put("large", pattern(kLarge), {.condition = Condition::if_absent()});
  store->remove("object");
  store->put("object", pattern(5), {.condition = Condition::if_absent()});
  EXPECT_EQ(keys_of(store), (std::vector<std::string>{"large", "object"}));
}

void if_match(const Store& store) {
  const FileInfo first = store->put("object", pattern(100, 1));
  const FileInfo second =
      store->put("object", pattern(100, 2), {.condition = Condition::if_match(first.etag)});
  for (const std::size_t size : {std::size_t{100}, kLarge}) {
    const auto stale = [&] {
      store->put("object", pattern(size, 3), {.condition = Condition::if_match(first.etag)});
    };
    EXPECT_TRUE(throws(Errc::precondition_failed, stale)) << size << " bytes";
  }
  EXPECT_TRUE(same_bytes(read(store, "object"), pattern(100, 2)));
  store->put("object", pattern(kLarge, 4), {.condition = Condition::if_match(second.etag)});
  const auto absent = [&] {
    store->put("absent", pattern(1), {.condition = Condition::if_match(second.etag)});
  };
  EXPECT_TRUE(throws(Errc::precondition_failed, absent));
  const auto no_etag = [&] {
    store->put("object", pattern(1), {.condition = Condition::if_match("")});
  };
  EXPECT_TRUE(throws(Errc::invalid_argument, no_etag));
  EXPECT_EQ(keys_of(store), std::vector<std::string>{"object"});
}

// Starts writers with one condition at once; exactly one may win, and its bytes stay.
void expect_one_winner(const Store& store, const Condition& condition, Errc lost) {
  constexpr std::size_t kWriters = 16;
  std::atomic<std::size_t> winners{0};
  std::atomic<std::size_t> winner{0};
  race(kWriters, [&](std::size_t i) {
    try {
      store->put("folder/contested", pattern(2'000, 100 + i), {.condition = condition});
      ++winners;
      winner = i;
    } catch (const Error& error) {
      if (error.code() != lost) throw;
    }
  });
  EXPECT_EQ(winners, 1U);
  EXPECT_TRUE(same_bytes(read(store, "folder/contested"), pattern(2'000, 100 + winner)));
  EXPECT_EQ(keys_of(store), std::vector<std::string>{"folder/contested"});
}

void one_of_many_creates(const Store& store) {
  expect_one_winner(store, Condition::if_absent(), Errc::already_exists);
}

void one_of_many_replaces(const Store& store) {
  const FileInfo old = store->put("folder/contested", pattern(2'000));
  expect_one_winner(store, Condition::if_match(old.etag), Errc::precondition_failed);
}

void concurrent_writes(const Store& store) {
  race(8, [&](std::size_t i) {
    for (std::size_t round = 0; round < 4; ++round) {
      const std::string key = "folder" + std::to_string(round) + "/" + std::to_string(i);
      store->put(key, pattern(1'000, i * 10 + round));
    }
  });
  EXPECT_EQ(keys_of(store).size(), 32U);
  EXPECT_TRUE(same_bytes(read(store, "folder3/7"), pattern(1'000, 73)));
}

void copies(const Store& store) {
  store->put("from", pattern(1'000, 1));
  store->put("over", pattern(10, 2));
  const FileInfo copied = store->copy("from", "below/to");
  EXPECT_EQ(copied.key, "below/to");
  EXPECT_EQ(copied.size, 1'000U);
  EXPECT_EQ(copied.etag, store->stat("below/to").etag);
  store->copy("from", "over");
  for (const char* key : {"from", "below/to", "over"}) {
    EXPECT_TRUE(same_bytes(read(store, key), pattern(1'000, 1))) << key;
  }
  EXPECT_TRUE(throws(Errc::not_found, [&] { store->copy("absent", "to"); }));
  const auto onto = [&] { store->copy("from", "over", {.condition = Condition::if_absent()}); };
  EXPECT_TRUE(throws(Errc::already_exists, onto));
  EXPECT_FALSE(store->exists("to"));
  store->put("empty", {});
  EXPECT_EQ(store->copy("empty", "empty too").size, 0U);
}

void removes(const Store& store) {
  for (const char* key : {"a", "b/c", "b/d", "e/f/g"}) store->put(key, pattern(10));
  store->remove("a");
  store->remove("a");  // absent is no error
  store->remove("b");  // a folder is not an object
  EXPECT_EQ(keys_of(store), (std::vector<std::string>{"b/c", "b/d", "e/f/g"}));
  store->remove(std::vector<std::string>{"b/c", "absent/x", "e/f/g"});
  EXPECT_EQ(keys_of(store), std::vector<std::string>{"b/d"});
  store->remove(std::vector<std::string>{});
  store->put("e/f", pattern(10));  // the folder of a removed key is free
  EXPECT_EQ(keys_of(store), (std::vector<std::string>{"b/d", "e/f"}));
}

void refused_keys(const Store& store) {
  const std::string keys[] = {"",
                              "/a",
                              "a/",
                              "a//b",
                              ".",
                              "..",
                              "../a",
                              "a/..",
                              "a/./b",
                              "a\nb",
                              std::string("a\0b", 3),
                              std::string(1'025, 'k')};
  for (const std::string& key : keys) {
    SCOPED_TRACE("key '" + key + "'");
    const auto refuses = [](const auto& call) { return throws(Errc::invalid_argument, call); };
    EXPECT_TRUE(refuses([&] { (void)store->open(key); }));
    EXPECT_TRUE(refuses([&] { (void)store->create(key); }));
    EXPECT_TRUE(refuses([&] { (void)store->read_all(key, 1); }));
    EXPECT_TRUE(refuses([&] { (void)store->read_tail(key, 1); }));
    EXPECT_TRUE(refuses([&] { (void)store->try_stat(key); }));
    EXPECT_TRUE(refuses([&] { store->remove(key); }));
    EXPECT_TRUE(refuses([&] { store->copy(key, "a"); }));
    EXPECT_TRUE(refuses([&] { store->copy("a", key); }));
  }
  for (const char* prefix : {"/", "../", "a//", "a/../b", "\n"}) {
    EXPECT_TRUE(throws(Errc::invalid_argument, [&] {
      (void)store->list({.prefix = prefix}).next();
    })) << prefix;
  }
}

}  // namespace

std::vector<Check> write_checks() {
  return {{"overwrite", overwrite},
          {"invisible until commit", invisible_until_commit},
          {"old object until commit", old_object_until_commit},
          {"last bytes come with the commit", last_bytes_come_with_the_commit},
          {"aborted writers leave nothing", aborted_writers_leave_nothing},
          {"writers are used once", writers_are_used_once},
          {"if_absent", if_absent},
          {"if_match", if_match},
          {"one of many creates", one_of_many_creates},
          {"one of many replaces", one_of_many_replaces},
          {"concurrent writes", concurrent_writes},
          {"copies", copies},
          {"removes", removes},
          {"refused keys", refused_keys}};
}

}  // namespace cnf::testing::contract
