// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/gcs/gcs_scripted_test.h"

namespace cnf::storage {
namespace {

using scripted::asks;
using scripted::gcs_error;
using scripted::json_reply;
using scripted::resource;
using scripted::ScriptedGcs;
using scripted::thrown_by;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::in_order;
using testing::WireReply;
using testing::WireRequest;
using Ending = WireReply::Ending;
using Headers = std::vector<std::pair<std::string, std::string>>;

WireReply part_of(const std::string& object, std::size_t first, std::size_t last,
                  const std::string& generation = "7", const Headers& more = {}) {
  WireReply reply{
      .status = 206,
      .headers = {{"ETag", "\"anything\""},
                  {"X-Goog-Generation", generation},
                  {"Content-Range", "bytes " + std::to_string(first) + "-" + std::to_string(last) +
                                        "/" + std::to_string(object.size())}},
      .body = object.substr(first, last - first + 1)};
  for (const auto& header : more) reply.headers.push_back(header);
  return reply;
}

std::string fetch(const ScriptedGcs& gcs, std::uint64_t offset, std::size_t size,
                  const std::string& etag = "", const FetchOptions& options = {}) {
  std::string out(size, '?');
  FetchRequest request{"a/b c", offset, std::as_writable_bytes(std::span(out)), etag};
  gcs.store->fetch({&request, 1}, gcs.context(), {}, options);
  return out;
}

const std::string& object() {
  static const std::string text = [] {
    std::string out(300'000, '\0');
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>('a' + i * i % 23);
    return out;
  }();
  return text;
}

TEST(GcsFetch, AsksForBytesAsTheyAreStored) {
  const ScriptedGcs gcs(in_order({part_of(object(), 10, 19)}));
  EXPECT_EQ(fetch(gcs, 10, 10), object().substr(10, 10));
  const auto request = gcs.request(0);
  EXPECT_EQ(request.target, "/storage/v1/b/bucket/o/a%2Fb%20c?alt=media");
  EXPECT_EQ(request.header("range"), "bytes=10-19");
  EXPECT_EQ(request.header("accept-encoding"), "gzip");
  EXPECT_EQ(request.header("authorization"), std::string("Bearer ") + scripted::kToken);
}

TEST(GcsFetch, GoesOnUnderTheSameGeneration) {
  int answers = 0;
  const ScriptedGcs gcs([&](const WireRequest& request) {
    if (++answers == 2) return part_of(object(), 70'000, 199'999);
    auto reply = part_of(object(), 0, 199'999);
    reply.cut_at = 70'000;
    reply.ending = Ending::close;
    EXPECT_FALSE(asks(request, "ifGenerationMatch"));
    return reply;
  });
  EXPECT_EQ(fetch(gcs, 0, 200'000), object().substr(0, 200'000));
  ASSERT_EQ(gcs.server.request_count(), 2U);
  EXPECT_THAT(gcs.request(1).target, HasSubstr("alt=media&ifGenerationMatch=7"));
  EXPECT_EQ(gcs.request(1).header("range"), "bytes=70000-199999");
  EXPECT_EQ(gcs.request(1).header("if-match"), "") << "GCS's own ETag is not what is pinned";
}

TEST(GcsFetch, AnotherGenerationIsAnotherObject) {
  struct Row {
    const char* name = "";
    const char* etag = "";
    WireReply reply;
    bool asked_for = false;
  };
  const Row rows[] = {
      {"answered", "6", part_of(object(), 0, 9), true},
      {"refused", "6", gcs_error(412, "conditionNotMet"), true},
      {"no generation at all", "e1", part_of(object(), 0, 9), false},
      {"0 means absent", "0", part_of(object(), 0, 9), false},
  };
  for (const auto& row : rows) {
    const ScriptedGcs gcs(in_order({row.reply}));
    const auto [code, what] = thrown_by([&] { fetch(gcs, 0, 10, row.etag); });
    EXPECT_EQ(code, Errc::corrupt_data) << row.name;
    EXPECT_THAT(what, HasSubstr("gs://bucket/a/b c: the object changed")) << row.name;
    EXPECT_EQ(asks(gcs.request(0), "ifGenerationMatch=6"), row.asked_for) << row.name;
    EXPECT_EQ(gcs.usage().bytes_fetched, 0U) << row.name;
  }
}

TEST(GcsFetch, PiecesAreOfOneGeneration) {
  Options one_at_a_time;
  one_at_a_time.concurrency = 1;
  int answers = 0;
  const ScriptedGcs gcs(
      [&](const WireRequest&) {
        const auto first = static_cast<std::size_t>(answers++) * 500;
        return part_of(object(), first, first + 499, answers == 1 ? "7" : "8");
      },
      one_at_a_time);
  EXPECT_EQ(thrown_by([&] { fetch(gcs, 0, 1000, "", {.gap = 0, .max_request = 500}); }).first,
            Errc::corrupt_data);
}

TEST(GcsFetch, WhatWasUnpackedOnItsWayIsRefused) {
  struct Row {
    Headers headers;
    bool good;
  };
  const Row rows[] = {
      {{{"X-Goog-Stored-Content-Encoding", "identity"}}, true},
      {{{"X-Goog-Stored-Content-Encoding", "gzip"}, {"Content-Encoding", "gzip"}}, true},
      {{{"X-Goog-Stored-Content-Encoding", "gzip"}}, false},
      {{{"X-Goog-Stored-Content-Encoding", "identity"}, {"Content-Encoding", "gzip"}}, false},
  };
  for (const auto& row : rows) {
    const ScriptedGcs gcs(in_order({part_of(object(), 0, 9, "7", row.headers)}));
    const auto [code, what] =
        thrown_by([&] { EXPECT_EQ(fetch(gcs, 0, 10), object().substr(0, 10)); });
    if (row.good) {
      EXPECT_EQ(what, "nothing was thrown");
    } else {
      EXPECT_EQ(code, Errc::unsupported) << what;
      EXPECT_EQ(gcs.server.request_count(), 1U);
    }
  }
}

TEST(GcsFetch, TheWholeObjectIsNoRange) {
  const ScriptedGcs gcs(in_order({{.headers = {{"X-Goog-Generation", "7"}}, .body = object()}}));
  EXPECT_EQ(thrown_by([&] { fetch(gcs, 0, 10); }).first, Errc::unsupported);
}

TEST(GcsReadAll, TellsTheGenerationAndTheClass) {
  const ScriptedGcs gcs(in_order({{.headers = {{"ETag", "\"CJ/k=\""},
                                               {"X-Goog-Generation", "1795406139883832"},
                                               {"X-Goog-Storage-Class", "COLDLINE"},
                                               {"Last-Modified", "Fri, 02 Jan 2026 03:04:05 GMT"}},
                                   .body = "hello"}}));
  const auto read = gcs.store->read_all("k", 100, gcs.context());
  EXPECT_EQ(as_text(read.bytes), "hello");
  EXPECT_EQ(read.info.etag, "1795406139883832");
  EXPECT_EQ(read.info.storage_class, "COLDLINE");
  EXPECT_EQ(read.info.modified.time_since_epoch().count(), 1767323045);  // date -d … +%s
}

TEST(GcsReadTail, OfAnEmptyObjectIsEmpty) {
  // Google's answer, whose only news is that there is no such range; and fake-gcs-server's.
  const WireReply answers[] = {
      {.status = 416, .headers = {{"Content-Range", "bytes */0"}}},
      {.status = 206, .headers = {{"X-Goog-Generation", "7"}, {"Content-Range", "bytes 0--1/0"}}}};
  for (const auto& answer : answers) {
    const ScriptedGcs gcs([&](const WireRequest& request) {
      return asks(request, "alt=media") ? answer : json_reply(resource(""));
    });
    const auto read = gcs.store->read_tail("k", 100, gcs.context());
    EXPECT_TRUE(read.bytes.empty());
    EXPECT_EQ(read.info.etag, "7");
    EXPECT_EQ(gcs.request(0).header("range"), "bytes=-100");
  }
}

TEST(GcsStat, AsksForTheResource) {
  const ScriptedGcs gcs(in_order({json_reply(resource("hello", "8"))}));
  const auto info = gcs.store->stat("a/b", gcs.context());
  EXPECT_EQ(info.key, "a/b");
  EXPECT_EQ(info.size, 5U);
  EXPECT_EQ(info.etag, "8");
  EXPECT_EQ(info.storage_class, "NEARLINE");
  EXPECT_EQ(info.modified.time_since_epoch().count(), 1767323045);
  const auto request = gcs.request(0);
  EXPECT_EQ(request.method, "GET") << "a HEAD is not documented";
  EXPECT_EQ(request.target,
            "/storage/v1/b/bucket/o/"
            "a%2Fb?fields=size%2Cgeneration%2Cupdated%2CstorageClass%2Ccrc32c%2Cmetadata");
  EXPECT_EQ(gcs.usage().count(RequestKind::head), 1U);
}

TEST(GcsStat, AbsenceIsAnAnswer) {
  const ScriptedGcs gcs(in_order({gcs_error(404, "notFound", "No such object: bucket/k")}));
  EXPECT_EQ(gcs.store->try_stat("k", gcs.context()), std::nullopt);
  EXPECT_EQ(thrown_by([&] { static_cast<void>(gcs.store->stat("k", gcs.context())); }).first,
            Errc::not_found);
}

TEST(GcsStat, AnAnswerThatSaysTooLittleIsCorrupt) {
  for (const char* json : {"", "[]", "{}", R"({"size":"1"})", R"({"size":"x","generation":"1"})",
                           R"({"size":"1","generation":"0"})", R"({"size":"-1","generation":"1"})",
                           R"({"size":"1","generation":"99999999999999999999"})",
                           R"({"size":"1","generation":"1","updated":"yesterday"})"}) {
    const ScriptedGcs gcs(in_order({json_reply(json)}));
    EXPECT_EQ(thrown_by([&] { static_cast<void>(gcs.store->stat("k", gcs.context())); }).first,
              Errc::corrupt_data)
        << json;
  }
}

std::string item(const std::string& name) {
  return R"({"name":")" + name +
         R"(","size":"3","generation":"5","updated":"2026-01-02T03:04:05Z"})";
}

TEST(GcsList, StartsAfterAndGoesOnFromPageToPage) {
  const ScriptedGcs gcs(
      in_order({json_reply(R"({"nextPageToken":"t 1","prefixes":["p/a/","p/c/"],"items":[)" +
                           item("p/b") + "," + item("p/d") + "]}"),
                json_reply(R"({"items":[)" + item("p/e") + "]}")}));
  const ListOptions options{.prefix = "p/", .delimiter = "/", .start_after = "p/b"};
  const auto page = gcs.store->list_page(options, "", gcs.context());
  EXPECT_THAT(page.prefixes, ElementsAre("p/c/")) << "p/a/ is before";
  ASSERT_EQ(page.objects.size(), 1U) << "startOffset itself is not after";
  EXPECT_EQ(page.objects[0].key, "p/d");
  EXPECT_EQ(page.objects[0].etag, "5");
  EXPECT_EQ(gcs.store->list_page(options, page.next, gcs.context()).next, "");
  EXPECT_EQ(gcs.request(0).target,
            "/storage/v1/b/bucket/o?delimiter=%2F&fields=nextPageToken%2Cprefixes%2Citems%28name%"
            "2Csize%2Cgeneration%2Cupdated%2CstorageClass%29&maxResults=1000&prefix=p%2F&"
            "startOffset=p%2Fb");
  EXPECT_THAT(gcs.request(1).target, HasSubstr("&pageToken=t%201&"));
}

TEST(GcsList, ABucketWithoutObjectsIsEmpty) {
  const ScriptedGcs gcs(in_order({json_reply("{}")}));
  const auto page = gcs.store->list_page({}, "", gcs.context());
  EXPECT_TRUE(page.objects.empty());
  EXPECT_EQ(page.next, "");
}

TEST(GcsList, WhatWasNotAskedForIsRefused) {
  for (const std::string& json :
       {R"({"items":[)" + item("other") + "]}", R"({"items":[)" + item("") + "]}",
        std::string(R"({"prefixes":["other/"]})"), std::string(R"({"prefixes":[1]})"),
        std::string(R"({"prefixes":{}})"), std::string(R"({"items":{}})"),
        std::string(R"({"items":[1]})"), std::string(R"({"nextPageToken":1})"),
        std::string("{\"items\":["), "{\"prefixes\":[\"p/\xff\"]}" + std::string()}) {
    const ScriptedGcs gcs(in_order({json_reply(json)}));
    EXPECT_EQ(thrown_by([&] {
                static_cast<void>(gcs.store->list_page({.prefix = "p/"}, "", gcs.context()));
              }).first,
              Errc::corrupt_data)
        << json;
  }
}

}  // namespace
}  // namespace cnf::storage
