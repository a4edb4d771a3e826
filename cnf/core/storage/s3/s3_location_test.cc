// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/s3/s3_location_internal.h"
#include "cnf/core/storage/s3/s3_scripted_test.h"

namespace cnf::storage {
namespace {

using scripted::error_reply;
using scripted::kSecret;
using scripted::ScriptedS3;
using scripted::thrown_by;
using scripted::written;
using ::testing::HasSubstr;
using testing::HttpServer;
using testing::in_order;
using ::testing::Not;
using testing::WireReply;
using testing::WireRequest;

bool is_signed_for(const WireRequest& request, const std::string& region) {
  return request.header("authorization").find("/" + region + "/s3/aws4_request") !=
         std::string::npos;
}

WireReply with_region(WireReply reply) {
  reply.headers.emplace_back("x-amz-bucket-region", "eu-west-1");
  return reply;
}

FileInfo put(const ScriptedS3& s3) {
  return s3.store->put("a b", as_bytes("data"), {}, s3.context());
}

// Refuses what is not signed for eu-west-1, as `refusal` does.
HttpServer::Script in_ireland(const WireReply& refusal) {
  return [refusal](const WireRequest& request) {
    if (request.target == "/bucket" && request.method == "HEAD") {
      EXPECT_EQ(request.header("authorization"), "")
          << "who asks where the bucket is signs nothing";
      return with_region({.status = 403});
    }
    return is_signed_for(request, "eu-west-1") ? written() : refusal;
  };
}

TEST(S3Region, IsLearntFromTheAnswerAndKept) {
  const WireReply rows[] = {
      with_region(error_reply(301, "PermanentRedirect")),
      error_reply(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"),
      with_region(error_reply(400, "IllegalLocationConstraintException")),
  };
  for (const auto& row : rows) {
    const ScriptedS3 s3(in_ireland(row));
    EXPECT_EQ(put(s3).etag, "e1");
    EXPECT_EQ(put(s3).etag, "e1");
    EXPECT_EQ(s3.server.request_count(), 3U) << "only the first one went wrong";
    EXPECT_EQ(s3.server.requests()[1].body, "data");
    EXPECT_THAT(s3.client->presign("GET", "k", std::chrono::hours(1)), HasSubstr("eu-west-1"));
  }
}

TEST(S3Region, IsAskedForOnceWhereTheAnswerHasNone) {
  const ScriptedS3 by_redirect(in_ireland(error_reply(301, "PermanentRedirect")));
  put(by_redirect);
  put(by_redirect);
  EXPECT_EQ(by_redirect.server.request_count(), 4U);
  EXPECT_EQ(by_redirect.count("HEAD"), 1U);

  const ScriptedS3 by_head(in_ireland({.status = 400}));
  EXPECT_EQ(by_head.store->stat("k", by_head.context()).etag, "e1");
  EXPECT_EQ(by_head.server.request_count(), 3U);
}

TEST(S3Region, ThatCannotBeFoundEndsTheCall) {
  const ScriptedS3 silent([](const WireRequest& request) {
    return request.method == "HEAD" ? WireReply{.status = 404} : error_reply(301, "Moved");
  });
  EXPECT_EQ(thrown_by([&] { put(silent); }).first, Errc::invalid_argument);
  EXPECT_EQ(silent.server.request_count(), 3U);

  const ScriptedS3 stubborn(in_order({with_region(error_reply(301, "PermanentRedirect"))}));
  const auto [code, what] = thrown_by([&] { put(stubborn); });
  EXPECT_EQ(code, Errc::invalid_argument);
  EXPECT_THAT(what, HasSubstr("region=eu-west-1"));
  EXPECT_EQ(stubborn.server.request_count(), 2U) << "not for ever";
}

TEST(S3Redirect, IsFollowedToAnotherPortOfTheHost) {
  const HttpServer there(in_order({written("there")}));
  const ScriptedS3 s3([&](const WireRequest&) {
    auto reply = error_reply(307, "TemporaryRedirect");
    reply.headers.emplace_back("Location", there.endpoint() + "/bucket/a%20b?x=1");
    return reply;
  });
  EXPECT_EQ(put(s3).etag, "there");
  EXPECT_EQ(put(s3).etag, "there");
  EXPECT_EQ(s3.server.request_count(), 1U);
  const auto request = there.requests().at(0);
  EXPECT_EQ(request.target, "/bucket/a%20b");
  EXPECT_EQ(request.body, "data");
  EXPECT_EQ("http://" + request.header("host"), there.endpoint());
  EXPECT_NE(request.header("authorization"), s3.server.requests()[0].header("authorization"));
}

TEST(S3Redirect, ToAForeignHostIsRefusedAndItsQueryNotShown) {
  const HttpServer foreign(in_order({written()}));
  const auto port = foreign.endpoint().substr(foreign.endpoint().rfind(':'));
  const ScriptedS3 s3([&](const WireRequest&) {
    return WireReply{
        .status = 307,
        .headers = {{"Location", "http://localhost" + port + "/bucket/a%20b?X-Amz-Signature=abc"}}};
  });
  const auto [code, what] = thrown_by([&] { put(s3); });
  EXPECT_EQ(code, Errc::invalid_argument);
  EXPECT_THAT(what, HasSubstr("localhost" + port));
  EXPECT_THAT(what, Not(HasSubstr("abc")));
  EXPECT_THAT(what, Not(HasSubstr(kSecret)));
  EXPECT_EQ(s3.server.request_count(), 1U);
  EXPECT_EQ(foreign.request_count(), 0U);
}

S3Location at(const std::string& endpoint, bool path_style) {
  return {"bucket",
          {.region = "us-east-1", .endpoint = parse_endpoint(endpoint), .path_style = path_style}};
}

struct HintCase {
  const char* name = "";
  const char* endpoint = "";
  bool path_style = false;
  S3Location::Hint hint;
  const char* want = "";  // where the next request goes
};

constexpr const char* kAws = "https://s3.us-east-1.amazonaws.com";

const HintCase kHintCases[] = {
    {"region by host",
     kAws,
     false,
     {.region = "eu-west-1"},
     "https://bucket.s3.eu-west-1.amazonaws.com/k"},
    {"region by path",
     kAws,
     true,
     {.region = "eu-west-1"},
     "https://s3.eu-west-1.amazonaws.com/bucket/k"},
    {"region of a vendor",
     "https://s3.us-east-1.vendor.example",
     true,
     {.region = "eu-1"},
     "https://s3.eu-1.vendor.example/bucket/k"},
    {"the vendor stays",
     "https://s3.us-east-1.example",
     true,
     {.region = "eu-1"},
     "https://s3.us-east-1.example/bucket/k"},
    {"no region",
     kAws,
     false,
     {.region = "evil.example/"},
     "https://bucket.s3.us-east-1.amazonaws.com/k"},
    {"host of the error",
     "https://s3.amazonaws.com",
     true,
     {.region = "eu-west-1", .url = "bucket.s3-eu-west-1.amazonaws.com"},
     "https://bucket.s3-eu-west-1.amazonaws.com/k"},
    {"location",
     kAws,
     false,
     {.url = "https://bucket.s3-us-west-2.amazonaws.com/k?q", .temporary = true},
     "https://bucket.s3-us-west-2.amazonaws.com/k"},
    {"a customer's host at AWS",
     kAws,
     false,
     {.url = "https://bucket.ec2-1-2-3-4.compute.amazonaws.com/k", .temporary = true},
     "https://bucket.s3.us-east-1.amazonaws.com/k"},
    {"another bucket at AWS",
     kAws,
     true,
     {.url = "https://evil.s3.us-east-1.amazonaws.com/bucket/k", .temporary = true},
     "https://s3.us-east-1.amazonaws.com/bucket/k"},
    {"below the endpoint",
     "https://store.example",
     true,
     {.url = "https://node2.store.example/bucket/k", .temporary = true},
     "https://node2.store.example/bucket/k"},
    {"beside the endpoint",
     "https://store.example",
     true,
     {.url = "https://evilstore.example/bucket/k", .temporary = true},
     "https://store.example/bucket/k"},
    {"another object",
     "https://store.example",
     true,
     {.url = "https://store.example:81/bucket/other", .temporary = true},
     "https://store.example/bucket/k"},
    {"without TLS",
     "https://store.example",
     true,
     {.url = "http://store.example/bucket/k", .temporary = true},
     "https://store.example/bucket/k"},
    {"with a password",
     "https://store.example",
     true,
     {.url = "https://store.example:x@evil.example/bucket/k", .temporary = true},
     "https://store.example/bucket/k"},
    {"a bucket in the endpoint's name",
     "https://bucket.example",
     true,
     {.url = "https://bucket.example:444/bucket/k", .temporary = true},
     "https://bucket.example:444/bucket/k"},
};

TEST(S3Location, GoesOnlyWhereTheVendorIs) {
  for (const auto& row : kHintCases) {
    auto location = at(row.endpoint, row.path_style);
    const auto sent = location.request("GET", "k");
    const bool moves = location.learn(row.hint, sent);
    auto next = location.request("GET", "k");
    const auto before = next.url();
    location.readdress(next);
    EXPECT_EQ(next.url(), row.want) << row.name;
    EXPECT_EQ(moves, before != row.want) << row.name;
  }
}

}  // namespace
}  // namespace cnf::storage
