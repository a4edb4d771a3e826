// SPDX-License-Identifier: Apache-2.0
// Google Cloud Storage on fake-gcs-server, and what that gets wrong on gcp-storage-emulator.
#include "cnf/core/storage/gcs.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "test_bytes.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/server.h"

namespace cnf::storage {
namespace {

using real::code_of;
using real::pattern;

// A server for all tests of a suite, and a bucket of its own for each store.
template <typename Server>
class OnServer : public ::testing::Test {
 protected:
  // Not once for all tests: gtest would skip them if that threw.
  void SetUp() override {
    if (!server_) server_ = std::make_unique<Server>();
  }
  static void TearDownTestSuite() { server_.reset(); }

  [[nodiscard]] static Options options() {
    Options out;
    out.endpoint = server_->endpoint();
    out.anonymous = true;
    return out;
  }
  [[nodiscard]] static std::shared_ptr<Storage> new_store() {
    const std::string bucket = "bucket-" + std::to_string(++buckets_);
    server_->make_bucket(bucket);
    return open_gcs(bucket, options());
  }

 private:
  // NOLINTBEGIN(readability-identifier-naming): members, though the suite shares them
  static inline std::unique_ptr<Server> server_;
  static inline int buckets_ = 0;
  // NOLINTEND(readability-identifier-naming)
};

using GcsOnFakeServer = OnServer<testing::FakeGcsServer>;
using GcsOnEmulator = OnServer<testing::GcpStorageEmulator>;

TEST_F(GcsOnFakeServer, SeveralChunksComeBackAsOneObject) {
  const auto store = new_store();
  const auto accounting = std::make_shared<Accounting>();
  const auto context = Context().with_accounting(accounting);
  const std::string bytes = pattern((std::size_t{21} << 20U) + 5);
  const auto info =
      store->put("big", as_bytes(bytes), {.condition = Condition::if_absent()}, context);
  EXPECT_EQ(accounting->snapshot().count(RequestKind::put), 4U) << "the session and 3 chunks";
  EXPECT_EQ(accounting->snapshot().bytes_sent, bytes.size());
  const auto read = store->read_all("big", bytes.size());
  EXPECT_TRUE(as_text(read.bytes) == bytes);
  EXPECT_EQ(read.info.etag, info.etag);
  EXPECT_EQ(
      code_of([&] { store->put("big", as_bytes(bytes), {.condition = Condition::if_absent()}); }),
      Errc::already_exists);
}

TEST_F(GcsOnFakeServer, AnAbortLeavesNoObject) {
  const auto store = new_store();
  const std::string bytes = pattern(std::size_t{20} << 20U);
  auto writer = store->create("big");
  writer->write(as_bytes(bytes));
  writer.reset();
  EXPECT_FALSE(store->exists("big"));
}

TEST_F(GcsOnFakeServer, RemovesAHundredAtATime) {
  const auto store = new_store();
  std::vector<std::string> keys;
  for (int i = 0; i < 250; ++i) keys.push_back("folder/" + std::to_string(i));
  for (std::size_t i = 0; i < keys.size(); i += 2) store->put(keys[i], {});
  const auto accounting = std::make_shared<Accounting>();
  store->remove(keys, Context().with_accounting(accounting));
  EXPECT_EQ(accounting->snapshot().count(RequestKind::remove), 3U);
  EXPECT_TRUE(store->list_page({}, "").objects.empty());
}

TEST_F(GcsOnFakeServer, ABucketThatIsNotThereIsNotFound) {
  const auto store = open_gcs("no-such-bucket", options());
  EXPECT_EQ(code_of([&] { static_cast<void>(store->read_all("k", 1)); }), Errc::not_found);
  EXPECT_EQ(code_of([&] { static_cast<void>(store->list_page({}, "")); }), Errc::not_found);
  EXPECT_EQ(code_of([&] { store->put("k", as_bytes("x")); }), Errc::not_found);
}

TEST_F(GcsOnEmulator, AResumableUploadComesBackAsOneObject) {
  const auto store = new_store();
  const std::string bytes = pattern((std::size_t{17} << 20U) + 5);
  EXPECT_EQ(store->put("big", as_bytes(bytes)).size, bytes.size());
  EXPECT_TRUE(as_text(store->read_all("big", bytes.size()).bytes) == bytes);
}

}  // namespace
}  // namespace cnf::storage
