// SPDX-License-Identifier: Apache-2.0
// One cache folder that several processes use.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cnf/core/storage/cache.h"
#include "cnf/core/storage/local.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/storage_contract_internal.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage {
namespace {

using testing::contract::race;

constexpr std::size_t kBlock = 64'000;

// One process of several that read and now and then replace the objects of one folder through one
// cache. Each version is one letter, so a mixture would show.
int read_and_replace(const std::filesystem::path& data, const std::filesystem::path& cache,
                     unsigned seed) {
  const auto store = cached(open_local(data), {.folder = cache,
                                               .max_bytes = 40 * kBlock,
                                               .block_size = kBlock,
                                               .ttl = std::chrono::milliseconds(5)});
  std::atomic<int> wrong{0};
  race(2, [&](std::size_t thread) {
    std::mt19937 random(seed * 2 + static_cast<unsigned>(thread));
    for (int step = 0; step < 60; ++step) {
      const std::string key = std::to_string(random() % 4);
      if (random() % 8 == 0) {
        const std::string text(6 * kBlock, static_cast<char>('a' + random() % 26));
        store->put(key, as_bytes(text));
        continue;
      }
      Buffer into(3 * kBlock);
      FetchRequest request{.key = key, .offset = random() % (3 * kBlock), .into = into.span()};
      try {
        store->fetch(std::span(&request, 1), {}, {}, {.max_request = kBlock / 2});
      } catch (const Error& error) {
        if (error.code() != Errc::corrupt_data) ++wrong;  // replaced between two requests
        continue;
      }
      const std::string_view text = as_text(into);
      if (text.find_first_not_of(text.front()) != std::string_view::npos) ++wrong;
    }
  });
  return wrong;
}

TEST(Cached, ProcessesNeverReadAMixture) {
  const testing::TempDir data;
  const testing::TempDir cache;
  for (const char* key : {"0", "1", "2", "3"}) {
    open_local(data.path())->put(key, as_bytes(std::string(6 * kBlock, 'A')));
  }
  std::vector<pid_t> children;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      int wrong = 1;
      try {
        wrong = read_and_replace(data.path(), cache.path(), seed);
      } catch (...) {
        wrong = 100;
      }
      ::_exit(std::min(wrong, 100));
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0) << "wrong reads";
  }
}

}  // namespace
}  // namespace cnf::storage
