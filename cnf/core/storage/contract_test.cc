// SPDX-License-Identifier: Apache-2.0
// The contract of cnf/core/storage/storage.h, checked on every backend and wrapper without a
// server.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/limited.h"
#include "cnf/core/storage/local.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/sharding.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/storage/wrappers.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
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

TEST(StorageContract, Limited) {
  LocalFolders folders;
  check_storage("LimitedMemory",
                [] { return limited(make_memory(), {.rate = 1e6, .concurrency = 3}); });
  check_storage("LimitedLocal", [&] { return limited(folders.make(), {.concurrency = 4}); });
}

// What is read through read_only() is written beside it.
class ReadOnlyBeside final : public StorageWrapper {
 public:
  explicit ReadOnlyBeside(const std::shared_ptr<Storage>& inner)
      : StorageWrapper(inner), reads_(read_only(inner)) {}

 private:
  // Makes the do_ members of another store callable.
  class Reads final : public StorageWrapper {
   public:
    explicit Reads(std::shared_ptr<Storage> inner) : StorageWrapper(std::move(inner)) {}
    using StorageWrapper::do_fetch;
    using StorageWrapper::do_list_page;
    using StorageWrapper::do_read;
    using StorageWrapper::do_stat;
  };

  void do_fetch(std::span<const Transfer> transfers, const Context& context,
                const TransferDone& done) const override {
    reads_.do_fetch(transfers, context, done);
  }
  [[nodiscard]] Object do_read(std::string_view key, std::optional<std::uint64_t> tail,
                               std::uint64_t limit, const Context& context) const override {
    return reads_.do_read(key, tail, limit, context);
  }
  [[nodiscard]] ListPage do_list_page(const ListOptions& options, const std::string& token,
                                      const Context& context) const override {
    return reads_.do_list_page(options, token, context);
  }
  [[nodiscard]] std::optional<FileInfo> do_stat(std::string_view key,
                                                const Context& context) const override {
    return reads_.do_stat(key, context);
  }

  Reads reads_;
};

TEST(StorageContract, ReadOnly) {
  LocalFolders folders;
  check_storage("ReadOnlyMemory", [] { return std::make_shared<ReadOnlyBeside>(make_memory()); });
  check_storage("ReadOnlyLocal", [&] { return std::make_shared<ReadOnlyBeside>(folders.make()); });
}

TEST(ReadOnly, EveryChangeIsRefusedAndNothingIsSent) {
  const auto inner = make_memory();
  inner->put("a", as_bytes("bytes"));
  const auto store = read_only(inner);
  const auto accounting = std::make_shared<Accounting>();
  const Context context = Context().with_accounting(accounting);
  const std::vector<std::string> keys{"a"};
  const std::function<void()> changes[] = {
      [&] { (void)store->create("b", {}, context); },
      [&] { store->put("a", as_bytes("x"), {}, context); },
      [&] { store->remove("a", context); },
      [&] { store->remove(keys, context); },
      [&] { store->copy("a", "b", {}, context); },
  };
  for (const auto& change : changes) {
    try {
      change();
      ADD_FAILURE() << "it was done";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::permission_denied);
      EXPECT_THAT(error.what(), ::testing::HasSubstr("opened to be read only"));
    }
  }
  EXPECT_EQ(accounting->snapshot().total_requests(), 0U);
  EXPECT_EQ(as_text(store->read_all("a", 5, context).bytes), "bytes");
  EXPECT_EQ(store->uri("a"), inner->uri("a"));
}

TEST(StorageContract, FaultyWithNoFault) {
  check_storage("Faulty",
                [] { return make_faulty(make_memory(), {.nth = std::uint64_t{1} << 60}).storage; });
}

}  // namespace
}  // namespace cnf::storage
