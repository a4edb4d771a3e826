// SPDX-License-Identifier: Apache-2.0
// Thousands of small objects on every kind of store: written, listed, read and removed, and what
// that costs in requests.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "real_stores.h"
#include <gtest/gtest.h>

#include "cnf/core/storage/memory.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"

namespace cnf::storage::real {
namespace {

constexpr std::size_t kWriters = 8;

std::string key_of(std::size_t i) {
  std::string digits = std::to_string(i);
  return "folder " + std::to_string(i % 7) + "/" + std::string(6 - digits.size(), '0') + digits;
}

std::string bytes_of(std::size_t i) { return "object " + std::to_string(i * i); }

void write_all(Storage& store, std::size_t count, const Context& context) {
  std::atomic<std::size_t> next{0};
  std::vector<std::jthread> writers;
  for (std::size_t w = 0; w < kWriters; ++w) {
    writers.emplace_back([&] {
      for (std::size_t i = next++; i < count; i = next++) {
        store.put(key_of(i), as_bytes(bytes_of(i)), {}, context);
      }
    });
  }
}

std::vector<std::string> list_all(const Storage& store, const Context& context) {
  std::vector<std::string> keys;
  for (const auto& info : store.list({}, context)) keys.push_back(info.key);
  return keys;
}

void expect_all_read(const Storage& store, std::size_t count, const Context& context) {
  std::vector<std::string> into(count);
  std::vector<FetchRequest> requests(count);
  for (std::size_t i = 0; i < count; ++i) {
    into[i].resize(bytes_of(i).size());
    requests[i].key = key_of(i);
    requests[i].into = std::as_writable_bytes(std::span(into[i]));
  }
  store.fetch(requests, context);
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(into[i], bytes_of(i));
}

// \param page,batch  keys that one request lists, and removes.
void check_many(std::string_view name, const std::shared_ptr<Storage>& store, std::size_t count,
                std::size_t page, std::size_t batch) {
  SCOPED_TRACE(name);
  const auto accounting = std::make_shared<Accounting>();
  const auto context = Context().with_accounting(accounting);
  write_all(*store, count, context);
  EXPECT_EQ(accounting->snapshot().count(RequestKind::put), count);

  std::vector<std::string> want;
  for (std::size_t i = 0; i < count; ++i) want.push_back(key_of(i));
  std::sort(want.begin(), want.end());
  EXPECT_TRUE(list_all(*store, context) == want);
  EXPECT_EQ(accounting->snapshot().count(RequestKind::list), (count + page - 1) / page);

  expect_all_read(*store, count, context);
  EXPECT_EQ(accounting->snapshot().count(RequestKind::get), count);

  store->remove(want, context);
  EXPECT_EQ(accounting->snapshot().count(RequestKind::remove), (count + batch - 1) / batch);
  EXPECT_TRUE(store->list_page({}, "").objects.empty());
  EXPECT_EQ(accounting->snapshot().retries, 0U);
}

TEST(ManyObjects, InMemory) { check_many("memory", make_memory(), 10'000, 1'000, 1'000); }
TEST(ManyObjects, Azure) { check_many("azure", kind("azure").fresh(), 2'000, 5'000, 256); }
TEST(ManyObjects, Gcs) { check_many("gcs", kind("gcs").fresh(), 2'000, 1'000, 100); }
TEST(ManyObjects, S3) { check_many("s3", kind("s3").fresh(), 10'000, 1'000, 1'000); }

}  // namespace
}  // namespace cnf::storage::real
