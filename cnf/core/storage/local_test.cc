// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/local.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cnf/core/storage/local_file_internal.h"
#include "cnf/core/storage/local_read_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LocalTest : public ::testing::Test {
 protected:
  LocalTest() { options_.durability = Options::Durability::none; }

  [[nodiscard]] std::shared_ptr<Storage> store() const { return open_local(root(), options_); }
  [[nodiscard]] fs::path root() const { return folder_.path() / "root"; }

  // Every path below the root, files or folders, of any name.
  [[nodiscard]] std::vector<std::string> on_disk() const {
    std::vector<std::string> paths;
    if (!fs::exists(root())) return paths;
    for (const auto& entry : fs::recursive_directory_iterator(root())) {
      paths.push_back(entry.path().lexically_relative(root()).string());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  [[nodiscard]] static std::vector<std::string> keys_of(Listing listing) {
    std::vector<std::string> keys;
    while (auto entry = listing.next()) keys.push_back(std::move(entry->key));
    return keys;
  }

  testing::TempDir folder_;
  Options options_;
};

Errc code_of(const auto& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::internal;
}

TEST_F(LocalTest, AnObjectIsAPlainFile) {
  store()->put("a/b.txt", as_bytes("text"));
  std::ifstream file(root() / "a/b.txt");
  std::string text;
  std::getline(file, text);
  EXPECT_EQ(text, "text");
  EXPECT_THAT(on_disk(), ElementsAre("a", "a/b.txt"));
  EXPECT_EQ(store()->uri("a/b.txt"), (root() / "a/b.txt").string());
}

TEST_F(LocalTest, ReadingMakesNoFolders) {
  EXPECT_THAT(keys_of(store()->list()), IsEmpty());
  EXPECT_FALSE(store()->exists("a"));
  store()->remove("a/b");
  EXPECT_FALSE(fs::exists(root()));
}

TEST_F(LocalTest, AnUncommittedObjectHasNoName) {
  const std::shared_ptr<Storage> local = store();
  const std::unique_ptr<Writer> writer = local->create("a/b");
  writer->write(Buffer(1'000'000));
  EXPECT_THAT(on_disk(), ElementsAre("a"));
  writer->abort();
  EXPECT_FALSE(fs::exists(root())) << "the folders made for it are gone too";
}

TEST_F(LocalTest, AbortLeavesTheFoldersThatWereThere) {
  fs::create_directories(root() / "a");
  store()->create("a/b/c")->abort();
  EXPECT_THAT(on_disk(), ElementsAre("a"));
}

TEST_F(LocalTest, RemovingPrunesEmptyFoldersUpToTheRoot) {
  const std::shared_ptr<Storage> local = store();
  for (const char* key : {"a/b/c/d", "a/b/e", "f/g"}) local->put(key, {});
  local->remove("a/b/c/d");
  EXPECT_THAT(on_disk(), ElementsAre("a", "a/b", "a/b/e", "f", "f/g"));
  local->remove(std::vector<std::string>{"a/b/e", "f/g"});
  EXPECT_THAT(on_disk(), IsEmpty());
  EXPECT_TRUE(fs::exists(root()));
}

TEST_F(LocalTest, AFileAndAFolderCannotShareAName) {
  const std::shared_ptr<Storage> local = store();
  local->put("a", {});
  local->put("f/g", {});
  for (const Condition& condition : {Condition(), Condition::if_absent()}) {
    for (const char* key : {"a/b", "a/b/c", "f"}) {
      try {
        local->put(key, {}, {.condition = condition});
        ADD_FAILURE() << key;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Errc::unsupported) << error.what();
        EXPECT_THAT(error.what(), HasSubstr("folder"));
      }
    }
  }
  EXPECT_THAT(on_disk(), ElementsAre("a", "f", "f/g"));
}

TEST_F(LocalTest, ALinkToNowhereIsNoFolder) {
  fs::create_directories(root());
  fs::create_symlink("nowhere", root() / "a");
  EXPECT_EQ(code_of([&] { store()->put("a/b", {}); }), Errc::unsupported);
}

TEST_F(LocalTest, ReservedNamesAreNeitherKeysNorListed) {
  const std::shared_ptr<Storage> local = store();
  local->put("a/b", {});
  std::ofstream(root() / "a/.cnf-0123456789abcdef") << "left behind";
  fs::create_directories(root() / ".cnf-x/y");
  EXPECT_THAT(keys_of(local->list()), ElementsAre("a/b"));
  for (const char* key : {".cnf-x", "a/.cnf-0123456789abcdef", ".cnf-x/y"}) {
    EXPECT_EQ(code_of([&] { (void)local->stat(key); }), Errc::invalid_argument) << key;
    EXPECT_EQ(code_of([&] { local->put(key, {}); }), Errc::invalid_argument) << key;
    EXPECT_EQ(code_of([&] { local->remove(key); }), Errc::invalid_argument) << key;
    EXPECT_EQ(code_of([&] { (void)local->read_all(key, 9); }), Errc::invalid_argument) << key;
    Buffer into(1);
    EXPECT_EQ(code_of([&] { local->open(key)->read_at(0, into.span()); }), Errc::invalid_argument);
  }
  local->put("a.cnf-x", {});  // only at the beginning of a name
}

TEST_F(LocalTest, SymbolicLinksAreFollowed) {
  const std::shared_ptr<Storage> local = store();
  local->put("real/file", as_bytes("text"));
  fs::create_symlink("real/file", root() / "link");
  fs::create_directory_symlink(root() / "real", root() / "folder");
  fs::create_symlink("nowhere", root() / "dangling");
  fs::create_directory_symlink(root(), root() / "real/up");
  EXPECT_THAT(keys_of(local->list()), ElementsAre("folder/file", "link", "real/file"));
  EXPECT_THAT(keys_of(local->list({.delimiter = "/"})), ElementsAre("folder/", "link", "real/"));
  EXPECT_EQ(as_text(local->read_all("folder/file", 9).bytes), "text");
  EXPECT_FALSE(local->exists("dangling"));
  local->remove(std::vector<std::string>{"link", "dangling", "folder"});
  EXPECT_TRUE(local->exists("real/file")) << "what a link points to stays";
  EXPECT_FALSE(fs::is_symlink(root() / "link"));
}

TEST_F(LocalTest, OnlyRegularFilesAreObjects) {
  const std::shared_ptr<Storage> local = store();
  local->put("a/file", {});
  ASSERT_EQ(::mkfifo((root() / "a/pipe").c_str(), 0600), 0);
  EXPECT_THAT(keys_of(local->list()), ElementsAre("a/file"));
  EXPECT_FALSE(local->exists("a/pipe"));
  EXPECT_EQ(code_of([&] { (void)local->read_all("a/pipe", 9); }), Errc::not_found)
      << "and it is not waited for";
}

TEST_F(LocalTest, EmptyFoldersAreNotListed) {
  store()->put("a/b", {});
  fs::create_directories(root() / "empty/below");
  EXPECT_THAT(keys_of(store()->list({.delimiter = "/"})), ElementsAre("a/"));
}

TEST_F(LocalTest, AFolderOfManyIsListedInPages) {
  fs::create_directories(root() / "many");
  constexpr std::size_t kFiles = 10'050;
  for (std::size_t i = 0; i < kFiles; ++i) {
    std::ofstream(root() / "many" / std::to_string(100'000 + i)).put('x');
  }
  const Context context = Context().with_accounting(std::make_shared<Accounting>());
  const std::vector<std::string> keys = keys_of(store()->list({.prefix = "many/"}, context));
  EXPECT_EQ(keys.size(), kFiles);
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  EXPECT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), kFiles);
  EXPECT_EQ(context.accounting().snapshot().count(RequestKind::list), 2U);
}

TEST_F(LocalTest, ETagsDifferHoweverQuicklyObjectsAreReplaced) {
  const std::shared_ptr<Storage> local = store();
  std::set<std::string> etags;
  for (int i = 0; i < 500; ++i) etags.insert(local->put("object", as_bytes("same size")).etag);
  EXPECT_EQ(etags.size(), 500U);
}

TEST_F(LocalTest, LongGapsAreNotRead) {
  const std::shared_ptr<Storage> local = store();
  Buffer bytes(1'000'000);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes.data()[i] = static_cast<std::byte>(i / 1'000);
  local->put("object", bytes);
  Buffer into(30);
  FetchRequest requests[] = {{"object", 0, into.span().first(10)},
                             {"object", 10 + local::kReadProfile.gap, into.span().subspan(10, 10)},
                             {"object", 999'990, into.span().last(10)}};
  const Context context = Context().with_accounting(std::make_shared<Accounting>());
  local->fetch(requests, context, {}, {.gap = 1'000'000});
  EXPECT_EQ(context.accounting().snapshot().total_requests(), 1U);
  EXPECT_EQ(context.accounting().snapshot().bytes_fetched, 30U + local::kReadProfile.gap);
  EXPECT_EQ(into.data()[0], std::byte{0});
  EXPECT_EQ(into.data()[15], std::byte{4});
  EXPECT_EQ(into.data()[29], static_cast<std::byte>(999 % 256));
}

TEST_F(LocalTest, MorePiecesThanOneSystemCallTakes) {
  const std::shared_ptr<Storage> local = store();
  Buffer bytes(100'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes.data()[i] = static_cast<std::byte>(i % 251);
  local->put("object", bytes);
  Buffer into(5'000);
  std::vector<FetchRequest> requests;
  for (std::size_t i = 0; i < 5'000; ++i) {
    requests.push_back({"object", i * 20, into.span().subspan(i, 1)});
  }
  const Context context = Context().with_accounting(std::make_shared<Accounting>());
  local->fetch(requests, context);
  for (std::size_t i = 0; i < 5'000; ++i) {
    ASSERT_EQ(into.data()[i], static_cast<std::byte>(i * 20 % 251)) << i;
  }
  EXPECT_EQ(context.accounting().snapshot().total_requests(), 1U);
}

TEST_F(LocalTest, ManyFilesAndRangesOnSeveralThreads) {
  const std::shared_ptr<Storage> local = store();
  constexpr std::size_t kObjects = 20;
  constexpr std::size_t kSize = 400'000;
  for (std::size_t i = 0; i < kObjects; ++i) {
    Buffer bytes(kSize);
    std::fill_n(bytes.data(), kSize, static_cast<std::byte>(i));
    local->put("f/" + std::to_string(i), bytes);
  }
  std::vector<Buffer> buffers;
  std::vector<FetchRequest> requests;
  for (std::size_t i = 0; i < 2'000; ++i) {
    const std::size_t size = i % 7 == 0 ? 50'000 : 100;
    buffers.emplace_back(size);
    requests.push_back({"f/" + std::to_string(i % (kObjects + 1)), i * 7'919 % (kSize - size),
                        buffers.back().span()});
  }
  std::size_t told = 0;
  EXPECT_THROW(local->fetch(requests, {}, [&](std::size_t) { ++told; }, {.gap = 1}), Error);
  EXPECT_EQ(told, requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::size_t object = i % (kObjects + 1);
    ASSERT_EQ(requests[i].error.has_value(), object == kObjects) << i;
    if (requests[i].error) continue;
    EXPECT_TRUE(std::all_of(requests[i].into.begin(), requests[i].into.end(),
                            [&](std::byte b) { return b == static_cast<std::byte>(object); }));
  }
}

// Each version is one byte over and over: a mixture would show.
TEST_F(LocalTest, AFetchReadsOneVersionWhileOthersReplaceIt) {
  const std::shared_ptr<Storage> local = store();
  const auto put = [&](int version) {
    Buffer bytes(100'000);
    std::fill_n(bytes.data(), bytes.size(), static_cast<std::byte>(version));
    local->put("object", bytes);
  };
  put(0);
  std::jthread writer([&](const std::stop_token& stop) {
    for (int version = 1; !stop.stop_requested(); ++version) put(version);
  });
  for (int round = 0; round < 100; ++round) {
    Buffer into(100'000);
    FetchRequest request{"object", 0, into.span()};
    local->fetch(std::span(&request, 1), {}, {}, {.max_request = 1'000});
    const auto bytes = into.span();
    ASSERT_TRUE(
        std::all_of(bytes.begin(), bytes.end(), [&](std::byte b) { return b == bytes[0]; }));
  }
}

TEST_F(LocalTest, WritersAndRemoversOfOneFolderDoNotDisturbEachOther) {
  const std::shared_ptr<Storage> local = store();
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const std::string key = "deep/er/" + std::to_string(i);
      try {
        for (int round = 0; round < 150; ++round) {
          const Condition condition = round % 2 == 0 ? Condition() : Condition::if_absent();
          local->put(key, as_bytes("text"), {.condition = condition});
          EXPECT_EQ(as_text(local->read_all(key, 9).bytes), "text");
          local->remove(key);
        }
      } catch (const Error& error) {
        ADD_FAILURE() << error.what();
      }
    });
  }
  threads.clear();
  EXPECT_THAT(on_disk(), IsEmpty());
}

TEST_F(LocalTest, AHeldLockIsWaitedForNoLongerThanTheContextAllows) {
  const std::shared_ptr<Storage> local = store();
  local->put("a/b", as_bytes("old"));
  const local::FileDescriptor folder(::open((root() / "a").c_str(), O_RDONLY | O_DIRECTORY));
  ASSERT_EQ(::flock(folder.get(), LOCK_EX), 0);
  const Context context =
      Context().with_deadline(Context::Clock::now() + std::chrono::milliseconds(20));
  EXPECT_EQ(code_of([&] { local->put("a/b", as_bytes("new"), {}, context); }),
            Errc::deadline_exceeded);
  EXPECT_EQ(code_of([&] { local->remove("a/b", context); }), Errc::deadline_exceeded);
  EXPECT_EQ(as_text(local->read_all("a/b", 9).bytes), "old");
  EXPECT_THAT(on_disk(), ElementsAre("a", "a/b"));
  local->put("a/new", {}, {.condition = Condition::if_absent()});  // needs no lock
}

TEST_F(LocalTest, TheRootCanBeThatOfTheDisk) {
  const std::shared_ptr<Storage> all = open_local("/", options_);
  const std::string key = (root() / "object").string().substr(1);
  all->put(key, as_bytes("text"));
  EXPECT_EQ(as_text(store()->read_all("object", 9).bytes), "text");
  EXPECT_EQ(all->uri(key), "/" + key);
  EXPECT_EQ(all->uri(), "/");
  all->remove(key);
}

TEST(LocalErrors, SayWhatACallerCanActOn) {
  const std::pair<int, Errc> rows[] = {
      {ENOENT, Errc::not_found},        {ENOTDIR, Errc::not_found},
      {EEXIST, Errc::already_exists},   {EACCES, Errc::permission_denied},
      {EROFS, Errc::permission_denied}, {ENOSPC, Errc::out_of_space},
      {EDQUOT, Errc::out_of_space},     {ENAMETOOLONG, Errc::invalid_argument},
      {EMFILE, Errc::unavailable},      {EIO, Errc::unavailable},
  };
  for (const auto& [code, want] : rows) {
    const Error error = local::errno_error(code, "read", "/a");
    EXPECT_EQ(error.code(), want) << error.what();
    EXPECT_THAT(error.what(), HasSubstr("read /a: "));
  }
}

TEST_F(LocalTest, ANameTooLongForTheDiskIsSaid) {
  const std::string key(300, 'k');
  EXPECT_EQ(code_of([&] { store()->put(key, {}); }), Errc::invalid_argument);
}

}  // namespace
}  // namespace cnf::storage
