// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cnf/core/storage/block_store_internal.h"
#include "cnf/core/storage/local_file_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage {
namespace {

namespace fs = std::filesystem;

std::string name_of(std::size_t i) { return block_name("block " + std::to_string(i)); }

// Bytes that tell which block they are.
Buffer content_of(std::size_t i, std::size_t size) {
  Buffer bytes(size);
  for (std::size_t at = 0; at < size; ++at) {
    bytes.span()[at] = static_cast<std::byte>((i * 131 + at * 7 + at / 256) & 0xffU);
  }
  return bytes;
}

void put(BlockStore& store, std::size_t i, std::size_t size) {
  const Buffer bytes = content_of(i, size);
  const BlockStore::Entry entry{name_of(i), bytes.span()};
  store.put(std::span(&entry, 1));
}

bool has(BlockStore& store, std::size_t i, std::size_t size) {
  const auto bytes = store.get(name_of(i));
  if (!bytes) return false;
  EXPECT_EQ(as_text(*bytes), as_text(content_of(i, size))) << "other bytes than were put";
  return true;
}

std::vector<fs::path> files_below(const fs::path& root) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file() && entry.path().filename() != "usage")
      files.push_back(entry.path());
  }
  return files;
}

// What files take together. Nobody makes or evicts one meanwhile, for that is done under this lock;
// one that is renamed is seen once.
std::uint64_t bytes_below(const fs::path& root) {
  const fs::path folder = root / "cnf-cache-1";
  const local::FileDescriptor locked(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!locked) return 0;  // not made yet
  ::flock(locked.get(), LOCK_EX);
  std::map<::ino_t, std::uint64_t> sizes;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    struct stat status {};
    if (::lstat(at->path().c_str(), &status) == 0 && S_ISREG(status.st_mode)) {
      sizes[status.st_ino] = static_cast<std::uint64_t>(status.st_size);
    }
  }
  std::uint64_t sum = 0;
  for (const auto& [inode, size] : sizes) sum += size;
  return sum;
}

// Longer than a tick of the clock that times of files come from.
void wait_a_tick() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }

TEST(MemoryBlocks, KeepsTheMostRecentlyUsedWithinItsBound) {
  const auto store = make_memory_blocks(5'000);
  for (std::size_t i = 0; i < 4; ++i) put(*store, i, 900);
  EXPECT_TRUE(has(*store, 0, 900));
  put(*store, 4, 900);
  EXPECT_TRUE(has(*store, 0, 900));
  EXPECT_FALSE(has(*store, 1, 900)) << "the least recently used goes";
  EXPECT_TRUE(has(*store, 4, 900));
  put(*store, 5, 5'000);
  EXPECT_FALSE(has(*store, 5, 5'000)) << "larger than all of it";
  EXPECT_TRUE(has(*store, 4, 900));
  store->forget(name_of(4));
  EXPECT_FALSE(has(*store, 4, 900));
}

TEST(DiskBlocks, OutliveTheStore) {
  const testing::TempDir folder;
  put(*make_disk_blocks(folder.path(), 1 << 20), 1, 10'000);
  put(*make_disk_blocks(folder.path(), 1 << 20), 2, 0);
  const auto store = make_disk_blocks(folder.path(), 1 << 20);
  EXPECT_TRUE(has(*store, 1, 10'000));
  EXPECT_TRUE(has(*store, 2, 0));
  EXPECT_FALSE(has(*store, 3, 1));
  store->forget(name_of(1));
  EXPECT_FALSE(has(*store, 1, 10'000));
}

TEST(DiskBlocks, AreForThisUserAlone) {
  const testing::TempDir folder;
  put(*make_disk_blocks(folder.path(), 1 << 20), 1, 100);
  struct stat status {};
  for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
    ASSERT_EQ(::lstat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, entry.is_directory() ? 0700U : 0600U) << entry.path();
  }
  fs::permissions(folder.path() / "cnf-cache-1", fs::perms::others_write, fs::perm_options::add);
  const auto store = make_disk_blocks(folder.path(), 1 << 20);
  EXPECT_FALSE(store->is_usable()) << "others could have put what is read";
  EXPECT_FALSE(has(*store, 1, 100));
}

TEST(DiskBlocks, DamagedFilesAreAbsent) {
  const testing::TempDir folder;
  const auto store = make_disk_blocks(folder.path(), 1 << 20);
  put(*store, 1, 300);
  const auto files = files_below(folder.path());
  ASSERT_EQ(files.size(), 1U);
  const fs::path file = files.front();
  std::string whole;
  {
    std::ifstream in(file, std::ios::binary);
    whole.assign(std::istreambuf_iterator<char>(in), {});
  }
  const auto write = [&](const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  };
  // The four bytes before the content are reserved and say nothing.
  for (std::size_t at = 0; at < whole.size(); ++at) {
    if (at >= 20 && at < 24) continue;
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x10);
    write(flipped);
    EXPECT_FALSE(has(*store, 1, 300)) << "byte " << at << " was flipped";
    EXPECT_FALSE(fs::exists(file)) << "what is damaged is removed";
  }
  for (std::size_t size = 0; size < whole.size(); size += 7) {
    write(whole.substr(0, size));
    EXPECT_FALSE(has(*store, 1, 300)) << "cut to " << size;
  }
  write(whole + "x");
  EXPECT_FALSE(has(*store, 1, 300));
  write(whole);
  EXPECT_TRUE(has(*store, 1, 300));
  // Under another's name, and of another's length.
  put(*store, 2, 300);
  for (const fs::path& other : files_below(folder.path())) {
    if (other != file) fs::copy_file(file, other, fs::copy_options::overwrite_existing);
  }
  EXPECT_FALSE(has(*store, 2, 300));
}

TEST(DiskBlocks, TheLeastRecentlyUsedGo) {
  const testing::TempDir folder;
  constexpr std::size_t kBlocks = 16;
  constexpr std::size_t kSize = 60'000;  // 15 files of 4 KiB each
  const auto store = make_disk_blocks(folder.path(), kBlocks * 61'440);
  for (std::size_t i = 0; i < kBlocks; ++i) put(*store, i, kSize);
  wait_a_tick();
  EXPECT_TRUE(has(*store, 1, kSize));
  wait_a_tick();
  for (std::size_t i = 2; i < kBlocks; ++i) EXPECT_TRUE(has(*store, i, kSize)) << i;
  wait_a_tick();
  EXPECT_TRUE(has(*store, 0, kSize));
  put(*store, kBlocks, kSize);
  EXPECT_TRUE(has(*store, 0, kSize)) << "it was used just now";
  EXPECT_FALSE(has(*store, 1, kSize));
  EXPECT_TRUE(has(*store, kBlocks, kSize));
  EXPECT_LE(bytes_below(folder.path()), kBlocks * 61'440U);
}

TEST(DiskBlocks, WhatAKilledProcessLeftIsCountedAndGoesLater) {
  const testing::TempDir folder;
  const auto store = make_disk_blocks(folder.path(), 100'000);
  put(*store, 1, 40'000);
  const fs::path root = folder.path() / "cnf-cache-1";
  std::ofstream(root / "tmp-new") << std::string(20'000, 'x');
  std::ofstream(root / "tmp-old") << std::string(20'000, 'x');
  fs::last_write_time(root / "tmp-old", fs::file_time_type::clock::now() - std::chrono::hours(1));
  fs::remove(root / "usage");
  put(*store, 2, 40'000);
  EXPECT_TRUE(fs::exists(root / "tmp-new")) << "somebody may be writing it";
  EXPECT_FALSE(fs::exists(root / "tmp-old"));
  EXPECT_TRUE(has(*store, 2, 40'000));
  EXPECT_LE(bytes_below(folder.path()), 100'000U);
}

TEST(DiskBlocks, ASumThatIsNotOursIsNotBelieved) {
  const testing::TempDir folder;
  const auto store = make_disk_blocks(folder.path(), 200'000);
  for (const std::string_view sum : {"", "short", "sixteen bytes...", "more than sixteen bytes"}) {
    std::ofstream(folder.path() / "cnf-cache-1" / "usage", std::ios::trunc) << sum;
    for (std::size_t i = 0; i < 10; ++i) put(*store, i, 30'000);
    EXPECT_LE(bytes_below(folder.path()), 200'000U);
    EXPECT_TRUE(has(*store, 9, 30'000));
  }
}

TEST(DiskBlocks, AFolderThatCannotBeIsNoCache) {
  const testing::TempDir folder;
  std::ofstream(folder.path() / "file") << "not a folder";
  const auto store = make_disk_blocks(folder.path() / "file", 1 << 20);
  EXPECT_FALSE(store->is_usable());
  put(*store, 1, 100);
  EXPECT_FALSE(has(*store, 1, 100));
  store->forget(name_of(1));
}

TEST(DiskBlocks, AFolderThatIsRemovedIsMadeAgain) {
  const testing::TempDir folder;
  const auto store = make_disk_blocks(folder.path(), 1 << 20);
  put(*store, 1, 100);
  fs::remove_all(folder.path() / "cnf-cache-1");
  EXPECT_FALSE(has(*store, 1, 100));
  put(*store, 1, 100);
  EXPECT_TRUE(has(*store, 1, 100));
}

// For as long as it lives, no file may grow beyond some bytes, as on a disk that is full.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t most) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = before_;
    small.rlim_cur = most;
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallFiles() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    static_cast<void>(std::signal(SIGXFSZ, handler_));
  }
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(DiskBlocks, AfterAFailedWriteNothingIsKeptForAWhileAndNothingIsLeft) {
  const testing::TempDir folder;
  const auto store = make_disk_blocks(folder.path(), 1 << 20);
  put(*store, 1, 100);
  {
    const SmallFiles full(1'000);
    put(*store, 2, 100'000);
  }
  EXPECT_FALSE(has(*store, 2, 100'000));
  EXPECT_FALSE(store->is_usable());
  put(*store, 3, 100);
  EXPECT_FALSE(has(*store, 3, 100));
  EXPECT_TRUE(has(*store, 1, 100)) << "what is there can be read";
  EXPECT_EQ(files_below(folder.path()).size(), 1U);
}

// Writes and reads at random, from two threads, for so many steps; false if any byte was wrong.
bool churn(const fs::path& folder, std::uint64_t max_bytes, std::uint64_t seed) {
  const auto store = make_disk_blocks(folder, max_bytes);
  std::atomic<bool> right{true};
  std::vector<std::jthread> threads;
  for (std::uint64_t thread = 0; thread < 2; ++thread) {
    threads.emplace_back([&, thread] {
      std::mt19937_64 random(seed * 2 + thread);
      for (int step = 0; step < 150; ++step) {
        const std::size_t i = random() % 40;
        const std::size_t size = 1'000 + i * 500;
        if (const auto bytes = store->get(name_of(i))) {
          if (as_text(*bytes) != as_text(content_of(i, size))) right = false;
        } else {
          put(*store, i, size);
        }
        if (random() % 20 == 0) store->forget(name_of(random() % 40));
      }
    });
  }
  threads.clear();
  return right;
}

TEST(DiskBlocks, ProcessesShareAFolderWithinItsBound) {
  constexpr std::uint64_t kBound = 200'000;
  const testing::TempDir folder;
  std::vector<pid_t> children;
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) ::_exit(churn(folder.path(), kBound, seed) ? 0 : 1);
    children.push_back(child);
  }
  std::uint64_t most = 0;
  for (std::size_t ended = 0; ended < children.size();) {
    most = std::max(most, bytes_below(folder.path()));
    int status = 0;
    const pid_t child = ::waitpid(-1, &status, WNOHANG);
    if (child <= 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      continue;
    }
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "wrong bytes, or it crashed";
    ++ended;
  }
  EXPECT_LE(most, kBound + 16);  // and the sum itself
  EXPECT_GT(most, kBound / 2) << "else nothing was kept";
}

}  // namespace
}  // namespace cnf::storage
