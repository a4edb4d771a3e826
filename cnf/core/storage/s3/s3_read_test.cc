// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <span>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/s3/s3_scripted_test.h"

namespace cnf::storage {
namespace {

using scripted::error_reply;
using scripted::ScriptedS3;
using scripted::thrown_by;
using ::testing::HasSubstr;
using testing::in_order;
using testing::WireReply;
using testing::WireRequest;
using Ending = WireReply::Ending;

std::string text_of(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>('a' + i * i % 23);
  return out;
}

struct WireRange {
  std::size_t first = 0;
  std::size_t last = 0;
};

WireRange range_of(const WireRequest& request) {
  const auto text = request.header("range");
  EXPECT_TRUE(text.starts_with("bytes=")) << text;
  std::size_t used = 0;
  const auto first = std::stoull(text.substr(6), &used);
  return {first, std::stoull(text.substr(6 + used + 1))};
}

WireReply part_of(const std::string& object, WireRange range, const std::string& etag = "e1") {
  return {.status = 206,
          .headers = {{"ETag", '"' + etag + '"'},
                      {"Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                            std::to_string(range.last) + "/" +
                                            std::to_string(object.size())}},
          .body = object.substr(range.first, range.last - range.first + 1)};
}

std::string fetch(const ScriptedS3& s3, std::uint64_t offset, std::size_t size,
                  const FetchOptions& options = {}) {
  std::string out(size, '?');
  FetchRequest request;
  request.key = "k";
  request.offset = offset;
  request.into = std::as_writable_bytes(std::span(out));
  s3.store->fetch({&request, 1}, s3.context(), {}, options);
  return out;
}

TEST(S3Fetch, ScattersOneAnswerAndDropsTheGap) {
  const auto object = text_of(5000);
  const ScriptedS3 s3(
      [&](const WireRequest& request) { return part_of(object, range_of(request)); });
  std::string a(100, '?');
  std::string b(200, '?');
  std::vector<FetchRequest> requests(2);
  requests[0] = {"k", 1000, std::as_writable_bytes(std::span(a))};
  requests[1] = {"k", 2000, std::as_writable_bytes(std::span(b))};
  s3.store->fetch(requests, s3.context());
  EXPECT_EQ(a, object.substr(1000, 100));
  EXPECT_EQ(b, object.substr(2000, 200));
  ASSERT_EQ(s3.server.request_count(), 1U);
  EXPECT_EQ(s3.server.requests()[0].header("range"), "bytes=1000-2199");
  EXPECT_EQ(s3.usage().bytes_fetched, 1200U);
}

TEST(S3Fetch, ABodyThatBreaksOffGoesOnWhereItEnded) {
  const auto object = text_of(300'000);
  int answers = 0;
  const ScriptedS3 s3([&](const WireRequest& request) {
    auto reply = part_of(object, range_of(request));
    if (++answers <= 2) {
      reply.cut_at = 70'000;
      reply.ending = answers == 1 ? Ending::close : Ending::reset;
    }
    return reply;
  });
  EXPECT_EQ(fetch(s3, 10, 250'000), object.substr(10, 250'000));
  const auto requests = s3.server.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].header("if-match"), "");
  EXPECT_EQ(requests[1].header("range"), "bytes=70010-250009");
  EXPECT_EQ(requests[1].header("if-match"), "\"e1\"");
  // A reset may throw away what the client has not read yet, so the third starts where it must.
  EXPECT_EQ(range_of(requests[2]).last, 250'009U);
  EXPECT_EQ(s3.usage().retries, 2U);
  EXPECT_EQ(s3.usage().bytes_fetched, 250'000U) << "nothing came twice";
}

TEST(S3Fetch, ABodyThatBreaksOffForEverIsAnError) {
  const auto object = text_of(1000);
  const ScriptedS3 s3([&](const WireRequest& request) {
    auto reply = part_of(object, range_of(request));
    reply.cut_at = 0;
    reply.ending = Ending::close;
    return reply;
  });
  EXPECT_EQ(thrown_by([&] { fetch(s3, 0, 100); }).first, Errc::unavailable);
  EXPECT_EQ(s3.server.request_count(), 4U);
}

TEST(S3Fetch, WhatIsNotTheRangeIsNeverData) {
  const auto object = text_of(1000);
  const WireReply good = part_of(object, {100, 199});
  const auto with = [&](std::string_view name, const std::string& value) {
    auto reply = good;
    std::erase_if(reply.headers, [&](const auto& header) { return header.first == name; });
    if (!value.empty()) reply.headers.emplace_back(name, value);
    return reply;
  };
  auto whole = with("Content-Range", "");
  whole.status = 200;
  auto longer = good;
  longer.body += "more";
  auto promised = good;
  promised.content_length = std::uint64_t{1} << 60U;
  promised.ending = Ending::close;
  struct Row {
    const char* name = "";
    WireReply reply;
    Errc want = Errc::internal;
  };
  const Row rows[] = {
      {"200 to a range", whole, Errc::unsupported},
      {"no Content-Range", with("Content-Range", ""), Errc::corrupt_data},
      {"another range", with("Content-Range", "bytes 101-200/1000"), Errc::corrupt_data},
      {"longer range", with("Content-Range", "bytes 100-200/1000"), Errc::corrupt_data},
      {"shorter range", with("Content-Range", "bytes 100-150/1000"), Errc::corrupt_data},
      {"object ends before", with("Content-Range", "bytes 100-150/151"), Errc::corrupt_data},
      {"no range at all", with("Content-Range", "bytes */1000"), Errc::corrupt_data},
      {"garbage", with("Content-Range", "bytes 100-199"), Errc::corrupt_data},
      {"turned round", with("Content-Range", "bytes 199-100/1000"), Errc::corrupt_data},
      {"too large", with("Content-Range", "bytes 100-99999999999999999999/*"), Errc::corrupt_data},
      {"longer body", longer, Errc::corrupt_data},
      {"huge Content-Length", promised, Errc::corrupt_data},
      {"other ETag", with("ETag", "\"e2\""), Errc::corrupt_data},
      {"no ETag", with("ETag", ""), Errc::corrupt_data},
      {"416", error_reply(416, "InvalidRange"), Errc::corrupt_data},
      {"412", error_reply(412, "PreconditionFailed"), Errc::corrupt_data},
      {"404", error_reply(404, "NoSuchKey"), Errc::not_found},
  };
  for (const auto& row : rows) {
    const ScriptedS3 s3(in_order({row.reply}));
    std::string into(100, '?');
    FetchRequest request{"k", 100, std::as_writable_bytes(std::span(into)), "e1"};
    const auto [code, what] = thrown_by([&] { s3.store->fetch({&request, 1}, s3.context()); });
    EXPECT_EQ(code, row.want) << row.name << ": " << what;
    EXPECT_THAT(what, HasSubstr("s3://bucket/k")) << row.name;
    EXPECT_EQ(s3.server.request_count(), 1U) << row.name << ": it cannot pass by itself";
    EXPECT_EQ(s3.usage().bytes_fetched, 0U) << row.name;
  }
}

TEST(S3Fetch, PiecesOfOneReadHaveOneEtag) {
  const auto object = text_of(1000);
  int answers = 0;
  const ScriptedS3 s3(
      [&](const WireRequest& request) {
        return part_of(object, range_of(request), ++answers == 1 ? "e1" : "e2");
      },
      1);
  const auto [code, what] = thrown_by([&] { fetch(s3, 0, 1000, {.gap = 0, .max_request = 500}); });
  EXPECT_EQ(code, Errc::corrupt_data);
  EXPECT_THAT(what, HasSubstr("changed while it was read"));
  EXPECT_EQ(s3.server.requests().at(1).header("if-match"), "\"e1\"");
}

TEST(S3Fetch, AStoreWithoutEtagsIsReadAllTheSame) {
  const auto object = text_of(1000);
  const ScriptedS3 s3([&](const WireRequest& request) {
    auto reply = part_of(object, range_of(request));
    reply.headers.erase(reply.headers.begin());
    return reply;
  });
  EXPECT_EQ(fetch(s3, 0, 1000, {.gap = 0, .max_request = 300}), object);
}

TEST(S3Fetch, OneBrokenRequestDoesNotSpoilTheOthers) {
  const auto object = text_of(1000);
  const ScriptedS3 s3([&](const WireRequest& request) {
    if (request.target == "/bucket/absent") return error_reply(404, "NoSuchKey");
    return part_of(object, range_of(request));
  });
  std::string texts[2] = {std::string(10, '?'), std::string(10, '?')};
  std::vector<FetchRequest> requests(2);
  requests[0] = {"absent", 0, std::as_writable_bytes(std::span(texts[0]))};
  requests[1] = {"there", 5, std::as_writable_bytes(std::span(texts[1]))};
  std::vector<std::size_t> done;
  EXPECT_THROW(s3.store->fetch(requests, s3.context(), [&](std::size_t i) { done.push_back(i); }),
               Error);
  EXPECT_EQ(requests[0].error->code(), Errc::not_found);
  EXPECT_FALSE(requests[1].error);
  EXPECT_EQ(texts[1], object.substr(5, 10));
  EXPECT_THAT(done, ::testing::UnorderedElementsAre(0U, 1U));
}

TEST(S3ReadAll, RefusesMoreThanItsLimitAtTheHead) {
  WireReply huge{.headers = {{"ETag", "\"e\""}}, .body = "x"};
  huge.content_length = std::uint64_t{1} << 50U;
  huge.ending = Ending::stall;
  const ScriptedS3 s3(in_order({huge}));
  const auto [code, what] =
      thrown_by([&] { static_cast<void>(s3.store->read_all("k", 1000, s3.context())); });
  EXPECT_EQ(code, Errc::corrupt_data) << what;
  EXPECT_EQ(s3.usage().bytes_fetched, 0U);
}

TEST(S3ReadAll, IsOneRequestAndResumes) {
  const auto object = text_of(100'000);
  int answers = 0;
  const ScriptedS3 s3([&](const WireRequest& request) {
    if (++answers > 1) return part_of(object, range_of(request));
    return WireReply{
        .headers = {{"ETag", "\"e1\""}}, .body = object, .cut_at = 60'000, .ending = Ending::close};
  });
  const auto read = s3.store->read_all("k", 200'000, s3.context());
  EXPECT_EQ(as_text(read.bytes), object);
  EXPECT_EQ(read.info.size, object.size());
  EXPECT_EQ(read.info.etag, "e1");
  EXPECT_EQ(s3.server.requests().at(1).header("range"), "bytes=60000-99999");
}

// rclone's server says 200 to a range, and sends the range.
TEST(S3Fetch, ARangeUnderA200IsHeldToItsContentRange) {
  const auto object = text_of(1000);
  auto reply = part_of(object, {100, 199});
  reply.status = 200;
  const ScriptedS3 s3([&](const WireRequest&) { return reply; });
  EXPECT_EQ(fetch(s3, 100, 100), object.substr(100, 100));
  EXPECT_EQ(thrown_by([&] { fetch(s3, 0, 100); }).first, Errc::corrupt_data);
  EXPECT_EQ(thrown_by([&] { static_cast<void>(s3.store->read_tail("k", 100)); }).first,
            Errc::corrupt_data)
      << "100 bytes, but not the last ones";
}

TEST(S3ReadTail, AsksForASuffix) {
  const auto object = text_of(1000);
  const ScriptedS3 s3(in_order({part_of(object, {900, 999})}));
  const auto read = s3.store->read_tail("k", 100, s3.context());
  EXPECT_EQ(as_text(read.bytes), object.substr(900));
  EXPECT_EQ(read.info.size, 1000U);
  EXPECT_EQ(s3.server.requests().at(0).header("range"), "bytes=-100");
}

TEST(S3ReadTail, OfAnEmptyObjectIsEmpty) {
  const ScriptedS3 s3([](const WireRequest& request) {
    if (request.method == "HEAD") return WireReply{.headers = {{"ETag", "\"e\""}}};
    return error_reply(416, "InvalidRange");
  });
  const auto read = s3.store->read_tail("k", 100, s3.context());
  EXPECT_TRUE(read.bytes.empty());
  EXPECT_EQ(read.info.size, 0U);
}

TEST(S3ReadTail, ThatIsNotTheTailIsRefused) {
  const auto object = text_of(1000);
  const WireReply rows[] = {part_of(object, {899, 998}),
                            part_of(object, {950, 999}),
                            part_of(object, {0, 999}),
                            {.body = object}};
  for (const auto& row : rows) {
    const ScriptedS3 s3(in_order({row}));
    EXPECT_THROW(static_cast<void>(s3.store->read_tail("k", 100, s3.context())), Error);
    EXPECT_EQ(s3.usage().bytes_fetched, 0U);
  }
}

}  // namespace
}  // namespace cnf::storage
