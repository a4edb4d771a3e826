// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/storage_contract_internal.h"

namespace cnf::testing::contract {
namespace {

using storage::FileInfo;
using storage::Object;
using storage::Reader;

constexpr std::size_t kMiB = std::size_t{1} << 20;

void comes_back_as_it_was_put(const Store& store) {
  const Buffer bytes = pattern(100'000);
  const FileInfo put = store->put("a/b/object", bytes);
  EXPECT_EQ(put.key, "a/b/object");
  EXPECT_EQ(put.size, bytes.size());
  const Object object = store->read_all("a/b/object", bytes.size());
  EXPECT_TRUE(same_bytes(object.bytes, bytes));
  const FileInfo stat = store->stat("a/b/object");
  for (const FileInfo& info : {object.info, stat}) {
    EXPECT_EQ(info.key, "a/b/object");
    EXPECT_EQ(info.size, bytes.size());
    EXPECT_EQ(info.etag, put.etag);
    EXPECT_EQ(info.modified, stat.modified);
  }
  EXPECT_FALSE(put.etag.empty());
  const auto age = std::chrono::system_clock::now() - stat.modified;
  EXPECT_LT(std::chrono::abs(age), std::chrono::hours(1));
}

void empty_object(const Store& store) {
  EXPECT_EQ(store->put("empty", {}).size, 0U);
  EXPECT_EQ(store->stat("empty").size, 0U);
  EXPECT_TRUE(store->read_all("empty", 0).bytes.empty());
  EXPECT_TRUE(store->read_tail("empty", 10).bytes.empty());
  const std::unique_ptr<Reader> reader = store->open("empty");
  Buffer into(10);
  EXPECT_EQ(reader->read(into.span()), 0U);
  EXPECT_TRUE(throws(Errc::corrupt_data, [&] { reader->read_at(0, into.span()); }));
}

void absent_object(const Store& store) {
  EXPECT_FALSE(store->exists("absent"));
  EXPECT_FALSE(store->try_stat("absent").has_value());
  Buffer into(10);
  EXPECT_TRUE(throws(Errc::not_found, [&] { (void)store->stat("absent"); }));
  EXPECT_TRUE(throws(Errc::not_found, [&] { (void)store->read_all("absent", 10); }));
  EXPECT_TRUE(throws(Errc::not_found, [&] { (void)store->read_tail("absent", 10); }));
  EXPECT_TRUE(throws(Errc::not_found, [&] { (void)store->read_tail("absent", 0); }));
  EXPECT_TRUE(throws(Errc::not_found, [&] { (void)store->open("absent")->size(); }));
  EXPECT_TRUE(throws(Errc::not_found, [&] { store->open("absent")->read_at(0, into.span()); }));
  // A folder of keys is not an object.
  store->put("folder/object", pattern(10));
  EXPECT_FALSE(store->exists("folder"));
  EXPECT_FALSE(store->exists("folder/object/below"));
  EXPECT_TRUE(throws(Errc::not_found, [&] { (void)store->read_all("folder", 10); }));
}

void limit_of_read_all(const Store& store) {
  store->put("object", pattern(1'000));
  EXPECT_EQ(store->read_all("object", 1'000).bytes.size(), 1'000U);
  EXPECT_TRUE(throws(Errc::corrupt_data, [&] { (void)store->read_all("object", 999); }));
}

void tails(const Store& store) {
  const Buffer bytes = pattern(1'000);
  store->put("object", bytes);
  for (const std::size_t length : {0U, 1U, 999U, 1'000U, 1'001U, 5'000'000U}) {
    const Object tail = store->read_tail("object", length);
    EXPECT_TRUE(same_bytes(tail.bytes, bytes.span().last(std::min<std::size_t>(length, 1'000))))
        << length;
    EXPECT_EQ(tail.info.size, 1'000U);
  }
}

void large_object(const Store& store) {
  // Three parts of 8 MiB and some, written in pieces that fit no part.
  const Buffer bytes = pattern(17 * kMiB + 3);
  const std::unique_ptr<storage::Writer> writer = store->create("large");
  const std::size_t piece = 1'234'567;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    writer->write(bytes.span().subspan(at, std::min(piece, bytes.size() - at)));
  }
  const FileInfo info = writer->commit();
  EXPECT_EQ(info.size, bytes.size());
  EXPECT_EQ(store->stat("large").etag, info.etag);
  EXPECT_TRUE(same_bytes(store->read_all("large", bytes.size()).bytes, bytes));
  Buffer all(bytes.size());
  Buffer seam(2);
  const Reader::Range ranges[] = {{0, all.span()}, {8 * kMiB - 1, seam.span()}};
  store->open("large")->read_ranges(ranges);
  EXPECT_TRUE(same_bytes(all, bytes));
  EXPECT_TRUE(same_bytes(seam, bytes.span().subspan(8 * kMiB - 1, 2)));
}

void reader(const Store& store) {
  const Buffer bytes = pattern(10'000);
  store->put("object", bytes);
  const std::unique_ptr<Reader> reader = store->open("object");
  EXPECT_EQ(reader->size(), bytes.size());
  Buffer all(bytes.size());
  std::size_t at = 0;
  while (const std::size_t count =
             reader->read(all.span().subspan(at, std::min<std::size_t>(3'000, all.size() - at)))) {
    at += count;
  }
  EXPECT_EQ(at, bytes.size());
  EXPECT_EQ(reader->position(), bytes.size());
  EXPECT_TRUE(same_bytes(all, bytes));
  Buffer some(100);
  reader->seek(9'950);
  EXPECT_EQ(reader->read(some.span()), 50U);
  EXPECT_TRUE(same_bytes(some.span().first(50), bytes.span().last(50)));
  reader->seek(20'000);
  EXPECT_EQ(reader->read(some.span()), 0U);
  reader->read_at(123, some.span());
  EXPECT_TRUE(same_bytes(some, bytes.span().subspan(123, 100)));
  EXPECT_TRUE(throws(Errc::corrupt_data, [&] { reader->read_at(9'901, some.span()); }));
  Buffer other(7);
  const Reader::Range ranges[] = {{5'000, some.span()}, {9'993, other.span()}};
  reader->read_ranges(ranges);
  EXPECT_TRUE(same_bytes(some, bytes.span().subspan(5'000, 100)));
  EXPECT_TRUE(same_bytes(other, bytes.span().last(7)));
}

void concurrent_reads(const Store& store) {
  const Buffer bytes = pattern(300'000);
  store->put("object", bytes);
  const std::unique_ptr<Reader> shared = store->open("object");
  race(8, [&](std::size_t thread) {
    for (std::size_t round = 0; round < 5; ++round) {
      const std::size_t offset = thread * 30'000 + round * 1'000;
      Buffer into(20'000);
      shared->read_at(offset, into.span());
      const auto same = same_bytes(into, bytes.span().subspan(offset, into.size()));
      if (!same) throw std::runtime_error(same.message());
      if (shared->size() != bytes.size()) throw std::runtime_error("another size");
    }
  });
}

}  // namespace

std::vector<Check> read_checks() {
  return {{"an object comes back as it was put", comes_back_as_it_was_put},
          {"empty object", empty_object},
          {"absent object", absent_object},
          {"limit of read_all", limit_of_read_all},
          {"tails", tails},
          {"large object", large_object},
          {"reader", reader},
          {"concurrent reads", concurrent_reads}};
}

}  // namespace cnf::testing::contract
