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
using scripted::gcs_error;
using scripted::json_reply;
using scripted::mark_in;
using scripted::resource;
using scripted::ScriptedGcs;
using scripted::thrown_by;
using testing::WireReply;
using testing::WireRequest;
using Ending = WireReply::Ending;

const WireReply kLost{.without_head = true, .ending = Ending::reset};

// A store with one object of 3 MiB, "from", that copies 1 MiB a step.
struct Copying {
  std::string object = std::string(std::size_t{3} << 20U, 'x');
  int steps = 0;
  std::string mark = {};
  std::optional<std::string> there = {};  // the resource under "to"
  std::function<std::optional<WireReply>(const WireRequest&)> spoil = {};

  WireReply answer(const WireRequest& request) {
    if (spoil) {
      if (auto reply = spoil(request)) return *reply;
    }
    if (request.method == "GET" && asks(request, "/o/to?"))
      return there ? json_reply(*there) : gcs_error(404, "notFound");
    if (request.method == "GET") return json_reply(resource(object, "7", "of another write"));
    mark = mark_in(request);
    if (++steps < 3)
      return json_reply(R"({"done":false,"rewriteToken":"t )" + std::to_string(steps) + "\"}");
    return json_reply(R"({"done":true,"resource":)" + resource(object, "9") + "}");
  }
};

FileInfo copy(const ScriptedGcs& gcs, const Condition& condition = {}) {
  return gcs.store->copy("from", "to", {.condition = condition}, gcs.context());
}

TEST(GcsCopy, GoesOnUntilItIsDone) {
  Copying store;
  const ScriptedGcs gcs([&](const WireRequest& request) { return store.answer(request); });
  const auto info = copy(gcs);
  EXPECT_EQ(info.etag, "9");
  EXPECT_EQ(info.size, store.object.size());
  const auto requests = gcs.server.requests();
  ASSERT_EQ(requests.size(), 4U);
  EXPECT_EQ(requests[1].target,
            "/storage/v1/b/bucket/o/from/rewriteTo/b/bucket/o/to?sourceGeneration=7");
  EXPECT_EQ(requests[1].body, "") << "the store keeps the metadata";
  EXPECT_EQ(requests[3].target,
            "/storage/v1/b/bucket/o/from/rewriteTo/b/bucket/o/to?rewriteToken=t%202&"
            "sourceGeneration=7");
  EXPECT_EQ(gcs.usage().count(RequestKind::copy), 3U);
}

TEST(GcsCopy, WithAConditionCarriesItsMark) {
  Copying store;
  const ScriptedGcs gcs([&](const WireRequest& request) { return store.answer(request); });
  EXPECT_EQ(copy(gcs, Condition::if_absent()).etag, "9");
  const auto last = gcs.server.requests().back();
  EXPECT_TRUE(asks(last, "ifGenerationMatch=0&rewriteToken="));
  EXPECT_EQ(last.body, R"({"contentType":"text/x","metadata":{"cnf-write":")" + store.mark +
                           R"(","of":"the source"}})");
  EXPECT_NE(store.mark, "of another write");
}

TEST(GcsCopy, WhoseConditionDoesNotHoldIsNotBegun) {
  Copying store{.there = resource("x", "5")};
  const ScriptedGcs gcs([&](const WireRequest& request) { return store.answer(request); });
  EXPECT_EQ(thrown_by([&] { copy(gcs, Condition::if_absent()); }).first, Errc::already_exists);
  EXPECT_EQ(thrown_by([&] { copy(gcs, Condition::if_match("4")); }).first,
            Errc::precondition_failed);
  EXPECT_EQ(store.steps, 0);
  EXPECT_EQ(copy(gcs, Condition::if_match("5")).etag, "9");
}

TEST(GcsCopy, ALostReplyIsNoRefusal) {
  for (const bool own : {true, false}) {
    Copying store;
    store.steps = 2;
    store.spoil = [&](const WireRequest& request) -> std::optional<WireReply> {
      if (request.method != "POST") return std::nullopt;
      if (store.there) return gcs_error(412, "conditionNotMet");
      store.there = resource(store.object, "9", own ? mark_in(request) : "another's");
      return kLost;
    };
    const ScriptedGcs gcs([&](const WireRequest& request) { return store.answer(request); });
    const auto [code, what] =
        thrown_by([&] { EXPECT_EQ(copy(gcs, Condition::if_absent()).etag, "9"); });
    EXPECT_EQ(what == "nothing was thrown", own) << what;
    EXPECT_EQ(code, own ? Errc::internal : Errc::already_exists) << what;
  }
}

TEST(GcsCopy, AnotherGenerationOrNoEndIsAnError) {
  struct Row {
    const char* name = "";
    WireReply reply;
    std::size_t posts = 1;
  };
  const Row rows[] = {
      {"replaced meanwhile", gcs_error(404, "notFound"), 1},
      {"never done", json_reply(R"({"done":false,"rewriteToken":"t"})"), 5},
      {"no token", json_reply(R"({"done":false})"), 1},
      {"not said", json_reply("{}"), 1},
      {"another size", json_reply(R"({"done":true,"resource":)" + resource("x") + "}"), 1},
      {"not described", json_reply(R"({"done":true})"), 1},
      {"no description", json_reply(R"({"done":true,"resource":[]})"), 1},
  };
  for (const auto& row : rows) {
    Copying store;
    store.spoil = [&](const WireRequest& request) {
      return request.method == "POST" ? std::optional(row.reply) : std::nullopt;
    };
    const ScriptedGcs gcs([&](const WireRequest& request) { return store.answer(request); });
    EXPECT_EQ(thrown_by([&] { copy(gcs); }).first, Errc::corrupt_data) << row.name;
    EXPECT_EQ(gcs.count("POST"), row.posts) << row.name;
  }
}

}  // namespace
}  // namespace cnf::storage
