// SPDX-License-Identifier: Apache-2.0
// The faults that the mock server of aws-c-s3 (tests/mock_s3_server) tells of, one by one: each is
// survived, or refused with the code that fits. Redirections are in s3_location_test.cc.
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/s3/s3_scripted_test.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/http_server.h"

namespace cnf::storage {
namespace {

using scripted::asks;
using scripted::error_reply;
using scripted::multipart_store;
using scripted::ScriptedS3;
using scripted::written;
using testing::WireReply;
using testing::WireRequest;
using Spoil = std::function<std::optional<WireReply>(const WireRequest&)>;

// The first `times` requests that `fits` are answered by `reply`.
Spoil first(int times, bool (*fits)(const WireRequest&), WireReply reply) {
  auto left = std::make_shared<int>(times);
  return [=](const WireRequest& request) -> std::optional<WireReply> {
    if (!fits(request) || *left == 0) return std::nullopt;
    --*left;
    return reply;
  };
}

bool creates(const WireRequest& request) { return asks(request, "uploads="); }
bool sends_part_2(const WireRequest& request) { return asks(request, "partNumber=2"); }
bool completes(const WireRequest& request) {
  return request.method == "POST" && !asks(request, "uploads=");
}

constexpr int kEver = 1'000;

WireReply under_200(const std::string& code) { return error_reply(200, code); }

template <typename Action>
std::optional<Errc> code_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  return std::nullopt;
}

struct UploadRow {
  const char* name = "";
  Spoil spoil;
  std::optional<Errc> want = {};  // nullopt: it is written
};

std::vector<UploadRow> upload_rows() {
  auto late = written("part2");
  late.delay = std::chrono::milliseconds(300);
  return {
      {"CreateMultipartUpload/request_timeout",
       first(1, creates, error_reply(400, "RequestTimeout"))},
      {"CreateMultipartUpload/request_time_too_skewed",
       first(kEver, creates, error_reply(403, "RequestTimeTooSkewed")), Errc::unauthenticated},
      {"UploadPart/throttle", first(1, sends_part_2, error_reply(503, "SlowDown"))},
      {"UploadPart/throttle for ever", first(kEver, sends_part_2, error_reply(503, "SlowDown")),
       Errc::throttled},
      {"UploadPart/missing_etag", first(kEver, sends_part_2, {}), Errc::corrupt_data},
      {"UploadPart/delay", first(1, sends_part_2, late)},
      {"UploadPart/expired token", first(kEver, sends_part_2, error_reply(400, "ExpiredToken")),
       Errc::unauthenticated},
      {"CompleteMultipartUpload/throttle_before_finish",
       first(1, completes, error_reply(503, "SlowDown"))},
      {"CompleteMultipartUpload/async_internal_error",
       first(1, completes, under_200("InternalError"))},
      {"CompleteMultipartUpload/async_internal_error for ever",
       first(kEver, completes, under_200("InternalError")), Errc::unavailable},
      {"CompleteMultipartUpload/async_access_denied_error",
       first(kEver, completes, under_200("AccessDenied")), Errc::permission_denied},
      {"CompleteMultipartUpload/an answer that is none", first(kEver, completes, {.body = "ok"}),
       Errc::corrupt_data},
  };
}

TEST(S3Faults, OfUploads) {
  const std::string bytes((std::size_t{16} << 20U) + 3, 'x');  // three parts
  for (const auto& row : upload_rows()) {
    const ScriptedS3 s3(multipart_store(row.spoil));
    EXPECT_EQ(code_of([&] { s3.store->put("k", as_bytes(bytes)); }), row.want) << row.name;
    // Before there is an upload, there is none to abort.
    const bool begun = s3.count("PUT") != 0;
    EXPECT_EQ(s3.count("DELETE") != 0, row.want.has_value() && begun) << row.name;
  }
}

struct ReadRow {
  const char* name = "";
  std::vector<WireReply> replies;  // the last one repeats
  std::optional<Errc> want = {};   // nullopt: what is read is right
};

constexpr std::size_t kObject = 1'000;

WireReply head_reply(const std::string& etag) {
  return {.headers = {{"ETag", '"' + etag + '"'}}, .content_length = kObject};
}

WireReply range_reply(const std::string& etag) {
  return {.status = 206,
          .headers = {{"ETag", '"' + etag + '"'}, {"Content-Range", "bytes 0-99/1000"}},
          .body = std::string(100, 'x')};
}

std::vector<ReadRow> read_rows() {
  auto late = range_reply("e");
  late.delay = std::chrono::milliseconds(300);
  auto no_range = range_reply("e");
  no_range.headers.pop_back();
  auto no_etag = range_reply("e");
  no_etag.headers.erase(no_etag.headers.begin());
  auto empty = range_reply("e");
  empty.body.clear();
  auto long_error = error_reply(500, "InternalError");
  long_error.body += std::string(1 << 20, ' ');
  const auto head = head_reply("e");
  return {
      {"GetObject/get_object_delay_60s", {head, late}},
      {"GetObject/get_object_modified_first_part", {head, range_reply("f")}, Errc::corrupt_data},
      {"GetObject/get_object_modified_failure",
       {head, error_reply(412, "PreconditionFailed")},
       Errc::corrupt_data},
      {"GetObject/get_object_invalid_response_missing_content_range",
       {head, no_range},
       Errc::corrupt_data},
      {"GetObject/get_object_invalid_response_missing_etags", {head, no_etag}, Errc::corrupt_data},
      {"GetObject/get_object_opaque_etag", {head_reply("a b-c/1"), range_reply("a b-c/1")}},
      {"GetObject/get_object_parallel_write_empty_part", {head, empty}, Errc::corrupt_data},
      {"GetObject/get_object_long_error", {head, long_error, range_reply("e")}},
      {"GetObject/get_object_error_part", {head, long_error}, Errc::unavailable},
      {"GetObject/throttle", {head, error_reply(503, "SlowDown"), range_reply("e")}},
      {"GetObject/expired token", {head, error_reply(400, "ExpiredToken")}, Errc::unauthenticated},
  };
}

TEST(S3Faults, OfReads) {
  for (const auto& row : read_rows()) {
    const ScriptedS3 s3(testing::in_order(row.replies));
    const auto reader = s3.store->open("k");
    EXPECT_EQ(reader->size(), kObject) << row.name;
    std::string into(100, '?');
    const auto thrown =
        code_of([&] { reader->read_at(0, std::as_writable_bytes(std::span(into))); });
    EXPECT_EQ(thrown, row.want) << row.name;
    EXPECT_TRUE(thrown || into == std::string(100, 'x')) << row.name;
  }
}

}  // namespace
}  // namespace cnf::storage
