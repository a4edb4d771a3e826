// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/chunk/coordinator.h"

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/faulty.h"
#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::chunk {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

std::vector<std::string> keys_in(const std::shared_ptr<storage::Storage>& store) {
  std::vector<std::string> keys;
  for (const storage::FileInfo& info : store->list()) keys.push_back(info.key);
  return keys;
}

template <typename Call>
Errc code_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::internal;
}

TEST(ChunkPath, SortsByNumber) {
  EXPECT_EQ(chunk_path(42, "0a1b"), "data/00042-0a1b.chunk");
  EXPECT_EQ(chunk_path(1'234'567, "x"), "data/1234567-x.chunk");
}

TEST(Coordinator, WritesNamedAndChecksummedChunks) {
  const auto store = storage::make_memory();
  Coordinator coordinator(store, 7, {});
  EXPECT_THAT(coordinator.id(), MatchesRegex("[0-9a-f]{16}"));
  EXPECT_EQ(coordinator.number(), 7U);
  coordinator.write(as_bytes("alpha "));
  EXPECT_EQ(coordinator.offset(), 6U);
  coordinator.write({});
  coordinator.write(as_bytes("beta"));
  EXPECT_EQ(coordinator.offset(), 10U);
  EXPECT_THAT(keys_in(store), IsEmpty()) << "nothing is visible before the chunk is finished";
  coordinator.finish_chunk();
  EXPECT_EQ(coordinator.number(), 8U);
  EXPECT_EQ(coordinator.offset(), 0U);
  coordinator.finish_chunk();  // no chunk is open
  coordinator.write(as_bytes("gamma"));
  coordinator.finish_chunk();

  EXPECT_THAT(keys_in(store),
              ElementsAre(chunk_path(7, coordinator.id()), chunk_path(8, coordinator.id())));
  ASSERT_EQ(coordinator.written().size(), 2U);
  for (const WrittenChunk& chunk : coordinator.written()) {
    const auto object = store->read_all(chunk_path(chunk.number, coordinator.id()), 100);
    EXPECT_EQ(chunk.length, object.bytes.size());
    EXPECT_EQ(chunk.crc32c, crc32c(object.bytes));
  }
  EXPECT_EQ(as_text(store->read_all(chunk_path(7, coordinator.id()), 100).bytes), "alpha beta");
}

TEST(Coordinator, NoTwoSessionsShareNames) {
  const auto store = storage::make_memory();
  EXPECT_NE(Coordinator(store, 0, {}).id(), Coordinator(store, 0, {}).id());
}

TEST(Coordinator, AnOpenChunkVanishesWithItsCoordinator) {
  const auto store = storage::make_memory();
  Coordinator(store, 0, {}).write(as_bytes("lost"));
  EXPECT_THAT(keys_in(store), IsEmpty());
}

TEST(Coordinator, AbortLeavesNothing) {
  const auto store = storage::make_memory();
  const std::stop_source stop;
  Coordinator coordinator(store, 0, Context(stop.get_token()));
  coordinator.write(as_bytes("one"));
  coordinator.finish_chunk();
  coordinator.write(as_bytes("two"));
  stop.request_stop();  // as Ctrl-C does, before the session is given up
  coordinator.abort();
  EXPECT_THAT(keys_in(store), IsEmpty());
  EXPECT_THAT(coordinator.written(), IsEmpty());
}

TEST(Coordinator, StopsWhenItIsTold) {
  const auto store = storage::make_memory();
  const std::stop_source stop;
  Coordinator coordinator(store, 0, Context(stop.get_token()));
  coordinator.write(as_bytes("one"));
  stop.request_stop();
  EXPECT_EQ(code_of([&] { coordinator.finish_chunk(); }), Errc::cancelled);
  EXPECT_EQ(code_of([&] { coordinator.write(as_bytes("two")); }), Errc::cancelled);
  EXPECT_THAT(keys_in(store), IsEmpty());
}

// Whichever call of the store fails, a chunk that is listed is whole.
TEST(Coordinator, FailuresAtEveryCall) {
  for (std::uint64_t nth = 1;; ++nth) {
    const auto store = storage::make_memory();
    const auto faulty = storage::make_faulty(
        store, {.nth = nth, .persistence = storage::FaultPlan::Persistence::once});
    Coordinator coordinator(faulty.storage, 0, {});
    bool failed = false;
    for (const std::string text : {"first chunk", "second chunk", "third chunk"}) {
      try {
        coordinator.write(as_bytes(text));
        coordinator.finish_chunk();
      } catch (const Error& error) {
        failed = true;
        EXPECT_EQ(error.code(), Errc::unavailable);
        EXPECT_EQ(coordinator.offset(), 0U) << "the chunk is given up";
        coordinator.write(as_bytes(text));  // and can be written anew
        coordinator.finish_chunk();
      }
    }
    ASSERT_EQ(coordinator.written().size(), 3U);
    for (const WrittenChunk& chunk : coordinator.written()) {
      const auto object = store->read_all(chunk_path(chunk.number, coordinator.id()), 100);
      EXPECT_EQ(chunk.crc32c, crc32c(object.bytes));
    }
    if (!failed) break;  // the fault would be met by abort(), which then leaves orphans
    coordinator.abort();
    EXPECT_THAT(keys_in(store), IsEmpty()) << "fault at call " << nth;
  }
}

}  // namespace
}  // namespace cnf::chunk
