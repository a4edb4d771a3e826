// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/uri.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/local.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string text_of(const std::shared_ptr<Storage>& store, std::string_view key) {
  return std::string(as_text(store->read_all(key, 1'000).bytes));
}

TEST(Uri, TheStoreOfAPlainPathOrAFileUri) {
  const testing::TempDir root;
  const std::string path = (root.path() / "a b%20c?d=e#f:g").string();
  std::string encoded = root.path().string() + "/a%20b%2520c%3Fd=e%23f:g";
  from_uri(path)->put("key", as_bytes("text"));
  EXPECT_TRUE(std::filesystem::exists(path + "/key")) << "a plain path is taken as it is";
  for (const std::string& uri : std::vector<std::string>{
           path, path + "/", "file:" + encoded, "file://" + encoded, "FILE://localhost" + encoded,
           "file:" + encoded + "?durability=none"}) {
    EXPECT_EQ(text_of(from_uri(uri), "key"), "text") << uri;
    EXPECT_EQ(from_uri(uri)->uri(), path) << uri;
  }
  EXPECT_EQ(from_uri(path)->uri("x/y"), path + "/x/y");
}

TEST(Uri, RelativePathsStartAtTheWorkingFolder) {
  const testing::TempDir root;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(root.path());
  const std::shared_ptr<Storage> below = from_uri("some/folder");
  const Location file = locate("file.txt");
  const Location here = locate(".");
  std::filesystem::current_path(before);
  below->put("key", as_bytes("text"));
  EXPECT_TRUE(std::filesystem::exists(root.path() / "some/folder/key"));
  EXPECT_EQ(below->uri("key"), "some/folder/key");
  EXPECT_EQ(file.key, "file.txt");
  EXPECT_EQ(text_of(file.storage, "some/folder/key"), "text");
  EXPECT_EQ(here.key, "");
  EXPECT_EQ(text_of(here.storage, "some/folder/key"), "text");
}

TEST(Uri, OptionsPutWrappersAroundAnyStore) {
  const testing::TempDir root;
  const auto keeper = from_uri("memory:wrapped");
  keeper->put("a", as_bytes("text"));
  const auto fails_with = [](Errc code, const std::function<void()>& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code() == code;
    }
    return false;
  };
  for (const std::string base : {"memory:wrapped", root.path().c_str()}) {
    Options options;
    options.set("read_only", "true");
    EXPECT_TRUE(fails_with(Errc::permission_denied,
                           [&] { from_uri(base, options)->put("b", as_bytes("text")); }));
    const Location place = locate(base + "/b", options);
    EXPECT_TRUE(fails_with(Errc::permission_denied, [&] { place.storage->remove(place.key); }));
  }
  const auto limited = from_uri("memory:wrapped?rate=0.000001");  // and a burst of one
  EXPECT_EQ(text_of(limited, "a"), "text");
  const Context soon =
      Context().with_deadline(Context::Clock::now() + std::chrono::milliseconds(20));
  EXPECT_TRUE(fails_with(Errc::deadline_exceeded, [&] { (void)limited->read_all("a", 10, soon); }));

  const std::string folder = (root.path() / "cache").string();
  for (const std::string& cache : {std::string("memory"), folder}) {
    const auto cached = from_uri("memory:wrapped?cache_size=1M&cache=" + cache);
    EXPECT_EQ(text_of(cached, "a"), "text");
    const auto accounting = std::make_shared<Accounting>();
    EXPECT_EQ(as_text(cached->read_all("a", 10, Context().with_accounting(accounting)).bytes),
              "text");
    EXPECT_EQ(accounting->snapshot().total_requests(), 0U) << cache;
    EXPECT_EQ(accounting->snapshot().cache_hits, 1U) << cache;
  }
  EXPECT_TRUE(std::filesystem::exists(folder));
}

TEST(Uri, LocateTellsTheStoreFromTheKey) {
  const std::shared_ptr<Storage> named = from_uri("memory:locate");
  named->put("a/b/c", as_bytes("text"));
  const struct {
    std::string_view uri;
    std::string_view store;
    std::string_view key;
  } rows[] = {
      {"/data/x.bam", "/data", "x.bam"},
      {"/data/set/", "/data/set", ""},
      {"/x", "/", "x"},
      {"/", "/", ""},
      {"x.bam", ".", "x.bam"},
      {"a/b", "a", "b"},
      {"..", "..", ""},
      {"a/..", "a/..", ""},
      {"sample:1.bam", ".", "sample:1.bam"},
      {"file:///data/x%20y", "/data", "x y"},
      {"memory:locate", "memory:locate", ""},
      {"memory:locate/a/b/c", "memory:locate", "a/b/c"},
      {"memory://locate/a/b/c", "memory:locate", "a/b/c"},
      {"memory:locate/a/b/", "memory:locate/a/b", ""},
      {"memory:locate/a%2fb", "memory:locate", "a/b"},
  };
  for (const auto& row : rows) {
    const Location location = locate(row.uri);
    EXPECT_EQ(location.storage->uri(), row.store) << row.uri;
    EXPECT_EQ(location.key, row.key) << row.uri;
  }
  EXPECT_EQ(text_of(locate("memory:locate/a/b/").storage, "c"), "text");
}

TEST(Uri, ABucketIsAStoreAndKeysLieInThePath) {
  const Options anonymous{.anonymous = true};
  const Location object = locate("s3://bucket/a/b%20c?region=eu-west-1", anonymous);
  EXPECT_EQ(object.storage->uri(), "s3://bucket");
  EXPECT_EQ(object.key, "a/b c");
  EXPECT_EQ(from_uri("s3://bucket/a/", anonymous)->uri("b"), "s3://bucket/a/b");
}

TEST(Uri, OneMemoryNameIsOneStoreWhileSomebodyUsesIt) {
  {
    const std::shared_ptr<Storage> first = from_uri("memory:shared/folder");
    first->put("key", as_bytes("text"));
    EXPECT_EQ(text_of(from_uri("memory:shared"), "folder/key"), "text");
    EXPECT_FALSE(from_uri("memory:other")->exists("folder/key"));
  }
  EXPECT_FALSE(from_uri("memory:shared")->exists("folder/key"));
}

TEST(Uri, AUriOfAKeyLeadsBackToIt) {
  const std::shared_ptr<Storage> store = from_uri("memory:round");
  const std::shared_ptr<Storage> below = from_uri("memory:round/pre%25fix");
  for (const char* key : {"plain", "a b/c", "100%", "%41", "q?x=1", "h#1", "ünï", "a+b&c"}) {
    EXPECT_EQ(locate(store->uri(key)).key, key) << store->uri(key);
    EXPECT_EQ(locate(below->uri(key)).key, std::string("pre%fix/") + key) << below->uri(key);
  }
}

TEST(Uri, TheQueryGoesBeforeTheOptions) {
  Options options;
  options.set("durability", "fsync");
  EXPECT_NO_THROW((void)from_uri("memory:x?concurrency=4&&region=eu%2Dwest-1", options));
  EXPECT_THROW((void)from_uri("memory:x?concurrency=none", options), Error);
}

TEST(Uri, AContainerMayStandBeforeItsAccount) {
  Options options;
  options.anonymous = true;
  const std::string uri = "abfss://some-container@account.dfs.core.windows.net/a/b";
  EXPECT_EQ(from_uri(uri, options)->uri("c"), uri + "/c");
  EXPECT_EQ(locate("abfs" + uri.substr(5), options).storage->uri("x"),
            "abfss://some-container@account.dfs.core.windows.net/x");
  options.account = "account";
  EXPECT_EQ(from_uri("az://some-container/a", options)->uri("b"), "az://some-container/a/b");
  EXPECT_EQ(from_uri("abfs://some-container/a", options)->uri("b"), "az://some-container/a/b");
}

struct RefusedUri {
  std::string_view uri;
  Errc code;
  std::string_view said;  // in the message
};

TEST(Uri, WhatIsWrongIsSaidWithTheUri) {
  const RefusedUri rows[] = {
      {"", Errc::invalid_argument, "empty"},
      {"foo://bar/baz", Errc::unsupported, "foo://bar/baz"},
      {"ftp://host/x?X-Amz-Signature=SECRET", Errc::unsupported, "ftp://host/x"},
      {"file://host/path", Errc::invalid_argument, "another machine"},
      {"file:", Errc::invalid_argument, "no path"},
      {"file:/a%2", Errc::invalid_argument, "file:/a%2"},
      {"file:/a%zz", Errc::invalid_argument, "hex"},
      {"file:/a%00b", Errc::invalid_argument, "zero"},
      {"file:/a#b", Errc::invalid_argument, "fragment"},
      {"memory:x?nonsense", Errc::invalid_argument, "memory:x"},
      {"memory:x?SECRET", Errc::invalid_argument, "memory:x"},
      {"memory:x?regoin=SECRET", Errc::invalid_argument, "regoin"},
      {"memory:x/../y", Errc::invalid_argument, "'..'"},
      {"memory://user:SECRET@x/y", Errc::invalid_argument, "memory://x/y"},
      {"file://user:SECRET@/path", Errc::invalid_argument, "password"},
      {"s3://user:SECRET@bucket/key", Errc::invalid_argument, "password"},
      {"https://user:SECRET@host/x", Errc::invalid_argument, "password"},
      {"az://user:SECRET@container/key", Errc::invalid_argument, "password"},
      {"az:///key", Errc::invalid_argument, "no container"},
      {"abfss://user:SECRET@account.dfs.core.windows.net/key", Errc::invalid_argument, "container"},
      {"abfss://c@account.example.com/key", Errc::invalid_argument, "storage account's host"},
      {"abfss://c@account.dfs.core.windows.net/key?account=other", Errc::invalid_argument, "other"},
      {"az://c/key?account=a&account_key=SECRET!", Errc::invalid_argument, "not base64"},
      {"az://c/key?account=a&sas_token=SECRET", Errc::invalid_argument, "the SAS token"},
      {"az://c/key?connection_string=SECRET", Errc::invalid_argument, "the connection string"},
  };
  for (const RefusedUri& row : rows) {
    try {
      (void)from_uri(row.uri);
      ADD_FAILURE() << row.uri << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), row.code) << row.uri << ": " << error.what();
      EXPECT_THAT(error.what(), HasSubstr(std::string(row.said)));
      EXPECT_THAT(error.what(), Not(HasSubstr("SECRET")));
      EXPECT_THAT(error.subject(), Not(HasSubstr("SECRET")));
    }
  }
}

}  // namespace
}  // namespace cnf::storage
