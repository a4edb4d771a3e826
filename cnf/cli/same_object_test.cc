// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/same_object.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "cnf/cli/transfer.h"
#include "cnf/core/storage/local.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::cli {
namespace {

constexpr std::uint64_t kPart = 100'000;
constexpr std::uint64_t kWindow = 30'000;

TEST(HashEtag, IsAnMd5OrTheMd5OfParts) {
  const std::string md5 = "0123456789abcdef0123456789abcdef";
  ASSERT_TRUE(parse_hash_etag(md5));
  EXPECT_EQ(parse_hash_etag(md5)->parts, 0U);
  ASSERT_TRUE(parse_hash_etag(md5 + "-12"));
  EXPECT_EQ(parse_hash_etag(md5 + "-12")->parts, 12U);
  for (const std::string& other :
       {std::string(), std::string("1"), md5.substr(1), md5 + "0", md5 + "-", md5 + "-0",
        md5 + "-x", md5 + "-1x", md5 + "--1", std::string("0123456789ABCDEF0123456789abcdef"),
        std::string("0x8DC1"), std::string("W/") + md5}) {
    EXPECT_FALSE(parse_hash_etag(other)) << other;
  }
}

// One object in two stores, with what they say of it.
struct Pair {
  Route route;
  storage::FileInfo source;
  storage::FileInfo copy;

  [[nodiscard]] bool is_copied() const { return is_copy(route, source, copy, kPart, kWindow, {}); }
};

// Larger than what is compared byte by byte wherever it lies.
constexpr std::size_t kLarge = 250'000;

Pair make_pair(std::shared_ptr<storage::Storage> from, std::shared_ptr<storage::Storage> to,
               std::string_view source, std::string_view copy) {
  Pair pair;
  pair.source = from->put("object", as_bytes(source));
  pair.copy = to->put("copy", as_bytes(copy));
  // As the lists have them. The copy seems to be older: then times are no evidence.
  pair.source.key = "object";
  pair.copy.key = "copy";
  pair.source.modified = std::chrono::sys_seconds(std::chrono::seconds(2'000));
  pair.copy.modified = std::chrono::sys_seconds(std::chrono::seconds(1'000));
  pair.route.from = std::move(from);
  pair.route.to = std::move(to);
  return pair;
}

TEST(IsCopy, SizesDecideFirst) {
  Pair pair = make_pair(storage::make_memory(), storage::make_memory(), "abc", "abcd");
  pair.copy.modified += std::chrono::hours(1);
  EXPECT_FALSE(pair.is_copied());
  pair.route.resume = Route::Resume::by_size;
  EXPECT_FALSE(pair.is_copied());
}

TEST(IsCopy, FewBytesAreCompared) {
  EXPECT_TRUE(make_pair(storage::make_memory(), storage::make_memory(), "abc", "abc").is_copied());
  Pair other = make_pair(storage::make_memory(), storage::make_memory(), "abc", "abd");
  other.copy.modified += std::chrono::hours(1);
  EXPECT_FALSE(other.is_copied()) << "times are no evidence where the bytes are";
  other.route.resume = Route::Resume::by_size;
  EXPECT_TRUE(other.is_copied()) << "because the user says so";
}

TEST(IsCopy, LocalFilesAreCompared) {
  const testing::TempDir folder;
  const std::string text(kLarge, 'x');
  std::string other = text;
  other[kLarge / 2] = 'y';
  const auto store = [&](const char* name) { return storage::open_local(folder.path() / name); };
  EXPECT_TRUE(make_pair(store("a"), store("b"), text, text).is_copied());
  EXPECT_FALSE(make_pair(store("a"), store("b"), text, other).is_copied());
}

TEST(IsCopy, WhereNothingElseTellsTimesDo) {
  const std::string text(kLarge, 'x');
  Pair pair = make_pair(storage::make_memory(), storage::make_memory(), text, text);
  EXPECT_FALSE(pair.is_copied()) << "the copy is older than the source";
  pair.copy.modified = pair.source.modified;
  EXPECT_FALSE(pair.is_copied()) << "it may have been written before the source was changed";
  pair.copy.modified += std::chrono::seconds(1);
  EXPECT_TRUE(pair.is_copied());
}

TEST(IsCopy, HashesOfTheStoresAreCompared) {
  const std::string text(kLarge, 'x');
  Pair pair = make_pair(storage::make_memory(), storage::make_memory(), text, text);
  const std::string one = "0123456789abcdef0123456789abcdef";
  const std::string two = "1123456789abcdef0123456789abcdef";
  const struct {
    std::string source;
    std::string copy;
    std::optional<bool> want;
  } rows[] = {{one, one, true},
              {one, two, false},
              {one + "-3", one + "-3", true},
              {one, one + "-3", {}},
              {one + "-3", two + "-4", {}},
              {"1", "1", {}},
              {one + "-3", two + "-3", {}}};
  for (const auto& row : rows) {
    pair.source.etag = row.source;
    pair.copy.etag = row.copy;
    EXPECT_EQ(is_copy_by_lists(pair.route, pair.source, pair.copy), row.want)
        << row.source << " and " << row.copy;
  }
}

TEST(IsCopy, ALocalFileIsHashedAsTheStoreHashed) {
  const testing::TempDir folder;
  std::string text(kLarge, 'x');
  text[7] = 'y';
  const auto part = [&](std::size_t at) {
    return md5(as_bytes(std::string_view(text).substr(at, kPart)));
  };
  Buffer digests;
  for (std::size_t at = 0; at < text.size(); at += kPart) digests.append(part(at));
  const std::string whole = to_hex(md5(as_bytes(text)));
  const std::string parts = to_hex(md5(digests));
  for (const bool up : {true, false}) {
    const auto local = storage::open_local(folder.path() / (up ? "up" : "down"));
    const auto remote = storage::make_memory();
    Pair pair = up ? make_pair(local, remote, text, text) : make_pair(remote, local, text, text);
    std::string& etag = (up ? pair.copy : pair.source).etag;
    const struct {
      std::string etag;
      bool want;
    } rows[] = {{whole, true},         {to_hex(md5(digests)), false}, {parts + "-3", true},
                {parts + "-2", false}, {whole + "-3", false},         {"7", false}};
    for (const auto& row : rows) {
      etag = row.etag;
      EXPECT_EQ(pair.is_copied(), row.want) << row.etag;
    }
  }
}

}  // namespace
}  // namespace cnf::cli
