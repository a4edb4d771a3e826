// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/s3/s3_dialect_internal.h"
#include "cnf/core/storage/s3/s3_location_internal.h"
#include "cnf/core/storage/s3/s3_scripted_test.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/http_server.h"

namespace cnf::storage {
namespace {

using scripted::error_reply;
using ::testing::HasSubstr;
using testing::HttpServer;
using testing::WireReply;
using testing::WireRequest;

using Keys = std::shared_ptr<Renewable<Credentials>>;

/// A bucket on a scripted server, and the engine that signs for it.
class Bucket {
 public:
  Bucket(const std::string& endpoint, Keys keys)
      : location(std::make_shared<S3Location>(
            "bucket", S3Location::Place{"us-east-1", parse_endpoint(endpoint), true})),
        engine(std::make_shared<S3Dialect>(location, std::move(keys), S3Dialect::FindRegion()),
               {.retry = {.max_attempts = 2, .base = std::chrono::milliseconds(1)}}) {}

  [[nodiscard]] HttpCall call(const std::string& method = "GET") const {
    HttpCall out;
    out.doing = "test";
    out.subject = "s3://bucket/k";
    out.request = location->request(method, "k");
    return out;
  }

  std::shared_ptr<S3Location> location;
  HttpEngine engine;
};

/// Whose keys are numbered as they are issued: "key-1", "key-2", …
class IssuedKeys {
 public:
  explicit IssuedKeys(HttpServer::Script script)
      : server(std::move(script)),
        bucket(server.endpoint(), std::make_shared<Renewable<Credentials>>([this](const Context&) {
                 const auto name = "key-" + std::to_string(++issued);
                 return Expiring<Credentials>{{name, "hidden", "token-of-" + name}};
               })) {}

  std::atomic<int> issued{0};
  HttpServer server;
  Bucket bucket;
};

bool is_signed_by(const WireRequest& request, const std::string& key) {
  return request.header("authorization").find("Credential=" + key + "/") != std::string::npos &&
         request.header("x-amz-security-token") == "token-of-" + key;
}

TEST(S3Dialect, KeysAreAskedForOnceForAllThatWait) {
  IssuedKeys s3([](const WireRequest& request) {
    return WireReply{.status = is_signed_by(request, "key-1") ? 200 : 400};
  });
  std::vector<std::promise<HttpOutcome>> outcomes(20);
  for (auto& outcome : outcomes) {
    s3.bucket.engine.submit(
        s3.bucket.call(), [&outcome](HttpOutcome result) { outcome.set_value(std::move(result)); });
  }
  for (auto& outcome : outcomes) EXPECT_EQ(outcome.get_future().get().value().status, 200);
  EXPECT_EQ(s3.issued, 1);
}

TEST(S3Dialect, KeysThatTheStoreRejectsAreRenewedOnceForAll) {
  const auto rows = {error_reply(400, "ExpiredToken"), error_reply(403, "InvalidToken"),
                     error_reply(400, "TokenRefreshRequired"),
                     error_reply(400, "ExpiredTokenException"), WireReply{.status = 401}};
  for (const auto& rejection : rows) {
    IssuedKeys s3([&](const WireRequest& request) {
      return is_signed_by(request, "key-1") ? rejection : WireReply{.body = "good"};
    });
    std::vector<std::promise<HttpOutcome>> outcomes(8);
    for (auto& outcome : outcomes) {
      s3.bucket.engine.submit(s3.bucket.call(), [&outcome](HttpOutcome result) {
        outcome.set_value(std::move(result));
      });
    }
    for (auto& outcome : outcomes) EXPECT_EQ(outcome.get_future().get().value().body, "good");
    EXPECT_EQ(s3.issued, 2) << rejection.body;
    EXPECT_LE(s3.server.request_count(), 16U);
  }
}

TEST(S3Dialect, AHeadThatIsRejectedHasNoBodyToSayWhy) {
  IssuedKeys s3([](const WireRequest& request) {
    return WireReply{.status = is_signed_by(request, "key-1") ? 400 : 200};
  });
  EXPECT_EQ(s3.bucket.engine.run(s3.bucket.call("HEAD")).value().status, 200);
  EXPECT_EQ(s3.issued, 2);
}

TEST(S3Dialect, KeysThatAreNeverTakenAreAnErrorAfterOneRenewal) {
  IssuedKeys s3([](const WireRequest&) { return error_reply(400, "ExpiredToken"); });
  const auto outcome = s3.bucket.engine.run(s3.bucket.call());
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code(), Errc::unauthenticated);
  EXPECT_THAT(outcome.error->what(), Not(HasSubstr("hidden")));
  EXPECT_EQ(s3.server.request_count(), 2U);
  EXPECT_EQ(s3.issued, 2);
}

TEST(S3Dialect, KeysThatCannotBeHadAreTheAnswerOfEveryCall) {
  const auto keys =
      std::make_shared<Renewable<Credentials>>([](const Context&) -> Expiring<Credentials> {
        throw Error(Errc::unauthenticated, "find", "credentials", "there are none");
      });
  const HttpServer server([](const WireRequest&) { return WireReply{}; });
  Bucket bucket(server.endpoint(), keys);
  const auto outcome = bucket.engine.run(bucket.call());
  ASSERT_TRUE(outcome.error);
  EXPECT_EQ(outcome.error->code(), Errc::unauthenticated);
  EXPECT_EQ(server.request_count(), 0U);
}

TEST(S3Dialect, ACallThatWaitsForKeysCanBeStopped) {
  std::promise<void> asked;
  const auto keys = std::make_shared<Renewable<Credentials>>(
      [&](const Context& context) -> Expiring<Credentials> {
        asked.set_value();
        while (!context.stop().stop_requested()) std::this_thread::yield();
        throw Error(Errc::cancelled, "ask", "the issuer", "stopped");
      });
  std::stop_source stop;
  Bucket bucket("http://127.0.0.1:9", keys);
  auto call = bucket.call();
  call.context = Context(stop.get_token());
  std::promise<HttpOutcome> outcome;
  bucket.engine.submit(std::move(call),
                       [&](HttpOutcome result) { outcome.set_value(std::move(result)); });
  asked.get_future().wait();
  stop.request_stop();
  EXPECT_EQ(outcome.get_future().get().error->code(), Errc::cancelled);
}

}  // namespace
}  // namespace cnf::storage
