// SPDX-License-Identifier: Apache-2.0
// Lists as stores give them that are not quite S3, and what is left of uploads.
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/s3/s3_scripted_test.h"
#include "cnf/core/storage/wrappers.h"

namespace cnf::storage {
namespace {

using scripted::asks;
using scripted::error_reply;
using scripted::ScriptedS3;
using scripted::thrown_by;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::in_order;
using ::testing::Not;
using testing::WireReply;
using testing::WireRequest;

std::string object(const std::string& key) {
  return "<Contents><Key>" + key +
         "</Key><Size>1</Size><ETag>e</ETag><LastModified>2024-01-01T00:00:00Z</LastModified>"
         "</Contents>";
}

std::string folder(const std::string& prefix) {
  return "<CommonPrefixes><Prefix>" + prefix + "</Prefix></CommonPrefixes>";
}

// A page; the last one without a token.
WireReply page(const std::string& entries, const std::string& token = "") {
  const std::string next = token.empty()
                               ? ""
                               : "<IsTruncated>true</IsTruncated><NextContinuationToken>" + token +
                                     "</NextContinuationToken>";
  return {.body = "<ListBucketResult><EncodingType>url</EncodingType>" + next + entries +
                  "</ListBucketResult>"};
}

std::vector<std::string> keys_of(const ScriptedS3& s3, const ListOptions& options = {}) {
  std::vector<std::string> out;
  for (const auto& info : s3.store->list(options, s3.context())) out.push_back(info.key);
  return out;
}

TEST(S3Listing, GoesOnBehindEmptyPages) {
  const ScriptedS3 s3(
      in_order({page("", "t1"), page(object("a"), "t2"), page("", "t3"), page("")}));
  EXPECT_THAT(keys_of(s3), ElementsAre("a"));
  EXPECT_EQ(s3.server.request_count(), 4U);
  EXPECT_TRUE(asks(s3.server.requests()[3], "continuation-token=t3"));
}

TEST(S3Listing, EndsWhenTokensGoRoundInACircle) {
  for (const std::size_t circle : {1U, 2U, 5U}) {
    std::size_t pages = 0;
    const ScriptedS3 s3([&](const WireRequest&) {
      return page(object("a"), "t" + std::to_string(++pages % circle));
    });
    const auto [code, what] = thrown_by([&] { keys_of(s3); });
    EXPECT_EQ(code, Errc::corrupt_data) << what;
    EXPECT_THAT(what, HasSubstr("circle"));
    EXPECT_LE(s3.server.request_count(), 3 * circle + 1) << circle;
  }
}

TEST(S3Listing, ShowsACommonPrefixOnce) {
  const ScriptedS3 s3(in_order({page(object("a") + folder("b/"), "t1"),
                                page(folder("b/") + object("b0"), "t2"), page(folder("c/"))}));
  EXPECT_THAT(keys_of(s3, {.delimiter = "/"}), ElementsAre("a", "b/", "b0", "c/"));
}

TEST(S3Listing, StartsBehindWhereTheStoreDoesNot) {
  const ScriptedS3 s3(in_order(
      {page(object("a") + folder("b/"), "t1"), page(object("c") + folder("d/") + object("e"))}));
  EXPECT_THAT(keys_of(s3, {.delimiter = "/", .start_after = "c"}), ElementsAre("d/", "e"));
}

TEST(S3Listing, DecodesKeysOnceAndOpensNoneThatIsNoKey) {
  const ScriptedS3 s3(
      in_order({page(object("a%25+b%2Bc%20d%2520") + object("line%0Aend") + object("x%2F%2Fy"))}));
  const auto keys = keys_of(s3);
  EXPECT_THAT(keys, ElementsAre("a% b+c d%20", "line\nend", "x//y"));
  for (std::size_t i : {1U, 2U}) {
    const auto [code, what] =
        thrown_by([&] { static_cast<void>(s3.store->read_all(keys[i], 10, s3.context())); });
    EXPECT_EQ(code, Errc::invalid_argument);
    EXPECT_THAT(what, Not(HasSubstr("\n")));
  }
  EXPECT_EQ(s3.server.request_count(), 1U);
}

TEST(S3Removal, GoesOneByOneWhereTheStoreHasNoBatches) {
  for (const auto& refusal : {error_reply(501, "NotImplemented"), WireReply{.status = 405},
                              error_reply(400, "InvalidArgument")}) {
    const ScriptedS3 s3([&](const WireRequest& request) {
      return request.method == "POST" ? refusal : WireReply{.status = 204};
    });
    const std::vector<std::string> keys = {"a", "b", "c"};
    s3.store->remove(keys, s3.context());
    s3.store->remove(keys, s3.context());
    EXPECT_EQ(s3.count("POST"), 1U) << "the store is asked once";
    EXPECT_EQ(s3.count("DELETE"), 6U);
  }
}

TEST(S3ReadTail, LongerThanTheObjectIsReadWholeWhereTheStoreRefusesIt) {
  const ScriptedS3 s3([](const WireRequest& request) {
    if (!request.header("range").empty()) return error_reply(416, "InvalidRange");
    return WireReply{.headers = {{"ETag", "\"e\""}}, .body = "abc"};
  });
  const auto read = s3.store->read_tail("k", 100, s3.context());
  EXPECT_EQ(as_text(read.bytes), "abc");
  EXPECT_EQ(read.info.size, 3U);
}

TEST(S3Removal, WhatFailsInABatchGoesAloneIfItWasAskedFor) {
  const ScriptedS3 s3([&](const WireRequest& request) {
    if (request.method == "DELETE") return WireReply{.status = 204};
    return WireReply{.body =
                         "<DeleteResult><Error><Key>b</Key><Code>InternalError</Code></Error>"
                         "</DeleteResult>"};
  });
  const std::vector<std::string> keys = {"a", "b", "c"};
  s3.store->remove(keys, s3.context());
  ASSERT_EQ(s3.server.request_count(), 2U);
  EXPECT_EQ(s3.server.requests()[1].target, "/bucket/b");
  const std::vector<std::string> others = {"x", "y"};
  EXPECT_THROW(s3.store->remove(others, s3.context()), Error) << "nobody asked for b";
  EXPECT_EQ(s3.server.request_count(), 3U);
}

std::string upload(const std::string& key, const std::string& id, const std::string& begun) {
  return "<Upload><Key>" + key + "</Key><UploadId>" + id + "</UploadId><Initiated>" + begun +
         "</Initiated></Upload>";
}

WireReply uploads(const std::string& entries, const std::string& next = "") {
  const std::string more = next.empty() ? ""
                                        : "<IsTruncated>true</IsTruncated><NextKeyMarker>" + next +
                                              "</NextKeyMarker><NextUploadIdMarker>i"
                                              "</NextUploadIdMarker>";
  return {.body =
              "<ListMultipartUploadsResult>" + more + entries + "</ListMultipartUploadsResult>"};
}

constexpr const char* kLongAgo = "2020-01-01T00:00:00.000Z";
constexpr const char* kInTheFuture = "2999-01-01T00:00:00.000Z";

TEST(S3Uploads, ThatAreStaleAreGivenUpBelowThePrefixAlone) {
  const ScriptedS3 s3([](const WireRequest& request) {
    if (request.method == "DELETE") {
      return asks(request, "uploadId=gone") ? error_reply(404, "NoSuchUpload")
                                            : WireReply{.status = 204};
    }
    return asks(request, "key-marker=p%2Fb")
               ? uploads(upload("p/c", "gone", kLongAgo) + upload("q/d", "other", kLongAgo))
               : uploads(upload("p/a", "1", kLongAgo) + upload("p/b", "young", kInTheFuture),
                         "p/b");
  });
  const auto place = prefixed(s3.store, "p");
  const auto found = place->stale_uploads({}, std::chrono::hours(1), s3.context());
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].key, "a");
  EXPECT_EQ(found[1].key, "c");
  EXPECT_EQ(s3.count("DELETE"), 0U);
  EXPECT_EQ(place->abort_stale_uploads({}, std::chrono::hours(1), s3.context()), 2U);
  std::vector<std::string> aborted;
  for (const auto& request : s3.server.requests()) {
    if (request.method == "DELETE") aborted.push_back(request.target);
  }
  EXPECT_THAT(aborted, ::testing::UnorderedElementsAre("/bucket/p/a?uploadId=1",
                                                       "/bucket/p/c?uploadId=gone"));
}

TEST(S3Uploads, FailuresAreTold) {
  const ScriptedS3 refused([](const WireRequest& request) {
    return request.method == "DELETE" ? error_reply(403, "AccessDenied")
                                      : uploads(upload("a", "1", kLongAgo));
  });
  EXPECT_EQ(thrown_by([&] {
              refused.store->abort_stale_uploads({}, std::chrono::seconds(0), refused.context());
            }).first,
            Errc::permission_denied);
  const ScriptedS3 circle(in_order({uploads(upload("a", "1", kLongAgo), "a")}));
  EXPECT_EQ(thrown_by([&] {
              static_cast<void>(
                  circle.store->stale_uploads({}, std::chrono::seconds(0), circle.context()));
            }).first,
            Errc::corrupt_data);
  EXPECT_EQ(circle.server.request_count(), 2U);
}

}  // namespace
}  // namespace cnf::storage
