// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/s3/s3_scripted_test.h"

namespace cnf::storage {
namespace {

using scripted::asks;
using scripted::error_reply;
using scripted::kSecret;
using scripted::multipart_store;
using scripted::NoEnvironment;
using scripted::ScriptedS3;
using scripted::thrown_by;
using scripted::written;
using ::testing::HasSubstr;
using testing::HttpServer;
using testing::in_order;
using ::testing::Not;
using testing::WireReply;
using testing::WireRequest;

Options with_keys() {
  Options out;
  out.access_key_id = "id";
  out.secret_access_key = kSecret;
  return out;
}

std::string presigned(const std::string& bucket, const Options& options) {
  const S3Client client(bucket, options, NoEnvironment(), {});
  return client.presign("GET", "a b", std::chrono::hours(1));
}

TEST(S3Client, AddressesByHostOrByPath) {
  auto options = with_keys();
  options.region = "eu-west-1";
  EXPECT_THAT(presigned("some-bucket", options),
              ::testing::StartsWith("https://some-bucket.s3.eu-west-1.amazonaws.com/a%20b?"));
  EXPECT_THAT(presigned("some.bucket", options),
              ::testing::StartsWith("https://s3.eu-west-1.amazonaws.com/some.bucket/a%20b?"));
  options.endpoint = "http://host:9/x";
  EXPECT_THAT(presigned("some-bucket", options),
              ::testing::StartsWith("http://host:9/x/some-bucket/a%20b?"));
  options.addressing = Options::Addressing::virtual_host;
  EXPECT_THAT(presigned("some-bucket", options),
              ::testing::StartsWith("http://some-bucket.host:9/x/a%20b?"));
}

TEST(S3Client, PresignsWithoutTheSecret) {
  const auto url = presigned("some-bucket", with_keys());
  EXPECT_THAT(url, HasSubstr("X-Amz-Expires=3600"));
  EXPECT_THAT(url, HasSubstr("X-Amz-Signature="));
  EXPECT_THAT(url, Not(HasSubstr(kSecret)));
  const S3Client client("some-bucket", with_keys(), NoEnvironment(), {});
  for (const auto ttl : {std::chrono::seconds(0), std::chrono::seconds(604'801)}) {
    EXPECT_THROW(static_cast<void>(client.presign("GET", "k", ttl)), Error);
  }
}

TEST(S3Client, AnonymousSignsNothing) {
  HttpServer server(in_order({{.headers = {{"ETag", "\"e\""}}}}));
  Options options;
  options.endpoint = server.endpoint();
  options.anonymous = true;
  const auto store = std::make_shared<S3Storage>(
      std::make_shared<S3Client>("bucket", options, NoEnvironment(), RetryPolicy{}));
  static_cast<void>(store->stat("k"));
  EXPECT_EQ(server.requests().at(0).headers.count("authorization"), 0U);
}

TEST(S3Client, RefusesWhatIsNoBucketOrRegion) {
  for (const auto* bucket : {"", "ab", "a/b", "a b c", ".abc", "bucket@host", "b\r\nucket"}) {
    EXPECT_EQ(thrown_by([&] { presigned(bucket, with_keys()); }).first, Errc::invalid_argument)
        << bucket;
  }
  auto options = with_keys();
  options.region = "x.evil.example/";
  EXPECT_EQ(thrown_by([&] { presigned("bucket", options); }).first, Errc::invalid_argument);
  EXPECT_EQ(thrown_by([&] { presigned("bucket", {}); }).first, Errc::unauthenticated);
}

TEST(S3Errors, SayWhatToDoAndNoSecret) {
  struct Row {
    WireReply reply;
    Errc want;
    std::string says;
  };
  const Row rows[] = {
      {error_reply(404, "NoSuchBucket"), Errc::not_found, "check the bucket's name"},
      {error_reply(403, "AccessDenied"), Errc::permission_denied, "said the store"},
      {error_reply(403, "SignatureDoesNotMatch", "<StringToSign>x the-secret</StringToSign>"),
       Errc::unauthenticated, "check the access key"},
      {error_reply(403, "InvalidAccessKeyId"), Errc::unauthenticated, "check the access key"},
      {error_reply(404, "XAdminUserNotFound"), Errc::unauthenticated, "check the access key"},
      {error_reply(403, "RequestTimeTooSkewed"), Errc::unauthenticated, "clock"},
      {error_reply(400, "ExpiredToken"), Errc::unauthenticated, "new credentials"},
      {error_reply(507, "QuotaExceeded"), Errc::out_of_space, "free some space"},
      {{.status = 400, .body = "<html>proxy</html>"}, Errc::invalid_argument, "400"},
  };
  for (const auto& row : rows) {
    const ScriptedS3 s3(in_order({row.reply}));
    const auto [code, what] =
        thrown_by([&] { static_cast<void>(s3.store->read_all("k", 10, s3.context())); });
    EXPECT_EQ(code, row.want) << what;
    EXPECT_THAT(what, HasSubstr(row.says));
    EXPECT_THAT(what, Not(HasSubstr(kSecret)));
    EXPECT_THAT(what, Not(HasSubstr("\n")));
    EXPECT_EQ(s3.server.request_count(), 1U) << what;
  }
}

TEST(S3Errors, ThatPassAreTriedAgain) {
  const WireReply rows[] = {
      error_reply(503, "SlowDown"),
      error_reply(500, "InternalError"),
      error_reply(400, "RequestTimeout"),
      error_reply(409, "OperationAborted"),
      {.status = 429},
      {.status = 502},
      {.status = 504},
      {.status = 408},
  };
  for (const auto& row : rows) {
    const ScriptedS3 s3(in_order({row, {.headers = {{"ETag", "\"e\""}}, .body = "ok"}}));
    EXPECT_EQ(as_text(s3.store->read_all("k", 10, s3.context()).bytes), "ok") << row.status;
    EXPECT_EQ(s3.usage().retries, 1U);
    EXPECT_EQ(s3.usage().throttles, row.status == 503 || row.status == 429 ? 1U : 0U);
  }
}

TEST(S3Errors, ThatBreakOffAreAskedForAgain) {
  auto broken = error_reply(403, "ExpiredToken");
  broken.cut_at = 20;
  broken.ending = WireReply::Ending::close;
  const ScriptedS3 s3(testing::in_order({broken, {.headers = {{"ETag", "\"e\""}}, .body = "x"}}));
  EXPECT_EQ(as_text(s3.store->read_all("k", 10).bytes), "x");
  const ScriptedS3 never([&](const WireRequest&) { return broken; });
  EXPECT_EQ(thrown_by([&] { static_cast<void>(never.store->read_all("k", 10)); }).first,
            Errc::permission_denied)
      << "the status is what is left to say";
  EXPECT_EQ(never.server.request_count(), 4U);
}

TEST(S3List, AsksOnceAndRefusesGarbage) {
  const ScriptedS3 good(in_order({{.body = "<ListBucketResult><EncodingType>url</EncodingType>"
                                           "</ListBucketResult>"}}));
  EXPECT_TRUE(good.store->list_page({.prefix = "a b/", .delimiter = "/"}, "", good.context())
                  .objects.empty());
  EXPECT_EQ(good.server.requests().at(0).target,
            "/bucket?delimiter=%2F&encoding-type=url&list-type=2&prefix=a%20b%2F");
  EXPECT_EQ(good.usage().count(RequestKind::list), 1U);
  const ScriptedS3 bad(in_order({{.body = "<!DOCTYPE x><ListBucketResult/>"}}));
  EXPECT_EQ(
      thrown_by([&] { static_cast<void>(bad.store->list_page({}, "", bad.context())); }).first,
      Errc::corrupt_data);
}

TEST(S3Keys, ArePercentEncodedOnce) {
  const ScriptedS3 s3(in_order({{.headers = {{"ETag", "\"e\""}}}}));
  static_cast<void>(s3.store->stat("a b+c%20/ü?#&=", s3.context()));
  EXPECT_EQ(s3.server.requests().at(0).target, "/bucket/a%20b%2Bc%2520/%C3%BC%3F%23%26%3D");
}

TEST(S3Remove, SendsBatchesAndReportsKeys) {
  const ScriptedS3 s3([](const WireRequest& request) {
    EXPECT_NE(request.header("content-md5"), "");
    return WireReply{.body =
                         "<DeleteResult><Error><Key>key7</Key><Code>AccessDenied</Code>"
                         "<Message>no</Message></Error></DeleteResult>"};
  });
  std::vector<std::string> keys;
  for (int i = 0; i < 2500; ++i) keys.push_back("key" + std::to_string(i));
  const auto [code, what] = thrown_by([&] { s3.store->remove(keys, s3.context()); });
  EXPECT_EQ(code, Errc::permission_denied);
  EXPECT_THAT(what, HasSubstr("s3://bucket/key7"));
  EXPECT_EQ(s3.server.request_count(), 3U);
  EXPECT_EQ(s3.usage().count(RequestKind::remove), 3U);
}

TEST(S3Remove, AFaultOfSomeKeysIsTriedAgain) {
  const ScriptedS3 s3(in_order({{.body = "<DeleteResult><Error><Key>a</Key><Code>InternalError"
                                         "</Code></Error></DeleteResult>"},
                                {.body = "<DeleteResult/>"}}));
  const std::vector<std::string> keys = {"a", "b"};
  s3.store->remove(keys, s3.context());
  EXPECT_EQ(s3.server.request_count(), 2U);
}

TEST(S3Remove, KeysThatXmlCannotHoldGoAlone) {
  const ScriptedS3 s3([](const WireRequest& request) {
    return request.method == "DELETE" ? WireReply{.status = 204}
                                      : WireReply{.body = "<DeleteResult/>"};
  });
  const std::vector<std::string> keys = {"a", "ü", "b"};
  s3.store->remove(keys, s3.context());
  EXPECT_EQ(s3.count("DELETE"), 1U);
  EXPECT_EQ(s3.count("POST"), 1U);
}

TEST(S3Copy, IsDoneByTheStoreUnderTheSourcesEtag) {
  const ScriptedS3 s3([](const WireRequest& request) {
    auto head = written("src");
    head.content_length = 77;
    return request.method == "HEAD"
               ? head
               : WireReply{.body = "<CopyObjectResult><ETag>\"dst\"</ETag></CopyObjectResult>"};
  });
  const auto info = s3.store->copy("a b", "to", {}, s3.context());
  EXPECT_EQ(info.etag, "dst");
  EXPECT_EQ(info.size, 77U);
  const auto request = s3.server.requests().at(1);
  EXPECT_EQ(request.header("x-amz-copy-source"), "/bucket/a%20b");
  EXPECT_EQ(request.header("x-amz-copy-source-if-match"), "\"src\"");
}

TEST(S3Copy, WithAConditionOrOver5GiBGoesInParts) {
  const std::uint64_t size = (std::uint64_t{5} << 30U) + 1;
  const ScriptedS3 s3(multipart_store([&](const WireRequest& request) -> std::optional<WireReply> {
    if (request.method == "HEAD") {
      auto head = written("src");
      head.content_length = size;
      return head;
    }
    if (request.header("x-amz-copy-source").empty()) return std::nullopt;
    return WireReply{.body = "<CopyPartResult><ETag>\"p\"</ETag></CopyPartResult>"};
  }));
  EXPECT_EQ(s3.store->copy("from", "to", {.condition = Condition::if_absent()}, s3.context()).size,
            size);
  EXPECT_EQ(s3.usage().count(RequestKind::copy), 41U) << "parts of 128 MiB";
  EXPECT_EQ(s3.server.requests().back().header("if-none-match"), "*");
}

}  // namespace
}  // namespace cnf::storage
