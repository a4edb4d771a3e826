// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/gcs/gcs_scripted_test.h"

namespace cnf::storage {
namespace {

using scripted::asks;
using scripted::between;
using scripted::gcs_error;
using scripted::json_reply;
using scripted::mark_in;
using scripted::resource;
using scripted::ScriptedGcs;
using scripted::thrown_by;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::HttpServer;
using testing::in_order;
using testing::WireReply;
using testing::WireRequest;
using Ending = WireReply::Ending;

const WireReply kLost{.without_head = true, .ending = Ending::reset};

FileInfo put(const ScriptedGcs& gcs, const Condition& condition = {}) {
  return gcs.store->put("a/b", as_bytes("data"), {.condition = condition, .content_type = "text/x"},
                        gcs.context());
}

TEST(GcsPut, IsOneRequestWithItsMetadata) {
  const ScriptedGcs gcs(in_order({json_reply(resource("data", "8"))}));
  const auto info = put(gcs, Condition::if_absent());
  EXPECT_EQ(info.etag, "8");
  EXPECT_EQ(info.size, 4U);
  ASSERT_EQ(gcs.server.request_count(), 1U);
  const auto request = gcs.request(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target,
            "/upload/storage/v1/b/bucket/o?ifGenerationMatch=0&name=a%2Fb&uploadType=multipart");
  const auto boundary = between(request.header("content-type") + ";", "related; boundary=", ";");
  EXPECT_EQ(request.body,
            "--" + boundary +
                "\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
                R"({"contentType":"text/x","crc32c":"rth90Q==","metadata":{"cnf-write":")" +
                mark_in(request) + "\"}}\r\n--" + boundary +
                "\r\nContent-Type: text/x\r\n\r\ndata\r\n--" + boundary + "--\r\n");
  EXPECT_EQ(gcs.usage().bytes_sent, 4U);
}

TEST(GcsPut, ARefusedConditionIsNotAskedTwice) {
  const ScriptedGcs gcs(in_order({gcs_error(412, "conditionNotMet")}));
  EXPECT_EQ(thrown_by([&] { put(gcs, Condition::if_absent()); }).first, Errc::already_exists);
  EXPECT_EQ(thrown_by([&] { put(gcs, Condition::if_match("7")); }).first,
            Errc::precondition_failed);
  EXPECT_TRUE(asks(gcs.request(1), "ifGenerationMatch=7"));
  EXPECT_EQ(gcs.server.request_count(), 2U);
}

TEST(GcsPut, AnEtagThatIsNoGenerationMatchesNothing) {
  const ScriptedGcs gcs(in_order({json_reply(resource("data"))}));
  for (const char* etag : {"0", "e1", "-1", "7 ", "99999999999999999999"}) {
    EXPECT_EQ(thrown_by([&] { put(gcs, Condition::if_match(etag)); }).first,
              Errc::precondition_failed)
        << etag;
  }
  EXPECT_EQ(gcs.server.request_count(), 0U);
}

// The first POST takes effect, its answer is lost, and the second finds the object there.
HttpServer::Script lost_reply(bool own) {
  auto posts = std::make_shared<int>(0);
  auto mark = std::make_shared<std::string>();
  return [=](const WireRequest& request) {
    if (request.method == "GET")
      return json_reply(resource("data", "9", own ? *mark : "another's"));
    *mark = mark_in(request);
    return ++*posts == 1 ? kLost : gcs_error(412, "conditionNotMet");
  };
}

TEST(GcsPut, ALostReplyIsNoRefusal) {
  for (const auto& condition : {Condition::if_absent(), Condition::if_match("7")}) {
    const ScriptedGcs gcs(lost_reply(true));
    EXPECT_EQ(put(gcs, condition).etag, "9");
    EXPECT_EQ(gcs.count("GET"), 1U);
  }
}

TEST(GcsPut, ALostReplyAndAnotherWriterIsARefusal) {
  const ScriptedGcs gcs(lost_reply(false));
  EXPECT_EQ(thrown_by([&] { put(gcs, Condition::if_absent()); }).first, Errc::already_exists);
}

TEST(GcsPut, WhatTheStoreHasOtherwiseIsTakenBack) {
  for (const char* other : {"dada", "dat"}) {
    const ScriptedGcs gcs(in_order({json_reply(resource(other, "8")), {.status = 204}}));
    EXPECT_EQ(thrown_by([&] { put(gcs); }).first, Errc::corrupt_data);
    EXPECT_EQ(gcs.request(1).method, "DELETE");
    EXPECT_EQ(gcs.request(1).target, "/storage/v1/b/bucket/o/a%2Fb?ifGenerationMatch=8");
  }
}

TEST(GcsPut, WhatTheNetworkDamagedIsSentAgain) {
  const ScriptedGcs gcs(in_order(
      {gcs_error(400, "invalid", "Provided CRC32C does not or doesn't match calculated CRC32C"),
       json_reply(resource("data"))}));
  EXPECT_EQ(put(gcs).etag, "7");
}

constexpr std::size_t kUnit = std::size_t{256} << 10;

// A store that takes one resumable upload, as Google documents it.
struct Session {
  std::string bytes = {};
  std::string mark = {};
  bool done = false;
  std::vector<std::string> content_ranges = {};
  /// Answers instead, or only thinks of it: keeps so many bytes of a chunk at most.
  std::function<std::optional<WireReply>(const WireRequest&)> spoil = {};
  std::size_t most_kept = std::size_t{1} << 40U;
  std::function<bool()> loses_answer = [] { return false; };

  WireReply answer(const WireRequest& request) {
    if (spoil) {
      if (auto reply = spoil(request)) return *reply;
    }
    if (request.method == "POST") {
      mark = mark_in(request);
      return {.headers = {{"Location", "http://elsewhere.invalid/x?a=b&upload_id=u%201&c"}}};
    }
    if (request.method == "DELETE") return {.status = 499};
    if (request.method == "GET") return json_reply(resource(bytes, "8", mark));
    const auto reply = take(request);
    return loses_answer() ? gcs_error(503, "backendError") : reply;
  }

 private:
  WireReply take(const WireRequest& request) {
    const auto range = request.header("content-range");
    content_ranges.push_back(range);
    const auto total = range.substr(range.find('/') + 1);
    if (!request.body.empty()) {
      const auto first = std::stoull(range.substr(6));
      EXPECT_LE(first, bytes.size()) << "a gap";
      // Bytes that it has already it ignores.
      const auto known = std::min<std::size_t>(bytes.size() - first, request.body.size());
      bytes += request.body.substr(known, most_kept);
    }
    done = done || total == std::to_string(bytes.size());
    if (done) return json_reply(resource(bytes, "8", mark));
    WireReply reply{.status = 308};
    if (!bytes.empty()) {
      reply.headers.emplace_back("Range", "bytes=0-" + std::to_string(bytes.size() - 1));
    }
    return reply;
  }
};

const std::string& big() {
  static const std::string text = [] {
    std::string out(2 * kUnit + 3, '\0');
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>('a' + i * i % 23);
    return out;
  }();
  return text;
}

// Chunks of 256 KiB.
ScriptedGcs store_of(Session& session) {
  Options options;
  options.part_size = 1;
  return ScriptedGcs([&session](const WireRequest& request) { return session.answer(request); },
                     options);
}

FileInfo put_big(const ScriptedGcs& gcs, const Condition& condition = {}) {
  return gcs.store->put("k", as_bytes(big()), {.condition = condition}, gcs.context());
}

TEST(GcsUpload, SendsChunksAndItsChecksumWithTheLast) {
  Session session;
  const auto gcs = store_of(session);
  const auto info = put_big(gcs, Condition::if_absent());
  EXPECT_EQ(info.size, big().size());
  EXPECT_EQ(info.etag, "8");
  EXPECT_TRUE(session.bytes == big());
  EXPECT_THAT(session.content_ranges, ElementsAre("bytes 0-262143/*", "bytes 262144-524287/*",
                                                  "bytes 524288-524290/524291"));
  const auto requests = gcs.server.requests();
  ASSERT_EQ(requests.size(), 4U);
  EXPECT_EQ(requests[0].target,
            "/upload/storage/v1/b/bucket/o?ifGenerationMatch=0&name=k&uploadType=resumable");
  EXPECT_THAT(requests[0].body, HasSubstr(R"("contentType":"application/octet-stream")"));
  EXPECT_THAT(requests[1].target, EndsWith("&uploadType=resumable&upload_id=u%201"))
      << "to our own endpoint, whatever the session's URI says";
  EXPECT_EQ(requests[2].header("x-goog-hash"), "");
  EXPECT_EQ(requests[3].header("x-goog-hash"), "crc32c=" + crc32c_text(crc32c(as_bytes(big()))));
  EXPECT_EQ(gcs.usage().bytes_sent, big().size());
}

TEST(GcsUpload, SendsAgainWhatWasNotKept) {
  Session session{.most_kept = 100'000};
  const auto gcs = store_of(session);
  EXPECT_EQ(put_big(gcs).size, big().size());
  EXPECT_TRUE(session.bytes == big());
  EXPECT_THAT(session.content_ranges,
              ElementsAre("bytes 0-262143/*", "bytes 100000-262143/*", "bytes 200000-262143/*",
                          "bytes 262144-524287/*", "bytes 362144-524287/*", "bytes 462144-524287/*",
                          "bytes 524288-524290/524291"));
}

TEST(GcsUpload, AsksAfterALostAnswer) {
  int answers = 0;
  Session session{.most_kept = 200'000};
  session.loses_answer = [&] { return ++answers == 1; };
  const auto gcs = store_of(session);
  EXPECT_EQ(put_big(gcs).size, big().size());
  EXPECT_TRUE(session.bytes == big());
  EXPECT_THAT(std::vector(session.content_ranges.begin(), session.content_ranges.begin() + 3),
              ElementsAre("bytes 0-262143/*", "bytes */*", "bytes 200000-262143/*"));
}

TEST(GcsUpload, ALostLastAnswerIsToldByTheSession) {
  int answers = 0;
  Session session;
  session.loses_answer = [&] { return ++answers == 3; };
  const auto gcs = store_of(session);
  EXPECT_EQ(put_big(gcs, Condition::if_absent()).etag, "8");
  EXPECT_EQ(session.content_ranges.back(), "bytes */524291");
}

TEST(GcsUpload, WhoseSessionEndedWithItsAnswerIsKnownByItsMark) {
  for (const bool own : {true, false}) {
    Session session;
    int answers = 0;
    session.loses_answer = [&] { return ++answers == 3; };
    session.spoil = [&](const WireRequest& request) -> std::optional<WireReply> {
      if (!session.done || request.method != "PUT") return std::nullopt;
      if (!own) session.mark = "another's";
      return gcs_error(404, "notFound");
    };
    const auto gcs = store_of(session);
    const auto [code, what] = thrown_by([&] { EXPECT_EQ(put_big(gcs).etag, "8"); });
    EXPECT_EQ(what == "nothing was thrown", own) << what;
  }
}

TEST(GcsUpload, ThatTheStoreForgotIsUnavailable) {
  Session session;
  session.spoil = [](const WireRequest& request) {
    return request.header("content-range").starts_with("bytes 262144")
               ? std::optional(gcs_error(410, "gone"))
               : std::nullopt;
  };
  const auto gcs = store_of(session);
  const auto [code, what] = thrown_by([&] { put_big(gcs); });
  EXPECT_EQ(code, Errc::unavailable);
  EXPECT_THAT(what, HasSubstr("knows this upload no longer"));
}

TEST(GcsUpload, ThatKeepsNothingIsGivenUp) {
  Session session{.most_kept = 0};
  const auto gcs = store_of(session);
  EXPECT_EQ(thrown_by([&] { put_big(gcs); }).first, Errc::unavailable);
  EXPECT_EQ(gcs.count("PUT"), 4U);
  EXPECT_EQ(gcs.count("DELETE"), 1U);
}

TEST(GcsUpload, AStoreThatLiesAboutWhatItHasIsRefused) {
  for (const char* range : {"bytes=0-262144", "bytes=0-18446744073709551615", "bytes=1-2",
                            "bytes=0-", "0-262143", "bytes=0-99999999999999999999"}) {
    Session session;
    session.spoil = [&](const WireRequest& request) -> std::optional<WireReply> {
      if (request.method != "PUT") return std::nullopt;
      return WireReply{.status = 308, .headers = {{"Range", range}}};
    };
    const auto gcs = store_of(session);
    EXPECT_EQ(thrown_by([&] { put_big(gcs); }).first, Errc::corrupt_data) << range;
    EXPECT_EQ(gcs.count("DELETE"), 1U);
  }
  Session session;
  session.spoil = [&](const WireRequest& request) {
    return request.header("content-range").starts_with("bytes 262144")
               ? std::optional(WireReply{.status = 308, .headers = {{"Range", "bytes=0-1000"}}})
               : std::nullopt;
  };
  const auto gcs = store_of(session);
  const auto [code, what] = thrown_by([&] { put_big(gcs); });
  EXPECT_EQ(code, Errc::corrupt_data);
  EXPECT_THAT(what, HasSubstr("lost what it had"));
}

TEST(GcsUpload, ThatEndsBeforeItsEndIsTakenBack) {
  Session session;
  session.spoil = [&](const WireRequest& request) {
    return request.method == "PUT" ? std::optional(json_reply(resource("half", "6")))
                                   : std::nullopt;
  };
  const auto gcs = store_of(session);
  EXPECT_EQ(thrown_by([&] { put_big(gcs); }).first, Errc::corrupt_data);
  const auto requests = gcs.server.requests();
  EXPECT_TRUE(std::any_of(requests.begin(), requests.end(), [](const WireRequest& request) {
    return request.method == "DELETE" && asks(request, "/o/k?ifGenerationMatch=6");
  }));
}

TEST(GcsUpload, ThatIsNotCommittedIsCancelled) {
  Session session;
  const auto gcs = store_of(session);
  auto writer = gcs.store->create("k", {}, gcs.context());
  writer->write(as_bytes(big()));
  writer.reset();
  EXPECT_EQ(gcs.count("DELETE"), 1U);
  const auto last = gcs.server.requests().back();
  EXPECT_EQ(last.method, "DELETE");
  EXPECT_EQ(last.target,
            "/upload/storage/v1/b/bucket/o?name=k&uploadType=resumable&upload_id=u%201");
  EXPECT_FALSE(session.done);
}

TEST(GcsUpload, AStopCancelsItTooAndQuickly) {
  Session session;
  session.spoil = [](const WireRequest& request) {
    return request.method == "PUT"
               ? std::optional(WireReply{.without_head = true, .ending = Ending::stall})
               : std::nullopt;
  };
  const auto gcs = store_of(session);
  std::stop_source stop;
  auto writer = gcs.store->create("k", {}, gcs.context().with_stop(stop.get_token()));
  writer->write(as_bytes(std::string_view(big()).substr(0, kUnit + 1)));
  stop.request_stop();
  EXPECT_EQ(thrown_by([&] { writer->commit(); }).first, Errc::cancelled);
  writer.reset();
  EXPECT_EQ(gcs.count("DELETE"), 1U);
}

TEST(GcsUpload, HoldsTwoChunks) {
  Session session;
  session.spoil = [](const WireRequest& request) {
    return request.method == "PUT"
               ? std::optional(WireReply{.without_head = true, .ending = Ending::stall})
               : std::nullopt;
  };
  const auto gcs = store_of(session);
  std::stop_source stop;
  std::jthread stopper([&] {
    while (gcs.count("PUT") < 1) std::this_thread::yield();
    stop.request_stop();
  });
  const auto writer = gcs.store->create("k", {}, gcs.context().with_stop(stop.get_token()));
  const std::string piece(kUnit, 'p');
  int taken = 0;
  EXPECT_EQ(thrown_by([&] {
              for (; taken < 10; ++taken) writer->write(as_bytes(piece));
            }).first,
            Errc::cancelled);
  EXPECT_EQ(taken, 2) << "one is under way, one is filled";
  EXPECT_EQ(gcs.count("PUT"), 1U);
}

TEST(GcsUpload, ARefusedConditionEndsItAtItsBeginning) {
  Session session;
  session.spoil = [](const WireRequest& request) {
    return request.method == "POST" ? std::optional(gcs_error(412, "conditionNotMet"))
                                    : std::nullopt;
  };
  const auto gcs = store_of(session);
  EXPECT_EQ(thrown_by([&] { put_big(gcs, Condition::if_absent()); }).first, Errc::already_exists);
  EXPECT_EQ(gcs.server.request_count(), 1U);
}

TEST(GcsUpload, WithoutANameIsRefused) {
  for (const char* location : {"", "http://x/y", "http://x/?upload_id=", "?upload_id=%zz"}) {
    const ScriptedGcs gcs(in_order({{.headers = {{"Location", location}}}}), {.part_size = 1});
    EXPECT_EQ(thrown_by([&] { put_big(gcs); }).first, Errc::corrupt_data) << location;
    EXPECT_EQ(gcs.server.request_count(), 1U);
  }
}

}  // namespace
}  // namespace cnf::storage
