// SPDX-License-Identifier: Apache-2.0
// What the local writer leaves on the disk, with and without nameless files, and what several
// processes do to one object.
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cnf/core/storage/local.h"
#include "cnf/core/storage/local_writer_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage::local {
namespace {

namespace fs = std::filesystem;
using Unfinished = LocalWriter::Unfinished;

class LocalWriterTest : public ::testing::TestWithParam<Unfinished> {
 protected:
  [[nodiscard]] std::unique_ptr<LocalWriter> create(const std::string& folder,
                                                    const Condition& condition = {}) const {
    const std::string path = (root_.path() / folder).string();
    return std::make_unique<LocalWriter>(LocalWriter::Target{path, "object", path + "/object"},
                                         condition, Options::Durability::fsync, Context(),
                                         GetParam());
  }
  [[nodiscard]] std::size_t names_in(const std::string& folder) const {
    const fs::directory_iterator names(root_.path() / folder);
    return static_cast<std::size_t>(std::distance(begin(names), end(names)));
  }
  [[nodiscard]] std::string text_in(const std::string& folder) const {
    const Buffer bytes = open_local(root_.path() / folder)->read_all("object", 1'000).bytes;
    return std::string(as_text(bytes));
  }

  testing::TempDir root_;
};

TEST_P(LocalWriterTest, CommitLeavesTheObjectAlone) {
  for (const Condition& condition : {Condition::if_absent(), Condition()}) {
    const std::unique_ptr<LocalWriter> writer = create("a/b", condition);
    writer->write(as_bytes("text"));
    EXPECT_EQ(names_in("a/b"), (condition.kind() == Condition::Kind::none ? 1U : 0U) +
                                   (GetParam() == Unfinished::reserved_name ? 1U : 0U));
    writer->commit();
    EXPECT_EQ(names_in("a/b"), 1U);
    EXPECT_EQ(text_in("a/b"), "text");
  }
}

TEST_P(LocalWriterTest, AFailedCommitLeavesWhatWasThere) {
  create("a")->commit();
  const auto fails = [&](const Condition& condition) {
    const std::unique_ptr<LocalWriter> writer = create("a", condition);
    writer->write(as_bytes("new"));
    EXPECT_THROW(writer->commit(), Error);
  };
  fails(Condition::if_absent());
  fails(Condition::if_match("other"));
  EXPECT_EQ(names_in("a"), 1U);
  EXPECT_EQ(text_in("a"), "");
}

TEST_P(LocalWriterTest, MatchingETagsReplace) {
  const FileInfo old = create("a")->commit();
  const std::unique_ptr<LocalWriter> writer = create("a", Condition::if_match(old.etag));
  writer->write(as_bytes("new"));
  EXPECT_NE(writer->commit().etag, old.etag);
  EXPECT_EQ(text_in("a"), "new");
  EXPECT_EQ(names_in("a"), 1U);
}

TEST_P(LocalWriterTest, AbortLeavesNothing) {
  for (const char* folder : {"a", "b/c/d"}) {
    const std::unique_ptr<LocalWriter> writer = create(folder);
    writer->write(Buffer(3'000'000));
    writer->abort();
  }
  EXPECT_TRUE(fs::is_empty(root_.path()));
}

TEST_P(LocalWriterTest, AFolderInTheWayIsLeftAlone) {
  fs::create_directories(root_.path() / "a/object/below");
  for (const Condition& condition : {Condition(), Condition::if_absent()}) {
    const std::unique_ptr<LocalWriter> writer = create("a", condition);
    try {
      writer->commit();
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::unsupported) << error.what();
    }
  }
  EXPECT_TRUE(fs::exists(root_.path() / "a/object/below"));
  EXPECT_EQ(names_in("a"), 1U);
}

TEST_P(LocalWriterTest, SmallAndLargeWritesKeepTheirOrder) {
  std::string want;
  const std::unique_ptr<LocalWriter> writer = create("a");
  for (const std::size_t size : {1U, 300'000U, 5U, 262'143U, 1U, 262'144U, 0U, 20'000'000U, 9U}) {
    const std::string text(size, static_cast<char>('a' + want.size() % 23));
    writer->write(as_bytes(text));
    want += text;
  }
  EXPECT_EQ(writer->commit().size, want.size());
  const Buffer got = open_local(root_.path() / "a")->read_all("object", want.size()).bytes;
  EXPECT_TRUE(as_text(got) == want);
}

INSTANTIATE_TEST_SUITE_P(, LocalWriterTest,
                         ::testing::Values(Unfinished::nameless, Unfinished::reserved_name),
                         [](const auto& row) {
                           return row.param == Unfinished::nameless ? "Nameless" : "ReservedName";
                         });

TEST(LocalWriter, MakesItsFolderAgainIfItWasPrunedMeanwhile) {
  const testing::TempDir root;
  const std::shared_ptr<Storage> store = open_local(root.path());
  const std::unique_ptr<Writer> writer = store->create("a/b/c");
  ASSERT_EQ(fs::remove_all(root.path() / "a"), 2U);
  writer->write(as_bytes("text"));
  writer->commit();
  EXPECT_EQ(as_text(store->read_all("a/b/c", 9).bytes), "text");
}

// Runs `work` in processes of their own; each must end with status 0.
void in_processes(int count, const std::function<void(int)>& work) {
  std::vector<::pid_t> children;
  for (int i = 0; i < count; ++i) {
    const ::pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        work(i);
      } catch (...) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const ::pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
}

TEST(LocalProcesses, NoIncrementIsLost) {
  const testing::TempDir root;
  constexpr int kProcesses = 4;
  constexpr int kIncrements = 25;
  open_local(root.path())->put("folder/counter", as_bytes("0"));
  in_processes(kProcesses, [&](int) {
    const std::shared_ptr<Storage> store = open_local(root.path());
    for (int done = 0; done < kIncrements;) {
      const Object old = store->read_all("folder/counter", 100);
      const int next = std::stoi(std::string(as_text(old.bytes))) + 1;
      try {
        store->put("folder/counter", as_bytes(std::to_string(next)),
                   {.condition = Condition::if_match(old.info.etag)});
        ++done;
      } catch (const Error& error) {
        if (error.code() != Errc::precondition_failed) throw;
      }
    }
  });
  const Object counter = open_local(root.path())->read_all("folder/counter", 100);
  EXPECT_EQ(as_text(counter.bytes), std::to_string(kProcesses * kIncrements));
}

TEST(LocalProcesses, OneOfThemCreatesEachObject) {
  const testing::TempDir root;
  constexpr int kObjects = 50;
  in_processes(4, [&](int process) {
    const std::shared_ptr<Storage> store = open_local(root.path());
    for (int i = 0; i < kObjects; ++i) {
      try {
        store->put("f/" + std::to_string(i), {}, {.condition = Condition::if_absent()});
        // A second winner of one object would leave a second key here.
        store->put("won/" + std::to_string(i) + "/" + std::to_string(process), {});
      } catch (const Error& error) {
        if (error.code() != Errc::already_exists) throw;
      }
    }
  });
  const std::shared_ptr<Storage> store = open_local(root.path());
  int wins = 0;
  for (Listing listing = store->list({.prefix = "won/"}); listing.next();) ++wins;
  EXPECT_EQ(wins, kObjects);
}

TEST(LocalProcesses, OneThatIsKilledLeavesNothing) {
  const testing::TempDir root;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const ::pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::unique_ptr<Writer> writer = open_local(root.path())->create("object");
    writer->write(Buffer(2'000'000));
    const char byte = 1;
    while (::write(ready[1], &byte, 1) != 1) continue;
    ::pause();
  }
  char byte = 0;
  EXPECT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(::kill(child, SIGKILL), 0);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  ::close(ready[0]);
  ::close(ready[1]);
  EXPECT_TRUE(fs::is_empty(root.path()));
}

}  // namespace
}  // namespace cnf::storage::local
