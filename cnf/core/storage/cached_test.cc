// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/cache.h"
#include "cnf/core/storage/cache_internal.h"
#include "cnf/core/storage/faulty.h"
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
#include "cnf/testing/storage_contract_internal.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage {
namespace {

using testing::contract::pattern;
using testing::contract::race;
using testing::contract::same_bytes;
using testing::contract::throws;

constexpr std::size_t kBlock = 64'000;
constexpr auto kForEver = std::chrono::hours(24);
constexpr auto kNever = std::chrono::milliseconds(0);

// A memory store and caches before it, in memory or on one folder.
class CachedTest : public ::testing::TestWithParam<bool> {
 protected:
  [[nodiscard]] std::shared_ptr<Storage> make(std::chrono::milliseconds ttl = kForEver) const {
    return make_before(inner_, ttl);
  }
  [[nodiscard]] std::shared_ptr<Storage> make_before(std::shared_ptr<Storage> inner,
                                                     std::chrono::milliseconds ttl) const {
    CacheOptions options{.max_bytes = 64 << 20, .block_size = kBlock, .ttl = ttl};
    if (GetParam()) options.folder = folder_.path();
    return cached(std::move(inner), options);
  }

  // What a call sent.
  Usage usage_of(const std::function<void(const Context&)>& call) const {
    const auto accounting = std::make_shared<Accounting>();
    call(Context().with_accounting(accounting));
    return accounting->snapshot();
  }
  static Buffer read(const std::shared_ptr<Storage>& store, std::uint64_t offset, std::size_t size,
                     const Context& context = {}, std::string etag = {}) {
    Buffer into(size);
    FetchRequest request{
        .key = "object", .offset = offset, .into = into.span(), .etag = std::move(etag)};
    store->fetch(std::span(&request, 1), context);
    return into;
  }
  void expect_range(const std::shared_ptr<Storage>& store, const Buffer& object,
                    std::uint64_t offset, std::size_t size, const Context& context = {}) const {
    EXPECT_TRUE(
        same_bytes(read(store, offset, size, context), object.span().subspan(offset, size)));
  }

  testing::TempDir folder_;
  std::shared_ptr<Storage> inner_ = make_memory();
};

std::string where(const ::testing::TestParamInfo<bool>& info) {
  return info.param ? "OnDisk" : "InMemory";
}
INSTANTIATE_TEST_SUITE_P(Both, CachedTest, ::testing::Bool(), where);

TEST_P(CachedTest, WhatWasReadIsNotFetchedAgain) {
  const Buffer object = pattern(10 * kBlock + 77);
  inner_->put("object", object);
  const auto store = make();
  Usage usage = usage_of(
      [&](const Context& context) { expect_range(store, object, 2 * kBlock - 10, 20, context); });
  EXPECT_EQ(usage.count(RequestKind::head), 1U);
  EXPECT_EQ(usage.count(RequestKind::get), 1U) << "two neighbouring blocks are one request";
  EXPECT_EQ(usage.bytes_fetched, 2 * kBlock);
  EXPECT_EQ(usage.bytes_wanted, 20U);
  EXPECT_EQ(usage.cache_hits, 0U);

  usage = usage_of([&](const Context& context) {
    expect_range(store, object, kBlock, 2 * kBlock, context);
    expect_range(store, object, kBlock + 5, 7, context);
  });
  EXPECT_EQ(usage.total_requests(), 0U);
  EXPECT_EQ(usage.cache_hits, 2U);

  usage = usage_of(
      [&](const Context& context) { expect_range(store, object, 0, object.size(), context); });
  EXPECT_EQ(usage.total_requests(), 2U) << "what is before and behind the two blocks";
  EXPECT_EQ(usage.bytes_fetched, object.size() - 2 * kBlock);
  EXPECT_EQ(usage.cache_hits, 0U) << "not all of it was there";

  const auto again = make();  // another process would do the same
  usage = usage_of(
      [&](const Context& context) { expect_range(again, object, 0, object.size(), context); });
  EXPECT_EQ(usage.total_requests(), GetParam() ? 0U : 2U);
}

TEST_P(CachedTest, ManyRangesOfManyObjectsAreFetchedTogether) {
  constexpr std::size_t kObjects = 5;
  std::vector<Buffer> buffers;
  std::vector<FetchRequest> requests;
  for (std::size_t i = 0; i < kObjects; ++i) {
    const std::string key = "object" + std::to_string(i);
    inner_->put(key, pattern(3 * kBlock, i + 1));
    for (const std::size_t offset : {std::size_t{5}, kBlock + 5, 3 * kBlock - 9}) {
      buffers.emplace_back(9);
      requests.push_back({.key = key, .offset = offset, .into = buffers.back().span()});
    }
  }
  const auto store = make();
  Usage usage =
      usage_of([&](const Context& context) { store->fetch(requests, context, {}, {.gap = 1}); });
  EXPECT_EQ(usage.count(RequestKind::head), kObjects);
  EXPECT_EQ(usage.count(RequestKind::get), kObjects) << "three neighbouring blocks of each";
  usage =
      usage_of([&](const Context& context) { store->fetch(requests, context, {}, {.gap = 1}); });
  EXPECT_EQ(usage.total_requests(), 0U);
  EXPECT_EQ(usage.cache_hits, requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_TRUE(same_bytes(buffers[i],
                           pattern(3 * kBlock, i / 3 + 1).span().subspan(requests[i].offset, 9)));
  }
}

TEST_P(CachedTest, WholeObjectsAndTails) {
  const Buffer object = pattern(3 * kBlock + 5);
  inner_->put("object", object);
  const auto store = make();
  Usage usage = usage_of([&](const Context& context) {
    EXPECT_TRUE(
        same_bytes(store->read_tail("object", 100, context).bytes, object.span().last(100)));
  });
  EXPECT_EQ(usage.total_requests(), 1U);
  EXPECT_EQ(usage.bytes_fetched, 100 + kBlock) << "so that the block it begins in is whole";
  usage = usage_of([&](const Context& context) {
    const Object tail = store->read_tail("object", 50, context);
    EXPECT_TRUE(same_bytes(tail.bytes, object.span().last(50)));
    EXPECT_EQ(tail.info.size, object.size());
    EXPECT_EQ(tail.info.etag, inner_->stat("object").etag);
  });
  EXPECT_EQ(usage.total_requests(), 0U);
  EXPECT_EQ(usage.cache_hits, 1U);

  usage = usage_of([&](const Context& context) {
    EXPECT_TRUE(same_bytes(store->read_all("object", object.size(), context).bytes, object));
  });
  EXPECT_EQ(usage.total_requests(), 1U);
  EXPECT_EQ(usage.bytes_fetched, 2 * kBlock) << "the others are there";
  EXPECT_TRUE(
      throws(Errc::corrupt_data, [&] { (void)store->read_all("object", object.size() - 1); }));

  inner_->put("other", object);
  for (const std::uint64_t requests : {1U, 0U}) {
    usage = usage_of([&](const Context& context) {
      EXPECT_TRUE(same_bytes(store->read_all("other", object.size(), context).bytes, object));
    });
    EXPECT_EQ(usage.total_requests(), requests);
  }
}

TEST_P(CachedTest, WithoutTimeToLiveTheStoreIsAskedEachTime) {
  const Buffer object = pattern(100);
  const FileInfo info = inner_->put("object", object);
  const auto store = make(kNever);
  for (const std::uint64_t gets : {1U, 0U, 0U}) {
    const Usage usage =
        usage_of([&](const Context& context) { expect_range(store, object, 10, 20, context); });
    EXPECT_EQ(usage.count(RequestKind::head), 1U);
    EXPECT_EQ(usage.count(RequestKind::get), gets);
  }
  const Usage named = usage_of([&](const Context& context) {
    EXPECT_TRUE(same_bytes(read(store, 10, 20, context, info.etag), object.span().subspan(10, 20)));
  });
  EXPECT_EQ(named.total_requests(), 0U) << "the version is named, so there is nothing to ask";
}

TEST_P(CachedTest, AnObjectThatOthersReplaceIsReadWhole) {
  const Buffer before = pattern(4 * kBlock, 1);
  const Buffer after = pattern(4 * kBlock, 2);
  inner_->put("object", before);
  const auto store = make();
  expect_range(store, before, 0, 10);
  inner_->put("object", after);
  expect_range(store, before, 5, 10);  // within the time to live

  // Part of it is there, part must be fetched: then it is seen that the version is gone.
  Buffer into[] = {Buffer(10), Buffer(10), Buffer(2 * kBlock)};
  FetchRequest requests[] = {{.key = "object", .offset = 20, .into = into[0].span()},
                             {.key = "object", .offset = 3 * kBlock, .into = into[1].span()},
                             {.key = "object", .offset = 50, .into = into[2].span()}};
  std::vector<int> told(3);
  store->fetch(requests, {}, [&](std::size_t i) { ++told[i]; }, {.gap = 1, .max_request = 20'000});
  EXPECT_EQ(told, (std::vector<int>{1, 1, 1}));
  for (const FetchRequest& request : requests) {
    EXPECT_TRUE(
        same_bytes(request.into, after.span().subspan(request.offset, request.into.size())));
  }
  expect_range(store, after, 5, 10);
}

TEST_P(CachedTest, AnObjectThatGrewIsReadToItsNewEnd) {
  inner_->put("object", pattern(100, 1));
  const auto store = make();
  expect_range(store, pattern(100, 1), 0, 100);
  const Buffer longer = pattern(200, 2);
  inner_->put("object", longer);
  expect_range(store, longer, 150, 50);
  inner_->remove("object");
  EXPECT_TRUE(throws(Errc::not_found, [&] { read(store, 0, 201); }))
      << "past the end that is known, the store is asked";
}

TEST_P(CachedTest, OwnChangesAreSeenAtOnce) {
  const auto store = make();
  const auto other = make();  // of the same folder
  const auto expect = [&](const std::shared_ptr<Storage>& reader, std::string_view text) {
    EXPECT_EQ(as_text(read(reader, 0, text.size())), text);
    EXPECT_EQ(as_text(reader->read_all("object", 100).bytes), text);
    EXPECT_EQ(as_text(reader->read_tail("object", 100).bytes), text);
  };
  for (const std::string_view text : {"first", "second", "3rd"}) {
    store->put("object", as_bytes(text));
    expect(store, text);
    if (GetParam()) expect(other, text);
  }
  store->put("source", as_bytes("copied"));
  store->copy("source", "object");
  expect(store, "copied");
  store->remove("object");
  EXPECT_TRUE(throws(Errc::not_found, [&] { read(store, 0, 1); }));
  EXPECT_TRUE(throws(Errc::not_found, [&] { (void)store->read_all("object", 100); }));
}

// Whoever reads, changes and writes again must read anew after a write that came too late.
TEST_P(CachedTest, ARefusedWriteForgetsWhatWasBelieved) {
  const auto store = make();
  const FileInfo first = store->put("object", as_bytes("first"));
  EXPECT_EQ(store->read_all("object", 100).info.etag, first.etag);
  const FileInfo second = inner_->put("object", as_bytes("second"));
  EXPECT_EQ(store->read_all("object", 100).info.etag, first.etag) << "within the time to live";
  EXPECT_TRUE(throws(Errc::precondition_failed, [&] {
    store->put("object", as_bytes("third"), {.condition = Condition::if_match(first.etag)});
  }));
  EXPECT_EQ(store->read_all("object", 100).info.etag, second.etag);
}

TEST_P(CachedTest, PresentStateIsNeverKept) {
  const auto store = make();
  for (const std::string key :
       {"_metadata.json", "a/zarr.json", "a/.zarray", "__cnf/journal", "a/_delta/0"}) {
    inner_->put(key, as_bytes("1"));
    for (const std::string_view now : {"1", "2", "3"}) {
      inner_->put(key, as_bytes(now));
      EXPECT_EQ(as_text(store->read_all(key, 100).bytes), now) << key;
      EXPECT_EQ(as_text(store->read_tail(key, 100).bytes), now) << key;
      Buffer into(1);
      store->open(key)->read_at(0, into.span());
      EXPECT_EQ(as_text(into), now) << key;
    }
  }
}

TEST(IsNeverCached, LooksAtEverySegment) {
  for (const std::string_view key : {"_a", ".a", "a/_b", "a/.b/c", "a.json", "a/b.json"}) {
    EXPECT_TRUE(is_never_cached(key)) << key;
  }
  for (const std::string_view key : {"a", "a_b", "a.b", "a/b_c.d", "a/json", "c/0/0/1"}) {
    EXPECT_FALSE(is_never_cached(key)) << key;
  }
}

// A store without ETags, or with weak ones.
class WithEtag final : public StorageWrapper {
 public:
  WithEtag(std::shared_ptr<Storage> inner, std::string etag)
      : StorageWrapper(std::move(inner)), etag_(std::move(etag)) {}

 private:
  [[nodiscard]] Object do_read(std::string_view key, std::optional<std::uint64_t> tail,
                               std::uint64_t limit, const Context& context) const override {
    Object object = StorageWrapper::do_read(key, tail, limit, context);
    object.info.etag = etag_;
    return object;
  }
  [[nodiscard]] std::optional<FileInfo> do_stat(std::string_view key,
                                                const Context& context) const override {
    auto info = StorageWrapper::do_stat(key, context);
    if (info) info->etag = etag_;
    return info;
  }
  std::string etag_;
};

TEST_P(CachedTest, WithoutAStrongEtagNothingIsKept) {
  for (const char* etag : {"", "W/\"1\""}) {
    const auto store = make_before(std::make_shared<WithEtag>(inner_, etag), kForEver);
    for (const std::string_view now : {"one", "two"}) {
      inner_->put("object", as_bytes(now));
      EXPECT_EQ(as_text(read(store, 0, 3)), now);
      EXPECT_EQ(as_text(store->read_all("object", 100).bytes), now);
      EXPECT_EQ(as_text(store->read_tail("object", 2).bytes), now.substr(1));
    }
  }
}

TEST_P(CachedTest, StoresOfOneNameDoNotMix) {
  const auto first = make_memory("name");
  const auto second = make_memory("name");
  first->put("object", as_bytes("first"));
  second->put("object", as_bytes("other"));
  EXPECT_EQ(first->stat("object").etag, second->stat("object").etag) << "as the test wants it";
  EXPECT_EQ(as_text(read(make_before(first, kForEver), 0, 5)), "first");
  EXPECT_EQ(as_text(read(make_before(second, kForEver), 0, 5)), "other");
  EXPECT_NE(prefixed(first, "a")->identity(), first->identity());
  EXPECT_NE(sharded(first, HashSharding(4))->identity(),
            sharded(first, HashSharding(8))->identity());
}

TEST(Cached, AFolderIsTheSameStoreHoweverItIsNamed) {
  const testing::TempDir folder;
  const auto parent = open_local(folder.path());
  EXPECT_EQ(prefixed(parent, "a")->identity(), open_local(folder.path() / "a")->identity());
}

TEST_P(CachedTest, SeveralThreadsFetchABlockOnce) {
  const Buffer object = pattern(20 * kBlock);
  inner_->put("object", object);
  const auto store = make();
  (void)store->stat("object");  // else each thread asks for itself
  const Usage usage = usage_of([&](const Context& context) {
    race(8, [&](std::size_t thread) {
      for (std::size_t i = 0; i < 20; ++i) {
        const std::size_t offset = (i + thread * 3) % 20 * kBlock;
        if (!same_bytes(read(store, offset, kBlock, context),
                        object.span().subspan(offset, kBlock))) {
          throw std::runtime_error("wrong bytes");
        }
      }
    });
  });
  EXPECT_EQ(usage.total_requests(), 20U);
  EXPECT_EQ(usage.bytes_fetched, object.size());
  EXPECT_EQ(usage.cache_hits, 8U * 20U - 20U);
}

TEST_P(CachedTest, WhoWaitsForOneThatFailsFetchesByItself) {
  const Buffer object = pattern(10);
  inner_->put("object", object);
  const Faulty faulty = make_faulty(
      inner_, {.nth = 2, .persistence = FaultPlan::Persistence::once, .code = Errc::unavailable});
  const auto store = make_before(faulty.storage, kForEver);
  (void)store->stat("object");
  std::atomic<int> failed{0};
  race(8, [&](std::size_t) {
    try {
      if (!same_bytes(read(store, 0, 10), object)) throw std::runtime_error("wrong bytes");
    } catch (const Error&) {
      ++failed;
    }
  });
  EXPECT_EQ(failed, 1) << "the fault was planned for one";
}

TEST_P(CachedTest, FaultsAreToldAndNeverKept) {
  const Buffer object = pattern(5 * kBlock);
  inner_->put("object", object);
  for (const auto kind : {FaultPlan::Kind::fail, FaultPlan::Kind::truncate}) {
    for (std::uint64_t nth = 1; nth < 6; ++nth) {
      const Faulty faulty = make_faulty(
          inner_, {.kind = kind, .nth = nth, .persistence = FaultPlan::Persistence::once});
      const auto store = make_before(faulty.storage, kNever);
      for (int round = 0; round < 4; ++round) {
        try {
          expect_range(store, object, static_cast<std::size_t>(round) * kBlock, kBlock + 1);
        } catch (const Error&) {
          EXPECT_GE(*faulty.calls, nth);
        }
      }
    }
  }
}

TEST_P(CachedTest, AStopEndsTheWaitForAnother) {
  inner_->put("object", pattern(10));
  const Faulty slow = make_faulty(
      inner_,
      {.kind = FaultPlan::Kind::delay, .nth = 2, .delay = std::chrono::milliseconds(60'000)});
  const auto store = make_before(slow.storage, kForEver);
  (void)store->stat("object");
  std::stop_source stop;
  race(3, [&](std::size_t thread) {
    if (thread == 0) {
      while (*slow.calls < 2) std::this_thread::yield();
      stop.request_stop();
      return;
    }
    const auto stopped =
        throws(Errc::cancelled, [&] { read(store, 0, 10, Context(stop.get_token())); });
    if (!stopped) throw std::runtime_error(stopped.message());
  });
}

TEST_P(CachedTest, TooSmallACacheKeepsNothingAndReadsRight) {
  const Buffer object = pattern(5 * kBlock);
  inner_->put("object", object);
  CacheOptions options{.max_bytes = 100, .block_size = kBlock};
  if (GetParam()) options.folder = folder_.path();
  const auto store = cached(inner_, options);
  for (int round = 0; round < 2; ++round) expect_range(store, object, 0, object.size());
}

TEST(Cached, WithoutAUsableFolderReadsGoOn) {
  const testing::TempDir folder;
  std::ofstream(folder.path() / "file") << "not a folder";
  const auto inner = make_memory();
  inner->put("object", as_bytes("bytes"));
  const auto store = cached(inner, {.folder = folder.path() / "file"});
  const auto accounting = std::make_shared<Accounting>();
  for (int round = 0; round < 2; ++round) {
    Buffer into(5);
    FetchRequest request{.key = "object", .into = into.span()};
    store->fetch(std::span(&request, 1), Context().with_accounting(accounting));
    EXPECT_EQ(as_text(into), "bytes");
    EXPECT_EQ(as_text(store->read_all("object", 5).bytes), "bytes");
  }
  EXPECT_EQ(accounting->snapshot().count(RequestKind::get), 2U);
  EXPECT_EQ(accounting->snapshot().total_requests(), 2U) << "no question that helps nobody";
}

TEST(Cached, DamagedFilesCostRequestsOnly) {
  const testing::TempDir folder;
  const auto inner = make_memory();
  const Buffer object = pattern(3 * kBlock);
  inner->put("object", object);
  const CacheOptions options{.folder = folder.path(), .block_size = kBlock};
  Buffer into(object.size());
  FetchRequest request{.key = "object", .into = into.span()};
  for (int round = 0; round < 3; ++round) {
    const auto accounting = std::make_shared<Accounting>();
    cached(inner, options)->fetch(std::span(&request, 1), Context().with_accounting(accounting));
    EXPECT_TRUE(same_bytes(into, object));
    EXPECT_EQ(accounting->snapshot().bytes_fetched, object.size());
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
      if (!entry.is_regular_file() || entry.file_size() == 0) continue;
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(static_cast<std::streamoff>(entry.file_size() / 2));
      file.put('\x7f').put('\x00').put('\x7f');
    }
  }
}

TEST(Cached, ABlockSizeThatIsNoneIsRefused) {
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{100}, std::uint64_t{1} << 40}) {
    EXPECT_TRUE(
        throws(Errc::invalid_argument, [&] { (void)cached(make_memory(), {.block_size = size}); }));
  }
}

TEST_P(CachedTest, KeepsTheContract) {
  testing::check_storage("CachedMemory", [&] { return make_before(make_memory(), kForEver); },
                         {"requests and bytes are counted"});
  int made = 0;
  testing::check_storage(
      "CachedLocal",
      [&] {
        Options options;
        options.durability = Options::Durability::none;
        return make_before(open_local(folder_.path() / std::to_string(made++), options), kForEver);
      },
      {"requests and bytes are counted"});
}

}  // namespace
}  // namespace cnf::storage
