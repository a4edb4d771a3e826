// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/gcs/gcs_batch_internal.h"
#include "cnf/core/storage/gcs/gcs_scripted_test.h"

namespace cnf::storage {
namespace {

using scripted::gcs_error;
using scripted::json_reply;
using scripted::kToken;
using scripted::resource;
using scripted::ScriptedGcs;
using scripted::thrown_by;
using ::testing::HasSubstr;
using testing::in_order;
using ::testing::Not;
using testing::WireReply;
using testing::WireRequest;

std::pair<Errc, std::string> stat_error(const ScriptedGcs& gcs) {
  return thrown_by([&] { static_cast<void>(gcs.store->stat("k", gcs.context())); });
}

TEST(GcsErrors, SayWhatTheStoreSaid) {
  struct Row {
    WireReply reply;
    Errc want = Errc::internal;
    std::size_t attempts = 1;
    const char* says = "";
  };
  const WireReply plain{.status = 404,
                        .headers = {{"Content-Type", "text/html; charset=UTF-8"}},
                        .body = "No such object: bucket/k"};
  const Row rows[] = {
      {gcs_error(403, "forbidden", "no storage.objects.get access"), Errc::permission_denied, 1,
       "no storage.objects.get access"},
      {gcs_error(403, "rateLimitExceeded"), Errc::throttled, 4, "lower concurrency"},
      {gcs_error(429, "rateLimitExceeded"), Errc::throttled, 4, "tried 4 times"},
      {gcs_error(503, "backendError"), Errc::throttled, 4, "said the store"},
      {gcs_error(500, "backendError"), Errc::unavailable, 4, "said the store"},
      {gcs_error(408, "requestTimeout"), Errc::unavailable, 4, "said the store"},
      {gcs_error(400, "required",
                 "Bucket is a requester pays bucket but no user project provided."),
       Errc::permission_denied, 1, "user_project=PROJECT"},
      {gcs_error(400, "invalid"), Errc::invalid_argument, 1, "said the store"},
      {{.status = 403, .body = "<html>no"}, Errc::permission_denied, 1, "answered 403"},
      {json_reply(R"({"error":"a text"})", 403), Errc::permission_denied, 1, "answered 403"},
      {json_reply(R"({"error":{"message":1,"errors":[{"reason":[]}]}})", 403),
       Errc::permission_denied, 1, "answered 403"},
      {json_reply(R"({"error":{"message":"two\r\nlines","errors":[7]}})", 403),
       Errc::permission_denied, 1, "two  lines"},
  };
  for (const auto& row : rows) {
    const ScriptedGcs gcs(in_order({row.reply}));
    const auto [code, what] = stat_error(gcs);
    EXPECT_EQ(code, row.want) << what;
    EXPECT_THAT(what, HasSubstr(row.says));
    EXPECT_THAT(what, HasSubstr("gs://bucket/k"));
    EXPECT_THAT(what, Not(HasSubstr(kToken)));
    EXPECT_EQ(gcs.server.request_count(), row.attempts) << what;
    EXPECT_EQ(gcs.usage().throttles, row.want == Errc::throttled ? 4U : 0U) << what;
  }
  const ScriptedGcs gcs(in_order({plain}));
  EXPECT_THAT(thrown_by([&] { static_cast<void>(gcs.store->read_all("k", 9)); }).second,
              HasSubstr("No such object"));
}

TEST(GcsToken, IsRenewedOnceWhenItIsRejected) {
  std::atomic<int> issued = 0;
  const auto token = std::make_shared<Renewable<std::string>>(
      [&](const Context&) { return Expiring<std::string>{"token-" + std::to_string(++issued)}; });
  const ScriptedGcs gcs(
      [](const WireRequest& request) {
        return request.header("authorization") == "Bearer token-2"
                   ? json_reply(resource("hello"))
                   : gcs_error(401, "authError", "Invalid Credentials");
      },
      {}, token);
  EXPECT_EQ(gcs.store->stat("k", gcs.context()).size, 5U);
  EXPECT_EQ(gcs.server.request_count(), 2U);
  EXPECT_EQ(issued, 2);
}

TEST(GcsToken, ThatStaysAndIsRejectedIsAnError) {
  const ScriptedGcs gcs(in_order({gcs_error(401, "authError", "Invalid Credentials")}));
  const auto [code, what] = stat_error(gcs);
  EXPECT_EQ(code, Errc::unauthenticated);
  EXPECT_THAT(what, HasSubstr("Invalid Credentials"));
  EXPECT_EQ(gcs.server.request_count(), 1U);
}

TEST(GcsToken, NoneIsSentWithoutOne) {
  const ScriptedGcs gcs(in_order({gcs_error(401, "required", "Anonymous caller")}), {}, nullptr);
  EXPECT_THAT(stat_error(gcs).second, HasSubstr("this needs credentials"));
  EXPECT_EQ(gcs.request(0).headers.count("authorization"), 0U);
}

TEST(GcsClient, BillsTheUserProject) {
  Options options;
  options.user_project = "my project";
  const ScriptedGcs gcs(
      [](const WireRequest& request) {
        return request.method == "DELETE" ? WireReply{.status = 204} : json_reply(resource("x"));
      },
      options);
  static_cast<void>(gcs.store->stat("k"));
  gcs.store->put("k", as_bytes("x"));
  gcs.store->remove("k");
  for (const auto& request : gcs.server.requests()) {
    EXPECT_THAT(request.target, HasSubstr("userProject=my%20project"));
  }
  EXPECT_EQ(gcs.server.request_count(), 3U);
}

TEST(GcsClient, RefusesWhatIsNoBucket) {
  Options options;
  options.anonymous = true;
  for (const auto* bucket : {"", "ab", "a/b", "a b c", ".abc", "Bucket", "bucket@host", "b\r\nu"}) {
    EXPECT_EQ(thrown_by([&] {
                GcsClient(bucket, options, resolve_gcs_settings(options, scripted::NoEnvironment()),
                          RetryPolicy{});
              }).first,
              Errc::invalid_argument)
        << bucket;
  }
}

class Variables final : public Environment {
 public:
  Variables(const std::string& name, const std::string& value) : values_{{name, value}} {}
  [[nodiscard]] std::optional<std::string> variable(const std::string& name) const override {
    const auto found = values_.find(name);
    return found == values_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::optional<std::string> file(const std::string&) const override { return {}; }

 private:
  std::map<std::string, std::string> values_;
};

TEST(GcsSettings, AnEmulatorIsFoundAsGooglesLibrariesFindIt) {
  for (const char* value : {"localhost:9023", "http://localhost:9023", "http://localhost:9023/"}) {
    const auto found = resolve_gcs_settings({}, Variables("STORAGE_EMULATOR_HOST", value));
    EXPECT_EQ(found.endpoint.url(), "http://localhost:9023") << value;
    EXPECT_EQ(found.token, nullptr) << "nobody asks it for credentials";
  }
  const Variables emulated("STORAGE_EMULATOR_HOST", "localhost:9023");
  Options options;
  options.token = kToken;
  EXPECT_NE(resolve_gcs_settings(options, emulated).token, nullptr);
  options.endpoint = "https://private.example";
  EXPECT_EQ(resolve_gcs_settings(options, emulated).endpoint.url(), "https://private.example");
}

TEST(GcsSettings, GooglesOwnEndpointNeedsCredentials) {
  const Variables nothing("NO_GCE_CHECK", "true");
  EXPECT_EQ(thrown_by([&] { static_cast<void>(resolve_gcs_settings({}, nothing)); }).first,
            Errc::unauthenticated);
  Options options;
  options.anonymous = true;
  const auto found = resolve_gcs_settings(options, nothing);
  EXPECT_EQ(found.endpoint.url(), "https://storage.googleapis.com");
  EXPECT_EQ(found.token, nullptr);
}

WireReply batch_reply(const std::string& parts, const std::string& boundary = "batch_x") {
  return {.headers = {{"Content-Type", "multipart/mixed; boundary=" + boundary}}, .body = parts};
}

std::string batch_part(int index, const std::string& answer) {
  return "--batch_x\r\nContent-Type: application/http\r\nContent-ID: <response-cnf+" +
         std::to_string(index) + ">\r\n\r\nHTTP/1.1 " + answer;
}
const char* const kEnd = "--batch_x--\r\n";
const char* const kGone = "204 No Content\r\n\r\n\r\n";

TEST(GcsRemove, ManyGoInOneBatch) {
  const ScriptedGcs gcs(
      in_order({batch_reply(batch_part(1, "404 Not Found\r\nContent-Length: 2\r\n\r\n{}\r\n") +
                            batch_part(0, kGone) + kEnd)}));
  const std::vector<std::string> keys = {"a/b", "c d"};
  gcs.store->remove(keys, gcs.context());
  ASSERT_EQ(gcs.server.request_count(), 1U);
  const auto request = gcs.request(0);
  EXPECT_EQ(request.target, "/batch/storage/v1");
  const auto boundary =
      request.header("content-type").substr(std::string("multipart/mixed; boundary=").size());
  EXPECT_EQ(request.body, "--" + boundary +
                              "\r\nContent-Type: application/http\r\nContent-ID: <cnf+0>\r\n\r\n"
                              "DELETE /storage/v1/b/bucket/o/a%2Fb HTTP/1.1\r\n\r\n\r\n--" +
                              boundary +
                              "\r\nContent-Type: application/http\r\nContent-ID: <cnf+1>\r\n\r\n"
                              "DELETE /storage/v1/b/bucket/o/c%20d HTTP/1.1\r\n\r\n\r\n--" +
                              boundary + "--\r\n");
}

TEST(GcsRemove, APassingFaultOfOneSendsAllAgain) {
  const ScriptedGcs gcs(in_order(
      {batch_reply(batch_part(0, kGone) + batch_part(1, "503 Slow\r\n\r\n\r\n") + kEnd),
       batch_reply(
           batch_part(0, "403 No\r\n\r\n" + gcs_error(403, "userRateLimitExceeded").body + "\r\n") +
           batch_part(1, kGone) + kEnd),
       batch_reply(batch_part(0, kGone) + batch_part(1, kGone) + kEnd)}));
  const std::vector<std::string> keys = {"a", "b"};
  gcs.store->remove(keys, gcs.context());
  EXPECT_EQ(gcs.server.request_count(), 3U);
  EXPECT_EQ(gcs.usage().throttles, 2U);
}

TEST(GcsRemove, NamesTheKeyThatFailed) {
  const ScriptedGcs gcs(in_order({batch_reply(
      batch_part(0, kGone) +
      batch_part(1, "403 Forbidden\r\n\r\n" + gcs_error(403, "forbidden").body + "\r\n") + kEnd)}));
  const std::vector<std::string> keys = {"a", "b"};
  const auto [code, what] = thrown_by([&] { gcs.store->remove(keys, gcs.context()); });
  EXPECT_EQ(code, Errc::permission_denied);
  EXPECT_THAT(what, HasSubstr("gs://bucket/b: said the store"));
}

TEST(GcsRemove, AnAnswerThatIsNotAboutTheBatchIsCorrupt) {
  const std::string good = batch_part(0, kGone);
  const WireReply rows[] = {
      batch_reply(good + kEnd),
      batch_reply(good + good + kEnd),
      batch_reply(good + batch_part(2, kGone) + kEnd),
      batch_reply(good + batch_part(1, kGone)),
      batch_reply(good + batch_part(1, "hello\r\n\r\n") + kEnd),
      batch_reply(good + batch_part(1, "99999999999 x\r\n\r\n") + kEnd),
      batch_reply(good + "--batch_x\r\n\r\nHTTP/1.1 204 x\r\n\r\n" + kEnd),
      batch_reply(""),
      batch_reply(good + batch_part(1, kGone) + kEnd, "another"),
      batch_reply(good + batch_part(1, kGone) + kEnd, std::string(71, 'b')),
      {.body = good + batch_part(1, kGone) + kEnd},
      json_reply("{}"),
  };
  const std::vector<std::string> keys = {"a", "b"};
  for (const auto& row : rows) {
    const ScriptedGcs gcs(in_order({row}));
    EXPECT_EQ(thrown_by([&] { gcs.store->remove(keys, gcs.context()); }).first, Errc::corrupt_data)
        << row.body;
  }
}

TEST(GcsRemove, OneNeedsNoBatchAndMayBeAbsent) {
  const ScriptedGcs gcs(in_order({gcs_error(404, "notFound"), gcs_error(403, "forbidden")}));
  gcs.store->remove("a/b", gcs.context());
  EXPECT_EQ(gcs.request(0).method, "DELETE");
  EXPECT_EQ(gcs.request(0).target, "/storage/v1/b/bucket/o/a%2Fb");
  EXPECT_EQ(thrown_by([&] { gcs.store->remove("a", gcs.context()); }).first,
            Errc::permission_denied);
}

TEST(GcsBatch, LinesMayEndAsTheyLike) {
  const auto answers = parse_batch_answer(
      "Multipart/Mixed; charset=x ; BOUNDARY=\"b 1\"",
      "preamble\n--b 1\ncontent-id: response-12\n\nHTTP/2 404\nx: y\n\nbody\n--b 1--", "test");
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].index, 12U);
  EXPECT_EQ(answers[0].status, 404);
  EXPECT_EQ(answers[0].body, "body\n");
}

}  // namespace
}  // namespace cnf::storage
