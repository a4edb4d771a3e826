// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/buffer.h"

#include <cstddef>
#include <limits>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace cnf {
namespace {

TEST(Buffer, KeepsItsBytesWhenItGrows) {
  Buffer buffer;
  std::string want;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece = std::to_string(i);
    buffer.append(as_bytes(piece));
    want += piece;
  }
  EXPECT_EQ(as_text(buffer), want);
  buffer.reserve(want.size() * 4);
  EXPECT_EQ(as_text(buffer), want);
  buffer.resize(4);
  EXPECT_EQ(as_text(buffer), "0123");
}

TEST(Buffer, AppendsMoveEachByteABoundedNumberOfTimes) {
  Buffer buffer;
  int moves = 0;
  const std::byte* before = nullptr;
  for (int i = 0; i < 100'000; ++i) {
    buffer.append(as_bytes("x"));
    moves += std::exchange(before, buffer.data()) != buffer.data() ? 1 : 0;
  }
  EXPECT_LT(moves, 40);  // log of 100,000 to the base of 1.5, and some
}

TEST(Buffer, ASizeIsAllocatedExactly) {
  EXPECT_EQ(Buffer(1000).capacity(), 1000U);
  EXPECT_EQ(Buffer::copy_of(as_bytes("abc")).capacity(), 3U);
}

TEST(Buffer, ExtendGivesRoomBehindWhatIsThere) {
  Buffer buffer = Buffer::copy_of(as_bytes("ab"));
  const MutableByteSpan room = buffer.extend(2);
  ASSERT_EQ(room.size(), 2U);
  room[0] = std::byte{'c'};
  room[1] = std::byte{'d'};
  EXPECT_EQ(as_text(buffer), "abcd");
}

TEST(Buffer, AMovedFromBufferIsEmptyAndUsable) {
  Buffer from = Buffer::copy_of(as_bytes("abc"));
  Buffer to = std::move(from);
  EXPECT_EQ(as_text(to), "abc");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): this is what is promised
  EXPECT_EQ(from.capacity(), 0U);
  from.append(as_bytes("d"));
  to = std::move(from);
  EXPECT_EQ(as_text(to), "d");
}

TEST(Buffer, NothingIsFine) {
  Buffer buffer = Buffer::copy_of({});
  buffer.append({});
  EXPECT_TRUE(buffer.extend(0).empty());
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(as_text(buffer), "");
}

TEST(Buffer, AnImpossibleSizeIsBadAlloc) {
  Buffer buffer = Buffer::copy_of(as_bytes("abc"));
  EXPECT_THROW((void)buffer.extend(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
  EXPECT_EQ(as_text(buffer), "abc");
}

TEST(BufferPool, GivesABufferOutAgain) {
  BufferPool pool(1000);
  Buffer buffer = pool.take(400);
  const std::byte* const memory = buffer.data();
  pool.give(std::move(buffer));
  EXPECT_EQ(pool.retained(), 400U);
  buffer = pool.take(300);
  EXPECT_EQ(buffer.data(), memory);
  EXPECT_EQ(buffer.size(), 300U);
  EXPECT_EQ(pool.retained(), 0U);
}

TEST(BufferPool, TakesTheSmallestThatFits) {
  BufferPool pool(1000);
  for (const std::size_t size : {400U, 100U, 200U}) pool.give(Buffer(size));
  EXPECT_EQ(pool.take(150).capacity(), 200U);
  EXPECT_EQ(pool.take(150).capacity(), 400U);
  EXPECT_EQ(pool.take(150).capacity(), 150U);
  EXPECT_EQ(pool.retained(), 100U);
}

TEST(BufferPool, ASmallRequestLeavesABigBufferAlone) {
  BufferPool pool(1000);
  pool.give(Buffer(1000));
  EXPECT_EQ(pool.take(10).capacity(), 10U);
  EXPECT_EQ(pool.retained(), 1000U);
}

TEST(BufferPool, RetainsNoMoreThanItsLimitAndFreesTheSmallestFirst) {
  BufferPool pool(1000);
  pool.give(Buffer(1001));
  EXPECT_EQ(pool.retained(), 0U);
  for (const std::size_t size : {100U, 300U, 500U}) pool.give(Buffer(size));
  EXPECT_EQ(pool.retained(), 900U);
  pool.give(Buffer(200));  // the 100 goes
  EXPECT_EQ(pool.retained(), 1000U);
  pool.give(Buffer(150));  // nothing smaller is there: it is freed itself
  EXPECT_EQ(pool.retained(), 1000U);
  pool.give(Buffer(1000));  // all go
  EXPECT_EQ(pool.retained(), 1000U);
  EXPECT_EQ(pool.take(1000).capacity(), 1000U);
  EXPECT_EQ(pool.retained(), 0U);
}

TEST(BufferPool, ServesManyThreads) {
  BufferPool pool(10'000);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&pool, i] {
        const auto mark = static_cast<std::byte>(i);
        for (std::size_t n = 1; n < 2000; ++n) {
          Buffer buffer = pool.take(n);
          buffer.data()[0] = mark;
          buffer.data()[n - 1] = mark;
          EXPECT_EQ(buffer.data()[0], mark);
          pool.give(std::move(buffer));
        }
      });
    }
  }
  EXPECT_LE(pool.retained(), 10'000U);
}

}  // namespace
}  // namespace cnf
