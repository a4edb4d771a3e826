// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/s3/s3_headers_internal.h"
#include "cnf/core/storage/s3/s3_scripted_test.h"

namespace cnf::storage {
namespace {

using scripted::asks;
using scripted::error_reply;
using scripted::multipart_store;
using scripted::ScriptedS3;
using scripted::thrown_by;
using scripted::written;
using ::testing::HasSubstr;
using testing::HttpServer;
using testing::in_order;
using ::testing::Not;
using testing::WireReply;
using testing::WireRequest;

// printf '0123456789abcdef0123456789abcdef' | base64; … | openssl md5 -binary | base64
constexpr const char* kKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
constexpr const char* kKeyMd5 = "hRasmdxgYDKV3nvbahU1MA==";

// Answers whatever is asked for.
HttpServer::Script willing_store() {
  return multipart_store([](const WireRequest& request) -> std::optional<WireReply> {
    if (request.method == "GET" && asks(request, "list-type")) {
      return WireReply{.body = "<ListBucketResult/>"};
    }
    if (asks(request, "delete=")) return WireReply{.body = "<DeleteResult/>"};
    if (request.method == "GET" || request.method == "HEAD") {
      return WireReply{.headers = {{"ETag", "\"e\""}}, .body = "x"};
    }
    if (!request.header("x-amz-copy-source").empty()) {
      return WireReply{.body = "<CopyObjectResult><ETag>\"c\"</ETag></CopyObjectResult>"};
    }
    if (asks(request, "uploadId") || asks(request, "uploads=")) return std::nullopt;
    return written();
  });
}

// One request of every kind.
std::vector<WireRequest> all_requests(const Options& options) {
  const ScriptedS3 s3(willing_store(), 4, options);
  const auto context = s3.context();
  static_cast<void>(s3.store->list_page({}, "", context));
  static_cast<void>(s3.store->stat("k", context));
  static_cast<void>(s3.store->read_all("k", 10, context));
  s3.store->put("k", as_bytes("x"), {}, context);
  s3.store->copy("k", "to", {}, context);
  s3.store->copy("k", "to", {.condition = Condition::if_absent()}, context);
  s3.store->put("k", as_bytes(std::string((std::size_t{8} << 20U) + 1, 'p')), {}, context);
  s3.store->remove(std::vector<std::string>{"a", "b"}, context);
  return s3.server.requests();
}

TEST(S3Headers, TheRequesterPaysForEveryRequest) {
  Options options;
  options.requester_pays = true;
  const auto requests = all_requests(options);
  EXPECT_EQ(requests.size(), 15U);
  for (const auto& request : requests) {
    EXPECT_EQ(request.header("x-amz-request-payer"), "requester") << request.target;
    EXPECT_THAT(request.header("authorization"), HasSubstr("x-amz-request-payer"));
  }
  const ScriptedS3 s3(willing_store(), 4, options);
  EXPECT_THAT(s3.client->presign("GET", "k", std::chrono::hours(1)),
              HasSubstr("x-amz-request-payer=requester"));
}

TEST(S3Headers, EncryptionIsAskedForWhereAnObjectIsMade) {
  Options options;
  options.sse = "aws:kms";
  options.sse_kms_key_id = "arn:aws:kms:eu-west-1:1:key/2";
  int made = 0;
  for (const auto& request : all_requests(options)) {
    const bool makes =
        (request.method == "PUT" && !asks(request, "partNumber")) || asks(request, "uploads=");
    made += makes ? 1 : 0;
    EXPECT_EQ(request.header("x-amz-server-side-encryption"), makes ? "aws:kms" : "")
        << request.method << request.target;
    EXPECT_EQ(request.header("x-amz-server-side-encryption-aws-kms-key-id"),
              makes ? options.sse_kms_key_id : "");
  }
  EXPECT_EQ(made, 4);
}

TEST(S3Headers, TheCustomersKeyGoesWithEveryByte) {
  Options options;
  options.sse_customer_key = kKey;
  const std::string name = "x-amz-server-side-encryption-customer-";
  for (const auto& request : all_requests(options)) {
    const bool bytes = !asks(request, "list-type") && !asks(request, "delete=");
    const bool copies = !request.header("x-amz-copy-source").empty();
    EXPECT_EQ(request.header(name + "algorithm"), bytes ? "AES256" : "") << request.target;
    EXPECT_EQ(request.header(name + "key"), bytes ? kKey : "");
    EXPECT_EQ(request.header(name + "key-md5"), bytes ? kKeyMd5 : "");
    EXPECT_EQ(request.header("x-amz-copy-source-server-side-encryption-customer-key"),
              copies ? kKey : "");
    EXPECT_EQ(request.header("x-amz-copy-source-server-side-encryption-customer-key-md5"),
              copies ? kKeyMd5 : "");
  }
  const ScriptedS3 s3(willing_store(), 4, options);
  EXPECT_EQ(thrown_by([&] {
              static_cast<void>(s3.client->presign("GET", "k", std::chrono::hours(1)));
            }).first,
            Errc::unsupported);
}

TEST(S3Headers, TheCustomersKeyIsNotShownThoughTheStoreQuotesIt) {
  Options options;
  options.sse_customer_key = kKey;
  options.session_token = "a-token-of-some-length";
  for (const int status : {400, 200}) {
    const ScriptedS3 s3(
        in_order({{.status = status,
                   .body = std::string("<Error><Code>InvalidArgument</Code><Message>"
                                       "bad key ") +
                           kKey + " of a-token-of-some-length</Message></Error>"}}),
        4, options);
    const auto [code, what] =
        thrown_by([&] { s3.store->put("k", as_bytes("x"), {}, s3.context()); });
    EXPECT_THAT(what, HasSubstr("bad key (not shown)"));
    EXPECT_THAT(what, Not(HasSubstr(kKey)));
    EXPECT_THAT(what, Not(HasSubstr("a-token")));
  }
}

TEST(S3Headers, RefuseWhatContradictsItself) {
  struct Row {
    const char* name;
    std::string sse, kms_key, customer_key, endpoint;
  };
  const Row rows[] = {
      {"unknown kind", "DES", "", "", "https://h"},
      {"key without kms", "AES256", "id", "", "https://h"},
      {"header in the key", "aws:kms", "id\r\nX-Evil: 1", "", "https://h"},
      {"two kinds", "AES256", "", kKey, "https://h"},
      {"short key", "", "", "c2VjcmV0LWtleQ==", "https://h"},
      {"no base64", "", "", "secret-key!", "https://h"},
      {"in the clear", "", "", kKey, "http://h"},
  };
  for (const auto& row : rows) {
    Options options;
    options.sse = row.sse;
    options.sse_kms_key_id = row.kms_key;
    options.sse_customer_key = row.customer_key;
    const auto [code, what] =
        thrown_by([&] { static_cast<void>(S3Headers(options, parse_endpoint(row.endpoint))); });
    EXPECT_EQ(code, Errc::invalid_argument) << row.name;
    if (row.customer_key.empty()) continue;
    EXPECT_THAT(what, Not(HasSubstr(row.customer_key))) << row.name;
  }
}

}  // namespace
}  // namespace cnf::storage
