// SPDX-License-Identifier: Apache-2.0
// S3 on versitygw, which checks every signature.
#include "cnf/core/storage/s3.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "test_bytes.h"
#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/s3/s3_client_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/retry.h"
#include "cnf/testing/server.h"

namespace cnf::storage {
namespace {

using real::code_of;
using real::pattern;

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class S3OnVersityGateway : public ::testing::Test {
 protected:
  // Not once for all tests: gtest would skip them if that threw.
  void SetUp() override {
    if (!gateway_) gateway_ = std::make_unique<testing::VersityGateway>();
  }
  static void TearDownTestSuite() { gateway_.reset(); }

  [[nodiscard]] static Options options() {
    Options out;
    out.endpoint = gateway_->endpoint();
    out.access_key_id = testing::VersityGateway::access_key_id();
    out.secret_access_key = testing::VersityGateway::secret_access_key();
    return out;
  }
  // For what a Storage does not do: buckets and uploads.
  [[nodiscard]] static S3Client client(const std::string& bucket) {
    return {bucket, options(), Environment::system(), RetryPolicy{}};
  }
  [[nodiscard]] static std::string new_bucket() {
    const std::string name = "bucket-" + std::to_string(++buckets_);
    const auto here = client(name);
    static_cast<void>(here.run(here.call(RequestKind::put, "create", "PUT", {}, {})).value());
    return name;
  }
  [[nodiscard]] static std::vector<UnfinishedUpload> uploads(const std::string& bucket) {
    return open_s3(bucket, options())->stale_uploads({}, std::chrono::seconds(0));
  }

 private:
  // NOLINTBEGIN(readability-identifier-naming): members, though the suite shares them
  static inline std::unique_ptr<testing::VersityGateway> gateway_;
  static inline int buckets_ = 0;
  // NOLINTEND(readability-identifier-naming)
};

TEST_F(S3OnVersityGateway, SeveralPartsComeBackAsOneObject) {
  const auto bucket = new_bucket();
  const auto store = open_s3(bucket, options());
  const auto accounting = std::make_shared<Accounting>();
  const auto context = Context().with_accounting(accounting);
  const std::string bytes = pattern((std::size_t{21} << 20U) + 5);
  const auto info = store->put("big", as_bytes(bytes), {}, context);
  EXPECT_TRUE(info.etag.ends_with("-3")) << info.etag << " is no ETag of three parts";
  EXPECT_EQ(accounting->snapshot().count(RequestKind::put), 5U) << "create, 3 parts, complete";
  EXPECT_EQ(accounting->snapshot().bytes_sent, bytes.size());
  const auto read = store->read_all("big", bytes.size());
  EXPECT_TRUE(as_text(read.bytes) == bytes);
  EXPECT_EQ(read.info.etag, info.etag);
  EXPECT_THAT(uploads(bucket), IsEmpty());
}

TEST_F(S3OnVersityGateway, AnAbortLeavesNoUpload) {
  const auto bucket = new_bucket();
  const auto store = open_s3(bucket, options());
  const std::string bytes = pattern(std::size_t{20} << 20U);
  auto writer = store->create("big");
  writer->write(as_bytes(bytes));
  EXPECT_EQ(uploads(bucket).size(), 1U) << "else the test would not see one";
  writer->abort();
  EXPECT_THAT(uploads(bucket), IsEmpty());
  writer = store->create("big");
  writer->write(as_bytes(bytes));
  writer.reset();
  EXPECT_THAT(uploads(bucket), IsEmpty());
  EXPECT_FALSE(store->exists("big"));
}

TEST_F(S3OnVersityGateway, ARefusedConditionLeavesNoUpload) {
  const auto bucket = new_bucket();
  const auto store = open_s3(bucket, options());
  static_cast<void>(store->put("big", as_bytes("first")));
  const std::string bytes = pattern(std::size_t{9} << 20U);
  EXPECT_EQ(
      code_of([&] { store->put("big", as_bytes(bytes), {.condition = Condition::if_absent()}); }),
      Errc::already_exists);
  EXPECT_THAT(uploads(bucket), IsEmpty());
  EXPECT_EQ(store->stat("big").size, 5U);
}

TEST_F(S3OnVersityGateway, WrongKeysAreUnauthenticated) {
  const auto bucket = new_bucket();
  auto wrong = options();
  wrong.secret_access_key = "wrong";
  EXPECT_EQ(code_of([&] { static_cast<void>(open_s3(bucket, wrong)->read_all("k", 1)); }),
            Errc::unauthenticated);
  EXPECT_EQ(code_of([&] { open_s3(bucket, wrong)->put("k", as_bytes("x")); }),
            Errc::unauthenticated);
  wrong = options();
  wrong.access_key_id = "nobody";
  EXPECT_EQ(code_of([&] { static_cast<void>(open_s3(bucket, wrong)->read_all("k", 1)); }),
            Errc::unauthenticated);
  auto anonymous = options();
  anonymous.anonymous = true;
  EXPECT_EQ(code_of([&] { static_cast<void>(open_s3(bucket, anonymous)->read_all("k", 1)); }),
            Errc::permission_denied);
}

TEST_F(S3OnVersityGateway, ABucketThatIsNotThereIsNotFound) {
  const auto store = open_s3("no-such-bucket", options());
  EXPECT_EQ(code_of([&] { static_cast<void>(store->read_all("k", 1)); }), Errc::not_found);
  EXPECT_EQ(code_of([&] { static_cast<void>(store->list_page({}, "")); }), Errc::not_found);
}

TEST_F(S3OnVersityGateway, CopiesWithAConditionInParts) {
  const auto store = open_s3(new_bucket(), options());
  static_cast<void>(store->put("from", as_bytes("bytes"), {.content_type = "text/x-test"}));
  const auto absent = WriteOptions{.condition = Condition::if_absent()};
  EXPECT_EQ(store->copy("from", "to", absent).size, 5U);
  EXPECT_EQ(as_text(store->read_all("to", 100).bytes), "bytes");
  EXPECT_EQ(code_of([&] { store->copy("from", "to", absent); }), Errc::already_exists);
}

std::size_t append(char* data, std::size_t size, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(data, size * count);
  return size * count;
}

TEST_F(S3OnVersityGateway, APresignedUrlIsEnough) {
  const auto bucket = new_bucket();
  static_cast<void>(open_s3(bucket, options())->put("a b", as_bytes("hello")));
  auto url = presign_s3(bucket, "GET", "a b", std::chrono::minutes(1), options());
  const std::unique_ptr<CURL, void (*)(CURL*)> easy(curl_easy_init(), curl_easy_cleanup);
  for (const long want : {200L, 403L}) {
    std::string body;
    long status = 0;
    curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy.get(), CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, append);
    curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &body);
    ASSERT_EQ(curl_easy_perform(easy.get()), CURLE_OK);
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    EXPECT_EQ(status, want) << body;
    EXPECT_EQ(body == "hello", want == 200) << body;
    url.back() = url.back() == '0' ? '1' : '0';  // a tampered signature
  }
}

TEST(RealServer, ThatIsAbsentSaysHowToGetIt) {
  try {
    const testing::Server server({.arguments = {"no-such-server"}, .install = "ask for it"});
    FAIL() << "it started";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("no-such-server"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("ask for it"));
  }
}

TEST(RealServer, ThatEndsAtOnceShowsItsOutput) {
  try {
    const testing::Server server({.arguments = {"sh", "-c", "echo broken {port}; exit 3"}});
    FAIL() << "it started";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("broken "));
  }
}

}  // namespace
}  // namespace cnf::storage
