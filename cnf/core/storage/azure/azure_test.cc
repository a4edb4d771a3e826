// SPDX-License-Identifier: Apache-2.0
// Azure Blob Storage against a server that says what no real one says on demand.
#include "cnf/core/storage/azure.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/storage/azure/azure_client_internal.h"
#include "cnf/core/storage/azure/azure_storage_internal.h"
#include "cnf/core/storage/s3/s3_scripted_test.h"

namespace cnf::storage {
namespace {

using scripted::asks;
using scripted::thrown_by;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::HttpServer;
using ::testing::Not;
using testing::WireReply;
using testing::WireRequest;

constexpr const char* kKey = "dGhlLXNlY3JldC1rZXk=";

Options by_key() {
  Options out;
  out.account = "acc";
  out.account_key = kKey;
  return out;
}
Options by_sas() {
  Options out;
  out.account = "acc";
  out.sas_token = "sv=1&sig=SECRET%2B1";
  return out;
}

// A store on a scripted server, at most 4 attempts a request and no waiting between them.
class ScriptedAzure {
 public:
  explicit ScriptedAzure(HttpServer::Script script, Options options = by_key())
      : server(std::move(script)) {
    options.endpoint = server.endpoint();
    options.max_retries = 3;
    const RetryPolicy quick{.base = std::chrono::milliseconds(1),
                            .cap = std::chrono::milliseconds(4)};
    store = std::make_shared<AzureStorage>(
        std::make_shared<AzureClient>("c", options, scripted::NoEnvironment(), quick));
  }
  [[nodiscard]] std::size_t count(std::string_view method) const {
    const auto requests = server.requests();
    return static_cast<std::size_t>(
        std::count_if(requests.begin(), requests.end(),
                      [&](const WireRequest& request) { return request.method == method; }));
  }

  HttpServer server;
  std::shared_ptr<Storage> store;
};

WireReply error_reply(int status, const std::string& code, const std::string& more = "") {
  return {.status = status,
          .headers = {{"x-ms-error-code", code}},
          .body = "<Error><Code>" + code + "</Code><Message>said the store\nRequestId:1</Message>" +
                  more + "</Error>"};
}
WireReply head_reply(std::uint64_t size, const std::string& etag = "0x1",
                     const std::string& mark = "") {
  return {.headers = {{"ETag", '"' + etag + '"'}, {"x-ms-meta-cnf_write", mark}},
          .content_length = size};
}
WireReply written() { return {.status = 201, .headers = {{"ETag", "\"0x1\""}}}; }

TEST(AzureRead, ATailIsAHeadAndARangeOfThatVersion) {
  int heads = 0;
  const ScriptedAzure azure([&](const WireRequest& request) {
    if (request.method == "HEAD") return head_reply(10, "0x" + std::to_string(++heads));
    if (heads == 1) return error_reply(412, "ConditionNotMet");  // replaced in between
    return WireReply{.status = 206,
                     .headers = {{"ETag", "\"0x2\""}, {"Content-Range", "bytes 7-9/10"}},
                     .body = "789"};
  });
  const auto tail = azure.store->read_tail("k", 3);
  EXPECT_EQ(as_text(tail.bytes), "789");
  EXPECT_EQ(tail.info.size, 10U);
  const auto last = azure.server.requests().back();
  EXPECT_EQ(last.header("range"), "bytes=7-9");
  EXPECT_EQ(last.header("if-match"), "\"0x2\"");
  EXPECT_EQ(azure.server.request_count(), 4U);
}

TEST(AzureRead, AnEmptyObjectsTailIsAHead) {
  const ScriptedAzure azure([&](const WireRequest&) { return head_reply(0); });
  EXPECT_TRUE(azure.store->read_tail("k", 3).bytes.empty());
  EXPECT_EQ(azure.server.request_count(), 1U);
}

TEST(AzureRead, AFolderIsNoObject) {
  const ScriptedAzure azure([](const WireRequest&) {
    return WireReply{.headers = {{"ETag", "\"0x1\""}, {"x-ms-resource-type", "directory"}}};
  });
  EXPECT_FALSE(azure.store->exists("k"));
  EXPECT_EQ(thrown_by([&] { (void)azure.store->read_all("k", 9); }).first, Errc::not_found);
}

struct SaidError {
  int status;
  std::string code;
  Errc want;
  std::size_t requests;
  std::string_view said;
};

TEST(AzureErrors, EachHasItsCodeAndItsRemedy) {
  const SaidError rows[] = {
      {404, "BlobNotFound", Errc::not_found, 1, "said the store"},
      {404, "ContainerNotFound", Errc::not_found, 1, "check the container's name"},
      {403, "AuthenticationFailed", Errc::unauthenticated, 1, "name and key"},
      {403, "AuthorizationFailure", Errc::permission_denied, 1, "firewall"},
      {503, "ServerBusy", Errc::throttled, 4, "lower concurrency"},
      {500, "OperationTimedOut", Errc::throttled, 4, "lower concurrency"},
      {500, "InternalError", Errc::unavailable, 4, "tried 4 times"},
      {409, "AccountBeingCreated", Errc::unavailable, 4, "wait"},
      {409, "BlobArchived", Errc::unsupported, 1, "online tier"},
      {412, "LeaseIdMissing", Errc::permission_denied, 1, "break the lease"},
      {416, "InvalidRange", Errc::corrupt_data, 1, "InvalidRange"},
      {409, "SomethingNew", Errc::invalid_argument, 1, "SomethingNew"},
  };
  for (const auto& row : rows) {
    const ScriptedAzure azure(
        [&](const WireRequest&) { return error_reply(row.status, row.code); });
    const auto [code, line] = thrown_by([&] { (void)azure.store->read_all("k", 9); });
    EXPECT_EQ(code, row.want) << line;
    EXPECT_EQ(azure.server.request_count(), row.requests) << line;
    EXPECT_THAT(line, AllOf(HasSubstr("az://c/k"), HasSubstr(std::string(row.said)),
                            Not(HasSubstr("RequestId"))));
  }
}

TEST(AzureErrors, AHeadHasOnlyTheHeader) {
  const ScriptedAzure azure([](const WireRequest&) {
    return WireReply{.status = 404, .headers = {{"x-ms-error-code", "ContainerNotFound"}}};
  });
  EXPECT_THAT(thrown_by([&] { (void)azure.store->exists("k"); }).second,
              HasSubstr("ContainerNotFound"));
}

TEST(AzureErrors, ASasThatHasEndedIsSaidToHave) {
  const ScriptedAzure azure(
      [](const WireRequest&) {
        return error_reply(403, "AuthenticationFailed",
                           "<AuthenticationErrorDetail>Signature not valid in the specified time "
                           "frame: Expiry [yesterday]</AuthenticationErrorDetail>");
      },
      by_sas());
  EXPECT_THAT(thrown_by([&] { (void)azure.store->read_all("k", 9); }).second,
              AllOf(HasSubstr("Expiry [yesterday]"), HasSubstr("get a new SAS token")));
}

TEST(AzureSecrets, AreSentAndNotShown) {
  Options bearer = by_sas();
  bearer.sas_token.clear();
  bearer.token = "SECRET-token";
  for (const auto& options : {by_key(), by_sas(), bearer}) {
    const ScriptedAzure azure(
        [](const WireRequest& request) {
          return error_reply(
              400, "InvalidInput",
              "<Detail>" + request.target + request.header("authorization") + "</Detail>");
        },
        options);
    const auto [code, line] = thrown_by([&] { azure.store->put("k", as_bytes("x")); });
    EXPECT_THAT(line, AllOf(Not(HasSubstr("SECRET")), Not(HasSubstr(kKey))));
    EXPECT_THAT(azure.store->uri("k"), Not(HasSubstr("SECRET")));
    const auto request = azure.server.requests().front();
    EXPECT_EQ(asks(request, "sig=SECRET%2B1"), !options.sas_token.empty());
    EXPECT_EQ(request.header("authorization") == "Bearer SECRET-token", !options.token.empty());
    EXPECT_EQ(request.header("authorization").starts_with("SharedKey acc:"),
              !options.account_key.empty());
  }
}

TEST(AzurePut, ALostAnswerIsKnownByItsMark) {
  for (const bool is_ours : {true, false}) {
    std::string mark;
    const ScriptedAzure azure([&](const WireRequest& request) {
      if (request.method == "HEAD") return head_reply(1, "0x7", is_ours ? mark : "another");
      if (!mark.empty()) return error_reply(409, "BlobAlreadyExists");
      mark = request.header("x-ms-meta-cnf_write");
      return WireReply{.without_head = true, .ending = WireReply::Ending::reset};
    });
    const auto put = [&] {
      return azure.store->put("k", as_bytes("x"), {.condition = Condition::if_absent()});
    };
    if (is_ours) {
      EXPECT_EQ(put().etag, "0x7");
    } else {
      EXPECT_EQ(thrown_by(put).first, Errc::already_exists);
    }
    EXPECT_EQ(azure.server.requests().front().header("if-none-match"), "*");
  }
}

TEST(AzurePut, BlocksHaveIdsOfOneLengthAndTheListDecides) {
  Options options = by_key();
  options.part_size = 1'000;
  const ScriptedAzure azure([](const WireRequest&) { return written(); }, options);
  for (const auto& condition : {Condition::if_match("0x5"), Condition()}) {
    const auto writer = azure.store->create("k", {.condition = condition});
    writer->write(as_bytes(std::string(2'500, 'x')));
    static_cast<void>(writer->commit());
  }
  const auto requests = azure.server.requests();
  ASSERT_EQ(requests.size(), 8U);
  std::vector<std::string> ids;
  for (const auto& request : requests) {
    const auto at = request.target.find("blockid=");
    if (at != std::string::npos) ids.push_back(request.target.substr(at));
    EXPECT_EQ(request.header("if-match"), &request == &requests[3] ? "\"0x5\"" : "");
  }
  ASSERT_EQ(ids.size(), 6U);
  for (const auto& id : ids) EXPECT_EQ(id.size(), ids[0].size());
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end()) << "no writer's are another's";
  EXPECT_TRUE(asks(requests[3], "comp=blocklist"));
  EXPECT_EQ(std::string(requests[3].body).find("<BlockList><Latest>"), 0U);
}

TEST(AzurePut, WhoseBlocksWereDiscardedIsToldSo) {
  Options options = by_key();
  options.part_size = 1'000;
  const ScriptedAzure azure(
      [](const WireRequest& request) {
        return asks(request, "comp=blocklist") ? error_reply(400, "InvalidBlockList") : written();
      },
      options);
  const auto writer = azure.store->create("k");
  writer->write(as_bytes(std::string(1'500, 'x')));
  const auto [code, line] = thrown_by([&] { static_cast<void>(writer->commit()); });
  EXPECT_EQ(code, Errc::unavailable);
  EXPECT_THAT(line, HasSubstr("somebody else wrote the object meanwhile"));
}

TEST(AzurePut, AnAbortSendsNothing) {
  Options options = by_key();
  options.part_size = 1'000;
  const ScriptedAzure azure([](const WireRequest&) { return written(); }, options);
  auto writer = azure.store->create("k");
  writer->write(as_bytes(std::string(3'500, 'x')));
  writer.reset();
  EXPECT_EQ(azure.count("DELETE"), 0U);
  for (const auto& request : azure.server.requests()) EXPECT_TRUE(asks(request, "blockid="));
}

TEST(AzureCopy, ASmallOneIsOneRequestWithARightToReadTheSource) {
  for (const auto& options : {by_key(), by_sas()}) {
    const ScriptedAzure azure(
        [](const WireRequest& request) {
          if (request.method == "HEAD") {
            auto reply = head_reply(5, "0x1", "old mark");
            reply.headers.emplace_back("x-ms-meta-who", "me");
            return reply;
          }
          return WireReply{.status = 202,
                           .headers = {{"ETag", "\"0x2\""}, {"x-ms-copy-status", "success"}}};
        },
        options);
    EXPECT_EQ(azure.store->copy("a b", "to").etag, "0x2");
    const auto request = azure.server.requests().back();
    EXPECT_THAT(request.header("x-ms-copy-source"),
                AllOf(HasSubstr("/acc/c/a%20b?"), HasSubstr("sig=")));
    EXPECT_EQ(request.header("x-ms-source-if-match"), "\"0x1\"");
    EXPECT_EQ(request.header("x-ms-meta-who"), "me");
    EXPECT_NE(request.header("x-ms-meta-cnf_write"), "old mark");
  }
}

TEST(AzureCopy, ALargeOneIsInParts) {
  constexpr std::uint64_t kSize = (std::uint64_t{256} << 20U) + 1;
  const ScriptedAzure azure([&](const WireRequest& request) {
    return request.method == "HEAD" ? head_reply(kSize) : written();
  });
  EXPECT_EQ(azure.store->copy("from", "to", {.condition = Condition::if_absent()}).size, kSize);
  std::vector<std::string> ranges;
  for (const auto& request : azure.server.requests()) {
    if (asks(request, "blockid=")) ranges.push_back(request.header("x-ms-source-range"));
  }
  EXPECT_THAT(ranges,
              ::testing::UnorderedElementsAre("bytes=0-134217727", "bytes=134217728-268435455",
                                              "bytes=268435456-268435456"));
  EXPECT_EQ(azure.server.requests().back().header("if-none-match"), "*");
}

TEST(AzureCopy, ASourceThatChangesIsSaidTo) {
  const ScriptedAzure azure([&](const WireRequest& request) {
    return request.method == "HEAD" ? head_reply(5) : error_reply(412, "SourceConditionNotMet");
  });
  const auto [code, line] = thrown_by([&] { azure.store->copy("from", "to"); });
  EXPECT_EQ(code, Errc::corrupt_data);
  EXPECT_THAT(line, HasSubstr("changed while it was copied"));
}

std::string part_answer(int id, const std::string& status) {
  return "--b\r\nContent-ID: " + std::to_string(id) + "\r\n\r\nHTTP/1.1 " + status + "\r\n\r\n";
}

TEST(AzureRemove, WhatABatchLeavesIsRemovedAlone) {
  const ScriptedAzure azure([](const WireRequest& request) {
    if (request.method == "DELETE") return WireReply{.status = 202};
    return WireReply{.status = 202,
                     .headers = {{"Content-Type", "multipart/mixed; boundary=b"}},
                     .body = part_answer(0, "202 Accepted") + part_answer(1, "503 Server busy") +
                             part_answer(2, "404 Gone\r\nx-ms-error-code: BlobNotFound") + "--b--"};
  });
  azure.store->remove(std::vector<std::string>{"a", "b", "c", "d"});
  std::vector<std::string> alone;
  for (const auto& request : azure.server.requests()) {
    if (request.method == "DELETE") alone.push_back(request.target);
  }
  EXPECT_THAT(alone, ::testing::UnorderedElementsAre("/acc/c/b", "/acc/c/d"));
}

TEST(AzureRemove, WhereThereAreNoBatchesItGoesOneByOne) {
  const ScriptedAzure azure([](const WireRequest& request) {
    return request.method == "DELETE" ? WireReply{.status = 202} : WireReply{.status = 501};
  });
  azure.store->remove(std::vector<std::string>{"a", "b"});
  EXPECT_EQ(azure.count("DELETE"), 2U);
}

TEST(AzureRemove, EachAttemptOfABatchIsSpelledAnew) {
  const ScriptedAzure azure([](const WireRequest&) { return WireReply{.status = 503}; });
  EXPECT_EQ(thrown_by([&] {
              azure.store->remove(std::vector<std::string>{"a", "b"});
            }).first,
            Errc::throttled);
  const auto requests = azure.server.requests();
  ASSERT_EQ(requests.size(), 4U);
  for (const auto& request : requests) {
    EXPECT_THAT(request.body, AllOf(HasSubstr("DELETE /acc/c/a HTTP/1.1\r\nx-ms-date: "),
                                    HasSubstr("Authorization: SharedKey acc:"),
                                    HasSubstr("Content-ID: 1"), Not(HasSubstr("x-ms-version"))));
  }
}

TEST(AzureList, StartsAfterByLeavingOut) {
  const ScriptedAzure azure([](const WireRequest& request) {
    const auto blob = [](const std::string& name) {
      return "<Blob><Name>" + name +
             "</Name><Properties><Last-Modified>Fri, 26 Jun 2015 23:39:12 GMT</Last-Modified>"
             "<Content-Length>7</Content-Length></Properties></Blob>";
    };
    const bool second = asks(request, "marker=next%20one");
    return WireReply{.body = "<EnumerationResults><Blobs>" +
                             (second ? blob("p/c") : blob("p/a") + blob("p/b")) +
                             "</Blobs><NextMarker>" + (second ? "" : "next one") +
                             "</NextMarker></EnumerationResults>"};
  });
  std::vector<std::string> keys;
  for (const auto& info : azure.store->list({.prefix = "p/", .start_after = "p/b"})) {
    keys.push_back(info.key);
  }
  EXPECT_THAT(keys, ::testing::ElementsAre("p/c"));
  EXPECT_TRUE(asks(azure.server.requests()[0], "comp=list&prefix=p%2F&restype=container"));
}

TEST(AzureKeys, ABackslashIsRefused) {
  const ScriptedAzure azure([](const WireRequest&) { return written(); });
  EXPECT_EQ(thrown_by([&] { azure.store->put("a\\b", as_bytes("x")); }).first,
            Errc::invalid_argument);
  EXPECT_EQ(azure.server.request_count(), 0U);
}

}  // namespace
}  // namespace cnf::storage
