// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <stop_token>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
using testing::WireReply;
using testing::WireRequest;
using Ending = WireReply::Ending;

FileInfo put(const ScriptedS3& s3, const Condition& condition = {}) {
  return s3.store->put("k", as_bytes("data"), {.condition = condition}, s3.context());
}

TEST(S3Put, IsOneRequestWithItsChecksum) {
  const ScriptedS3 s3(in_order({written()}));
  const auto info = put(s3, Condition::if_absent());
  EXPECT_EQ(info.etag, "e1");
  EXPECT_EQ(info.size, 4U);
  ASSERT_EQ(s3.server.request_count(), 1U);
  const auto request = s3.server.requests()[0];
  EXPECT_EQ(request.body, "data");
  EXPECT_EQ(request.header("if-none-match"), "*");
  EXPECT_EQ(request.header("x-amz-checksum-crc32c"), "rth90Q==");  // python3 crc32c of b"data"
  EXPECT_EQ(request.header("x-amz-content-sha256"),                // printf data | sha256sum
            "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7");
  EXPECT_EQ(s3.usage().bytes_sent, 4U);
}

TEST(S3Put, WithoutChecksumsWhereTheStoreHasNone) {
  const ScriptedS3 s3([](const WireRequest& request) {
    return request.header("x-amz-checksum-crc32c").empty() ? written()
                                                           : error_reply(501, "NotImplemented");
  });
  put(s3);
  put(s3);
  EXPECT_EQ(s3.server.request_count(), 3U) << "the store is asked once";
}

TEST(S3Put, ARefusedConditionIsNotAskedTwice) {
  const ScriptedS3 s3(in_order({error_reply(412, "PreconditionFailed")}));
  EXPECT_EQ(thrown_by([&] { put(s3, Condition::if_absent()); }).first, Errc::already_exists);
  EXPECT_EQ(thrown_by([&] { put(s3, Condition::if_match("e0")); }).first,
            Errc::precondition_failed);
  EXPECT_EQ(s3.server.requests().at(1).header("if-match"), "\"e0\"");
  EXPECT_EQ(s3.server.request_count(), 2U);
}

TEST(S3Put, IfMatchOfAnObjectThatIsGone) {
  const ScriptedS3 s3(in_order({error_reply(404, "NoSuchKey")}));
  EXPECT_EQ(thrown_by([&] { put(s3, Condition::if_match("e0")); }).first,
            Errc::precondition_failed);
}

TEST(S3Put, AConflictIsTriedAgain) {
  const ScriptedS3 s3(in_order({error_reply(409, "ConditionalRequestConflict"), written()}));
  EXPECT_EQ(put(s3, Condition::if_absent()).etag, "e1");
}

// The first PUT takes effect, its answer is lost, and the second finds the object there.
HttpServer::Script lost_reply(bool own) {
  auto puts = std::make_shared<int>(0);
  auto mark = std::make_shared<std::string>();
  return [=](const WireRequest& request) {
    if (request.method == "HEAD") {
      auto reply = written("e7");
      reply.headers.emplace_back("x-amz-meta-cnf-write", own ? *mark : "another's");
      reply.content_length = 4;
      return reply;
    }
    *mark = request.header("x-amz-meta-cnf-write");
    if (++*puts == 1) return WireReply{.without_head = true, .ending = Ending::reset};
    return error_reply(412, "PreconditionFailed");
  };
}

TEST(S3Put, ALostReplyIsNoRefusal) {
  for (const auto& condition : {Condition::if_absent(), Condition::if_match("e0")}) {
    const ScriptedS3 s3(lost_reply(true));
    const auto info = put(s3, condition);
    EXPECT_EQ(info.etag, "e7");
    EXPECT_EQ(info.size, 4U);
    EXPECT_EQ(s3.count("HEAD"), 1U);
  }
}

TEST(S3Put, ALostReplyAndAnotherWriterIsARefusal) {
  const ScriptedS3 s3(lost_reply(false));
  EXPECT_EQ(thrown_by([&] { put(s3, Condition::if_absent()); }).first, Errc::already_exists);
}

TEST(S3Put, AContentTypeCannotAddAHeader) {
  const ScriptedS3 s3(in_order({written()}));
  EXPECT_EQ(thrown_by([&] {
              s3.store->put("k", as_bytes("x"), {.content_type = "a\r\nX-Evil: 1"}, s3.context());
            }).first,
            Errc::invalid_argument);
  EXPECT_EQ(s3.server.request_count(), 0U);
}

constexpr std::size_t kPart = std::size_t{8} << 20;

std::unique_ptr<Writer> write_three_parts(const ScriptedS3& s3, const WriteOptions& options = {}) {
  auto writer = s3.store->create("k", options, s3.context());
  const std::string piece(kPart, 'p');
  for (int i = 0; i < 2; ++i) writer->write(as_bytes(piece));
  writer->write(as_bytes("end"));
  return writer;
}

TEST(S3Multipart, SendsEqualPartsAndCompletes) {
  const ScriptedS3 s3(multipart_store([](const auto&) { return std::nullopt; }));
  const auto info = write_three_parts(s3, {.condition = Condition::if_absent()})->commit();
  EXPECT_EQ(info.etag, "all-3");
  EXPECT_EQ(info.size, 2 * kPart + 3);
  const auto requests = s3.server.requests();
  ASSERT_EQ(requests.size(), 5U);
  EXPECT_EQ(requests[0].header("if-none-match"), "") << "the condition is decided at the end";
  EXPECT_EQ(requests[0].header("x-amz-checksum-algorithm"), "CRC32C");
  std::map<std::string, std::size_t> sizes;
  for (const auto& request : requests) {
    if (request.method == "PUT") sizes[request.target] = request.body.size();
  }
  EXPECT_EQ(sizes,
            (std::map<std::string, std::size_t>{{"/bucket/k?partNumber=1&uploadId=u%201", kPart},
                                                {"/bucket/k?partNumber=2&uploadId=u%201", kPart},
                                                {"/bucket/k?partNumber=3&uploadId=u%201", 3}}));
  EXPECT_EQ(requests[4].header("if-none-match"), "*");
  EXPECT_THAT(requests[4].body, HasSubstr("<PartNumber>2</PartNumber><ETag>\"part2\"</ETag>"
                                          "<ChecksumCRC32C>"));
}

TEST(S3Multipart, OfBytesThatAreAllThereCopiesNone) {
  const std::string bytes(2 * kPart + 3, 'p');
  const ScriptedS3 s3(multipart_store([](const auto&) { return std::nullopt; }), 1);
  EXPECT_EQ(s3.store->put("k", as_bytes(bytes), {}, s3.context()).size, bytes.size());
  std::vector<std::size_t> sizes;
  for (const auto& request : s3.server.requests()) sizes.push_back(request.body.size());
  ASSERT_EQ(sizes.size(), 5U);
  EXPECT_THAT(std::vector(sizes.begin(), sizes.end() - 1),
              ::testing::ElementsAre(0, kPart, kPart, 3));
}

TEST(S3Multipart, ThatFailsIsDoneWithTheCallersBytes) {
  auto bytes = std::make_unique<std::string>(2 * kPart + 3, 'p');
  const ScriptedS3 s3(multipart_store([](const WireRequest& request) {
    return asks(request, "partNumber=2") ? std::optional(error_reply(403, "AccessDenied"))
                                         : std::nullopt;
  }));
  const auto writer = s3.store->create("k", {}, s3.context());
  EXPECT_EQ(thrown_by([&] { writer->commit_with(as_bytes(*bytes)); }).first,
            Errc::permission_denied);
  bytes.reset();  // before the writer: asan sees who would still read them
  EXPECT_GE(s3.count("DELETE"), 1U) << "it was aborted at once";
}

TEST(S3Multipart, ThatIsNotCommittedIsAborted) {
  const ScriptedS3 s3(multipart_store([](const auto&) { return std::nullopt; }));
  write_three_parts(s3).reset();
  EXPECT_GE(s3.count("DELETE"), 1U);
  for (const auto& request : s3.server.requests()) {
    if (request.method != "DELETE") continue;
    EXPECT_EQ(request.target, "/bucket/k?uploadId=u%201");
  }
  EXPECT_EQ(s3.count("POST"), 1U);
}

TEST(S3Multipart, WithAPartThatFailsIsAborted) {
  const ScriptedS3 s3(multipart_store([](const WireRequest& request) {
    return asks(request, "partNumber=2") ? std::optional(error_reply(403, "AccessDenied"))
                                         : std::nullopt;
  }));
  EXPECT_EQ(thrown_by([&] { write_three_parts(s3)->commit(); }).first, Errc::permission_denied);
  EXPECT_GE(s3.count("DELETE"), 1U);
  EXPECT_EQ(s3.count("POST"), 1U) << "nothing was completed";
}

TEST(S3Multipart, AStopAbortsItTooAndQuickly) {
  const ScriptedS3 s3(multipart_store([](const WireRequest& request) {
    return asks(request, "partNumber=") && request.method == "PUT"
               ? std::optional(WireReply{.without_head = true, .ending = Ending::stall})
               : std::nullopt;
  }));
  std::stop_source stop;
  auto writer = s3.store->create("k", {}, s3.context().with_stop(stop.get_token()));
  const std::string piece(kPart + 1, 'p');
  writer->write(as_bytes(piece));
  stop.request_stop();
  EXPECT_EQ(thrown_by([&] { writer->commit(); }).first, Errc::cancelled);
  writer.reset();
  EXPECT_EQ(s3.count("DELETE"), 2U) << "until the upload, whose part was cut off, is unknown";
}

TEST(S3Multipart, AnErrorInsideA200IsTriedAgain) {
  int completions = 0;
  const ScriptedS3 s3(multipart_store([&](const WireRequest& request) {
    if (request.method != "POST" || asks(request, "uploads=") || ++completions > 1) {
      return std::optional<WireReply>();
    }
    return std::optional(error_reply(200, "InternalError"));
  }));
  EXPECT_EQ(write_three_parts(s3)->commit().etag, "all-3");
  EXPECT_EQ(completions, 2);
}

TEST(S3Multipart, ALostReplyToTheCompletionIsNoFailure) {
  for (const bool own : {true, false}) {
    std::string mark;
    int completions = 0;
    const ScriptedS3 s3(
        multipart_store([&](const WireRequest& request) -> std::optional<WireReply> {
          if (asks(request, "uploads=")) mark = request.header("x-amz-meta-cnf-write");
          if (request.method == "HEAD") {
            auto reply = written("all-3");
            reply.headers.emplace_back("x-amz-meta-cnf-write", own ? mark : "another's");
            return reply;
          }
          if (request.method != "POST" || asks(request, "uploads=")) return std::nullopt;
          if (++completions == 1) return WireReply{.without_head = true, .ending = Ending::reset};
          return error_reply(404, "NoSuchUpload");
        }));
    const auto [code, what] =
        thrown_by([&] { EXPECT_EQ(write_three_parts(s3)->commit().etag, "all-3"); });
    EXPECT_EQ(what == "nothing was thrown", own) << what;
  }
}

TEST(S3Multipart, HoldsThePartsInFlightAndOneMore) {
  const ScriptedS3 s3(
      multipart_store([](const WireRequest& request) {
        return request.method == "PUT"
                   ? std::optional(WireReply{.without_head = true, .ending = Ending::stall})
                   : std::nullopt;
      }),
      2);
  std::stop_source stop;
  std::jthread stopper([&] {
    while (s3.count("PUT") < 2) std::this_thread::yield();
    stop.request_stop();
  });
  const auto writer = s3.store->create("k", {}, s3.context().with_stop(stop.get_token()));
  const std::string piece(kPart, 'p');
  int taken = 0;
  EXPECT_EQ(thrown_by([&] {
              for (; taken < 10; ++taken) writer->write(as_bytes(piece));
            }).first,
            Errc::cancelled);
  EXPECT_EQ(taken, 3);
  EXPECT_EQ(s3.count("PUT"), 2U);
}

}  // namespace
}  // namespace cnf::storage
