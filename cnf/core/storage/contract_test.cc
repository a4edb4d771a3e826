// SPDX-License-Identifier: Apache-2.0
// The contract of cnf/core/storage/storage.h, checked on every backend and wrapper without a
// server.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/local.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/sharding.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/testing/storage_contract.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage {
namespace {

using testing::check_storage;

// Stores in folders of one temporary folder. fsync is left out: it changes no answer, and what it
// promises, no test can see.
class LocalFolders {
 public:
  std::shared_ptr<Storage> make() {
    Options options;
    options.durability = Options::Durability::none;
    return open_local(root_.path() / std::to_string(made_++), options);
  }

 private:
  testing::TempDir root_;
  int made_ = 0;
};

TEST(StorageContract, Memory) {
  check_storage("Memory", [] { return make_memory(); });
}

TEST(StorageContract, Local) {
  LocalFolders folders;
  check_storage("Local", [&] { return folders.make(); });
}

TEST(StorageContract, DurableLocal) {
  testing::TempDir root;
  int made = 0;
  // A folder of its own for each, two levels below what is there.
  check_storage("DurableLocal",
                [&] { return open_local(root.path() / "new" / std::to_string(made++)); });
}

TEST(StorageContract, Prefixed) {
  check_storage("Prefixed", [] { return prefixed(make_memory(), "a/pre fix"); });
}

// Neighbours of the prefix must not be seen through it.
TEST(StorageContract, PrefixedAmongOthers) {
  check_storage("PrefixedAmongOthers", [] {
    const std::shared_ptr<Storage> inner = make_memory();
    for (const char* key : {"p", "p-", "p0", "o/x", "q/x"}) inner->put(key, {});
    return prefixed(inner, "p");
  });
}

TEST(StorageContract, PrefixedLocal) {
  LocalFolders folders;
  check_storage("PrefixedLocal", [&] { return prefixed(folders.make(), "deep/er"); });
}

TEST(StorageContract, ShardedMemory) {
  for (const int bits : {4, 5, 8}) {
    check_storage("ShardedMemory" + std::to_string(bits),
                  [&] { return sharded(make_memory(), HashSharding(bits)); });
  }
}

TEST(StorageContract, ShardedLocal) {
  LocalFolders folders;
  check_storage("ShardedLocal", [&] { return sharded(folders.make(), HashSharding(6)); });
}

TEST(StorageContract, FaultyWithNoFault) {
  check_storage("Faulty",
                [] { return make_faulty(make_memory(), {.nth = std::uint64_t{1} << 60}).storage; });
}

}  // namespace
}  // namespace cnf::storage
