// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/faulty.h"

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/local.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/temp_dir.h"

namespace cnf::storage {
namespace {

using Kind = FaultPlan::Kind;
using Persistence = FaultPlan::Persistence;

std::vector<std::string> keys_of(const std::shared_ptr<Storage>& store) {
  std::vector<std::string> keys;
  for (const FileInfo& info : store->list()) keys.push_back(info.key);
  return keys;
}

TEST(Faulty, CountsEveryCall) {
  const auto inner = make_memory();
  const Faulty faulty = make_faulty(inner, {.nth = 1'000});
  const auto counts = [&](std::uint64_t calls, const auto& call) {
    const std::uint64_t before = *faulty.calls;
    call();
    EXPECT_EQ(*faulty.calls - before, calls);
  };
  const std::shared_ptr<Storage>& store = faulty.storage;
  counts(2, [&] { store->put("a", as_bytes("0123456789")); });  // write, commit
  counts(0, [&] { (void)store->create("b"); });
  counts(1, [&] { (void)store->read_all("a", 10); });
  counts(1, [&] { (void)store->read_tail("a", 1); });
  counts(1, [&] { (void)store->exists("a"); });
  counts(1, [&] { store->copy("a", "b"); });
  counts(1, [&] { (void)keys_of(store); });
  counts(1, [&] { store->remove(std::vector<std::string>{"b", "c"}); });
  Buffer into(10);
  FetchRequest request{"a", 0, into.span()};
  counts(4, [&] { store->fetch(std::span(&request, 1), {}, {}, {.max_request = 3}); });
}

TEST(Faulty, OnceOrEverAfter) {
  for (const Persistence persistence : {Persistence::once, Persistence::ever_after}) {
    const Faulty faulty = make_faulty(make_memory(), {.nth = 2, .persistence = persistence});
    EXPECT_NO_THROW((void)faulty.storage->exists("a"));
    EXPECT_THROW((void)faulty.storage->exists("a"), Error);
    bool failed = false;
    try {
      (void)faulty.storage->exists("a");
    } catch (const Error& error) {
      failed = error.code() == Errc::unavailable;
    }
    EXPECT_EQ(failed, persistence == Persistence::ever_after);
  }
}

TEST(Faulty, CorruptFlipsOneBitOfOneRead) {
  const auto inner = make_memory();
  const Buffer zeros = [] {
    Buffer bytes(1'000);
    for (std::byte& byte : bytes.span()) byte = {};
    return bytes;
  }();
  inner->put("a", zeros);
  const auto ones = [](ByteSpan bytes) {
    int count = 0;
    for (const std::byte byte : bytes) count += std::popcount(std::to_integer<unsigned>(byte));
    return count;
  };
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto faulty = [&] {
      return make_faulty(inner,
                         {.kind = Kind::corrupt, .persistence = Persistence::once, .seed = seed})
          .storage;
    };
    const Buffer whole = faulty()->read_all("a", 1'000).bytes;
    EXPECT_EQ(ones(whole), 1) << seed;
    Buffer into(30);
    FetchRequest requests[] = {{"a", 0, into.span().first(10)},
                               {"a", 15, into.span().subspan(10, 10)},
                               {"a", 500'000'000, {}},
                               {"a", 25, into.span().last(10)}};
    faulty()->fetch(requests, {}, {}, {.gap = 10});
    EXPECT_EQ(ones(into), 1) << seed;
  }
}

TEST(Faulty, TruncateIsAShortBody) {
  const auto inner = make_memory();
  inner->put("a", as_bytes("0123456789"));
  const FaultPlan plan{.kind = Kind::truncate};
  Buffer into(5);
  for (const auto& read : std::vector<std::function<void(Storage&)>>{
           [](Storage& store) { (void)store.read_all("a", 10); },
           [](Storage& store) { (void)store.read_tail("a", 3); },
           [&](Storage& store) { store.open("a")->read_at(2, into.span()); }}) {
    try {
      read(*make_faulty(inner, plan).storage);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Errc::corrupt_data) << error.what();
    }
  }
}

TEST(Faulty, ALostAnswerHidesWhatWasDone) {
  for (const std::uint64_t seed : {0U, 1U}) {
    const auto inner = make_memory();
    const bool landed = seed == 1;
    const auto fails = [&](const auto& call) {
      const Faulty faulty = make_faulty(inner, {.seed = seed});
      EXPECT_THROW(call(*faulty.storage), Error);
    };
    fails([](Storage& store) { store.create("committed")->commit(); });
    EXPECT_EQ(inner->exists("committed"), landed);
    inner->put("source", {});
    fails([](Storage& store) { store.copy("source", "copied"); });
    EXPECT_EQ(inner->exists("copied"), landed);
    fails([](Storage& store) { store.remove("source"); });
    EXPECT_EQ(inner->exists("source"), !landed);
  }
}

TEST(Faulty, ADelayEndsWithTheContext) {
  const auto inner = make_memory();
  inner->put("a", {});
  const FaultPlan plan{.kind = Kind::delay, .delay = std::chrono::hours(24)};
  std::stop_source stopped;
  stopped.request_stop();
  const Context soon =
      Context().with_deadline(Context::Clock::now() + std::chrono::milliseconds(5));
  EXPECT_THROW((void)make_faulty(inner, plan).storage->exists("a", soon), Error);
  const FaultPlan brief{.kind = Kind::delay, .delay = std::chrono::milliseconds(1)};
  EXPECT_TRUE(make_faulty(inner, brief).storage->exists("a"));
}

// SQLite's way: the N-th call fails, N = 1, 2, … until a run meets no fault. After each run the
// object is the new one or the old one, whole; and if the writer said so, it is the new one.
void check_replacing(const std::function<std::shared_ptr<Storage>()>& make, FaultPlan plan) {
  bool met = true;
  for (plan.nth = 1; met; ++plan.nth) {
    SCOPED_TRACE("fault at call " + std::to_string(plan.nth) + ", seed " +
                 std::to_string(plan.seed));
    ASSERT_LT(plan.nth, 100U) << "every run met a fault";
    const std::shared_ptr<Storage> inner = make();
    const std::string old_text(1'000, 'o');
    const std::string new_text(300'000, 'n');
    inner->put("folder/object", as_bytes(old_text));
    const Faulty faulty = make_faulty(inner, plan);
    bool committed = false;
    try {
      const FileInfo before = faulty.storage->stat("folder/object");
      const std::unique_ptr<Writer> writer =
          faulty.storage->create("folder/object", {.condition = Condition::if_match(before.etag)});
      for (std::size_t at = 0; at < new_text.size(); at += 100'000) {
        writer->write(as_bytes(std::string_view(new_text).substr(at, 100'000)));
      }
      writer->commit();
      committed = true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), plan.code) << error.what();
    }
    met = *faulty.calls >= plan.nth;
    EXPECT_NE(committed, met);
    const Buffer now = inner->read_all("folder/object", 1'000'000).bytes;
    EXPECT_TRUE(as_text(now) == new_text || (!committed && as_text(now) == old_text));
    EXPECT_EQ(keys_of(inner), std::vector<std::string>{"folder/object"});
  }
  EXPECT_EQ(plan.nth, 7U) << "stat, three writes, commit, and a run without fault";
}

TEST(Faulty, AWriterCommitsAllOrNothing) {
  const testing::TempDir root;
  int made = 0;
  for (const std::uint64_t seed : {0U, 1U}) {
    for (const Persistence persistence : {Persistence::once, Persistence::ever_after}) {
      const FaultPlan plan{.persistence = persistence, .code = Errc::out_of_space, .seed = seed};
      check_replacing([] { return make_memory(); }, plan);
      check_replacing([&] { return open_local(root.path() / std::to_string(made++)); }, plan);
    }
  }
}

// A caller that swallows the error of one write must not commit an object without those bytes.
TEST(Faulty, AWriterThatMissedBytesNeverCommits) {
  const auto inner = make_memory();
  const Faulty faulty = make_faulty(inner, {.nth = 2, .persistence = Persistence::once});
  const std::unique_ptr<Writer> writer = faulty.storage->create("object");
  writer->write(as_bytes("first"));
  EXPECT_THROW(writer->write(as_bytes("lost")), Error);
  const auto code_of = [](const auto& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.code();
    }
    return Errc::internal;
  };
  EXPECT_EQ(code_of([&] { writer->write(as_bytes("more")); }), Errc::invalid_argument);
  EXPECT_EQ(code_of([&] { writer->commit(); }), Errc::invalid_argument);
  EXPECT_FALSE(inner->exists("object"));
}

// A reader under faults gives the right bytes or an error, and says which range failed.
TEST(Faulty, AReaderGivesAllOrAnError) {
  const auto inner = make_memory();
  Buffer bytes(10'000);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes.data()[i] = static_cast<std::byte>(i % 251);
  inner->put("object", bytes);
  for (const Kind kind : {Kind::fail, Kind::truncate}) {
    bool met = true;
    for (FaultPlan plan{.kind = kind, .persistence = Persistence::once}; met; ++plan.nth) {
      ASSERT_LT(plan.nth, 100U);
      const Faulty faulty = make_faulty(inner, plan);
      std::vector<Buffer> buffers;
      std::vector<FetchRequest> requests;
      for (std::size_t i = 0; i < 5; ++i) {
        buffers.emplace_back(1'500);
        requests.push_back({"object", i * 2'000, buffers.back().span()});
      }
      std::optional<Error> thrown;
      try {
        faulty.storage->fetch(requests, {}, {}, {.gap = 1, .max_request = 1'000});
      } catch (const Error& error) {
        thrown = error;
      }
      met = *faulty.calls >= plan.nth;
      EXPECT_EQ(thrown.has_value(), met);
      std::size_t failed = 0;
      for (const FetchRequest& request : requests) {
        if (request.error) {
          ++failed;
          continue;
        }
        for (std::size_t i = 0; i < request.into.size(); ++i) {
          ASSERT_EQ(request.into[i], static_cast<std::byte>((request.offset + i) % 251));
        }
      }
      EXPECT_EQ(failed, met ? 1U : 0U) << "only the range whose transfer failed";
    }
  }
}

}  // namespace
}  // namespace cnf::storage
