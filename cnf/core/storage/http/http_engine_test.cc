// SPDX-License-Identifier: Apache-2.0
#include <future>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_retry_internal.h"
#include "cnf/testing/http_server.h"

namespace cnf::storage {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HttpServer;
using testing::in_order;
using testing::WireReply;
using testing::WireRequest;
using Ending = WireReply::Ending;

// HTTP as it is, with nothing signed.
class PlainDialect final : public HttpDialect {
 public:
  void sign(HttpRequest& request) override {
    request.headers.emplace_back("x-signed", std::to_string(++signed_));
  }
  [[nodiscard]] std::optional<HttpFailure> judge(const HttpRequest& /*request*/,
                                                 const HttpResponse& response) override {
    return failure_of_status(response.status);
  }

 private:
  mutable int signed_ = 0;  // the engine's thread
};

HttpEngineOptions quick() {
  HttpEngineOptions out;
  out.concurrency = 4;
  out.stall_timeout = seconds(30);
  out.retry = {.max_attempts = 4, .base = milliseconds(1), .cap = milliseconds(4)};
  return out;
}

class Fixture {
 public:
  explicit Fixture(HttpServer::Script script, const HttpEngineOptions& options = quick())
      : server(std::move(script)), engine(std::make_shared<PlainDialect>(), options) {}

  [[nodiscard]] HttpCall call(std::string method = "GET", const Context& context = {}) const {
    HttpCall out;
    out.doing = "test";
    out.subject = "http://test/x";
    out.request.method = std::move(method);
    out.request.endpoint = parse_endpoint(server.endpoint());
    out.request.path = "/x";
    out.context = context;
    return out;
  }

  HttpServer server;
  HttpEngine engine;
};

Errc code_of(const HttpOutcome& outcome) { return outcome.error ? outcome.error->code() : Errc{}; }

TEST(HttpEngine, KeepsOneConnectionForCallsInARow) {
  Fixture f(in_order({{.body = "hello"}}));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(f.engine.run(f.call()).value().body, "hello");
  EXPECT_EQ(f.server.request_count(), 5U);
  EXPECT_EQ(f.server.connection_count(), 1U);
}

TEST(HttpEngine, NeverHasMoreConnectionsThanItsConcurrency) {
  Fixture f(in_order({{.body = "x"}}));
  std::atomic<int> good = 0;
  std::promise<void> all;
  for (int i = 0; i < 40; ++i) {
    f.engine.submit(f.call(), [&](const HttpOutcome& outcome) {
      if (!outcome.error && ++good == 40) all.set_value();
    });
  }
  ASSERT_EQ(all.get_future().wait_for(seconds(60)), std::future_status::ready) << good;
  EXPECT_EQ(f.server.request_count(), 40U);
  EXPECT_LE(f.server.connection_count(), 4U);
}

TEST(HttpEngine, HeadersAndStatusArriveAsSent) {
  Fixture f(in_order({{.status = 204, .headers = {{"X-Some", "  a b  "}, {"Empty", ""}}}}));
  auto call = f.call("DELETE");
  call.request.query = {{"b", "1 2"}, {"a", ""}};
  call.request.headers.emplace_back("X-Mine", "m");
  const auto response = f.engine.run(std::move(call)).value();
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.header("x-some"), "a b");
  EXPECT_EQ(response.header("empty"), "");
  EXPECT_EQ(response.header("absent"), std::nullopt);
  const auto request = f.server.requests().at(0);
  EXPECT_EQ(request.method, "DELETE");
  EXPECT_EQ(request.target, "/x?a=&b=1%202");
  EXPECT_EQ(request.header("x-mine"), "m");
}

TEST(HttpEngine, DotsInAPathStay) {
  Fixture f(in_order({{}}));
  auto call = f.call();
  call.request.path = "/a/./b/../c//d%";
  static_cast<void>(f.engine.run(std::move(call)).value());
  EXPECT_EQ(f.server.requests().at(0).target, "/a/./b/../c//d%25");
}

TEST(HttpEngine, WhatIsEncodedAlreadyGoesAsItIs) {
  Fixture f(in_order({{}}));
  auto call = f.call();
  call.request.path = "/o/";
  call.request.encoded = "a%2Fb%20c";
  static_cast<void>(f.engine.run(std::move(call)).value());
  EXPECT_EQ(f.server.requests().at(0).target, "/o/a%2Fb%20c");
}

TEST(HttpEngine, OnlyWhatFollowsTheFirstAttemptAsksAgain) {
  Fixture f(in_order({{.status = 500}, {.without_head = true, .ending = Ending::reset}, {}}));
  const std::string body = "all of it";
  auto call = f.call("PUT");
  call.request.body = as_bytes(body);
  call.ask_again = [](HttpRequest& request) { request.body = {}; };
  EXPECT_TRUE(f.engine.run(std::move(call)).sent_again);
  const auto requests = f.server.requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[0].body, body);
  EXPECT_EQ(requests[1].body, "");
  EXPECT_EQ(requests[2].body, "");
}

TEST(HttpEngine, WaitsAsLongAsRetryAfterSays) {
  Fixture f(in_order({{.status = 503, .headers = {{"Retry-After", "1"}}}, {.body = "ok"}}));
  const auto accounting = std::make_shared<Accounting>();
  const auto before = Context::Clock::now();
  const auto outcome = f.engine.run(f.call("GET", Context().with_accounting(accounting)));
  EXPECT_EQ(outcome.value().body, "ok");
  EXPECT_GE(Context::Clock::now() - before, seconds(1));
  EXPECT_TRUE(outcome.sent_again);
  const auto usage = accounting->snapshot();
  EXPECT_EQ(usage.count(RequestKind::get), 2U);
  EXPECT_EQ(usage.retries, 1U);
  EXPECT_EQ(usage.throttles, 1U);
}

TEST(HttpEngine, EachAttemptIsSignedAnew) {
  Fixture f(in_order({{.status = 500}, {.status = 502}, {}}));
  static_cast<void>(f.engine.run(f.call()).value());
  std::set<std::string> signatures;
  for (const auto& request : f.server.requests()) signatures.insert(request.header("x-signed"));
  EXPECT_EQ(signatures, (std::set<std::string>{"1", "2", "3"}));
}

TEST(HttpEngine, GivesUpAfterTheLastAttempt) {
  Fixture f(in_order({{.status = 503}}));
  const auto outcome = f.engine.run(f.call());
  EXPECT_EQ(code_of(outcome), Errc::throttled);
  EXPECT_EQ(f.server.request_count(), 4U);
  EXPECT_NE(std::string(outcome.error->what()).find("tried 4 times"), std::string::npos);
}

TEST(HttpEngine, WhatCannotPassIsNotTriedAgain) {
  for (const int status : {400, 401, 403, 404, 412, 416, 301, 501}) {
    Fixture f(in_order({{.status = status}}));
    EXPECT_TRUE(f.engine.run(f.call()).error) << status;
    EXPECT_EQ(f.server.request_count(), 1U) << status;
  }
}

TEST(HttpEngine, ALostConnectionIsTriedAgain) {
  const WireReply rows[] = {
      {.without_head = true, .ending = Ending::reset},
      {.without_head = true, .ending = Ending::close},
      {.body = "abcdef", .cut_at = 3, .ending = Ending::reset},
      {.body = "abcdef", .cut_at = 3, .ending = Ending::close},
  };
  for (const auto& row : rows) {
    Fixture f(in_order({row, {.body = "whole"}}));
    EXPECT_EQ(f.engine.run(f.call()).value().body, "whole");
    EXPECT_EQ(f.server.request_count(), 2U);
  }
}

TEST(HttpEngine, AnIdleConnectionThatWasClosedIsNoFailure) {
  auto options = quick();
  options.retry.max_attempts = 1;
  Fixture f(
      in_order({{.body = "1"}, {.without_head = true, .ending = Ending::reset}, {.body = "2"}}),
      options);
  EXPECT_EQ(f.engine.run(f.call()).value().body, "1");
  const auto outcome = f.engine.run(f.call());
  EXPECT_EQ(outcome.value().body, "2");
  EXPECT_EQ(f.server.request_count(), 3U);
}

TEST(HttpEngine, AStallIsALostConnection) {
  auto options = quick();
  options.stall_timeout = milliseconds(150);
  const WireReply rows[] = {
      {.without_head = true, .ending = Ending::stall},
      {.body = "abcdef", .cut_at = 3, .ending = Ending::stall},
  };
  for (const auto& row : rows) {
    Fixture f(in_order({row, {.body = "whole"}}), options);
    EXPECT_EQ(f.engine.run(f.call()).value().body, "whole");
    EXPECT_EQ(f.server.request_count(), 2U);
  }
}

TEST(HttpEngine, ASlowFirstByteIsWaitedFor) {
  Fixture f(in_order({{.body = "late", .delay = milliseconds(300)}}));
  EXPECT_EQ(f.engine.run(f.call()).value().body, "late");
  EXPECT_EQ(f.server.request_count(), 1U);
}

TEST(HttpEngine, TheDeadlineEndsACall) {
  Fixture f(in_order({{.without_head = true, .ending = Ending::stall}}));
  const auto context = Context().with_deadline(Context::Clock::now() + milliseconds(100));
  EXPECT_EQ(code_of(f.engine.run(f.call("GET", context))), Errc::deadline_exceeded);
  EXPECT_EQ(f.server.request_count(), 1U);
}

TEST(HttpEngine, NoWaitGoesBeyondTheDeadline) {
  Fixture f(in_order({{.status = 503, .headers = {{"Retry-After", "60"}}}}));
  const auto context = Context().with_deadline(Context::Clock::now() + seconds(30));
  EXPECT_EQ(code_of(f.engine.run(f.call("GET", context))), Errc::throttled);
  EXPECT_EQ(f.server.request_count(), 1U);
}

// The server never answers: if the stop were not seen, the stall timeout would end the call with
// another code.
TEST(HttpEngine, AStopEndsACallUnderWay) {
  Fixture f(in_order({{.without_head = true, .ending = Ending::stall}}));
  std::stop_source stop;
  std::jthread stopper([&] {
    while (f.server.request_count() == 0) std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_EQ(code_of(f.engine.run(f.call("GET", Context(stop.get_token())))), Errc::cancelled);
}

TEST(HttpEngine, AStopEndsAWait) {
  Fixture f(in_order({{.status = 503, .headers = {{"Retry-After", "60"}}}}));
  std::stop_source stop;
  std::jthread stopper([&] {
    while (f.server.request_count() == 0) std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_EQ(code_of(f.engine.run(f.call("GET", Context(stop.get_token())))), Errc::cancelled);
}

TEST(HttpEngine, AStopBeforeTheCallSendsNothing) {
  Fixture f(in_order({{}}));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of(f.engine.run(f.call("GET", Context(stop.get_token())))), Errc::cancelled);
  EXPECT_EQ(f.server.request_count(), 0U);
}

TEST(HttpEngine, EndsWithWhatIsUnderWay) {
  std::promise<Errc> code;
  {
    Fixture f(in_order({{.without_head = true, .ending = Ending::stall}}));
    f.engine.submit(f.call(),
                    [&](const HttpOutcome& outcome) { code.set_value(code_of(outcome)); });
  }
  EXPECT_EQ(code.get_future().get(), Errc::cancelled);
}

TEST(HttpEngine, TwoInOneProcessAreEachOnItsOwn) {
  HttpEngineOptions one_at_a_time = quick();
  one_at_a_time.concurrency = 1;
  std::promise<Errc> code;
  Fixture stuck(in_order({{.without_head = true, .ending = Ending::stall}}), one_at_a_time);
  Fixture other(in_order({{.body = "hello"}}));
  stuck.engine.submit(stuck.call(),
                      [&](const HttpOutcome& outcome) { code.set_value(code_of(outcome)); });
  for (int i = 0; i < 5; ++i) EXPECT_EQ(other.engine.run(other.call()).value().body, "hello");
  auto ended = code.get_future();
  EXPECT_EQ(ended.wait_for(seconds(0)), std::future_status::timeout);
}

// Nothing of the process is torn down before it: there is no global clean-up to be late for.
TEST(HttpEngine, MayEndAfterMain) {
  static Fixture f(in_order({{.body = "hello"}}));
  EXPECT_EQ(f.engine.run(f.call()).value().body, "hello");
}

TEST(HttpEngine, ABodyIsSentWholeEachTime) {
  const std::string body(3 << 20, 'b');  // long enough for Expect: 100-continue
  for (const std::string method : {"PUT", "POST"}) {
    Fixture f(in_order({{.status = 500}, {.without_head = true, .ending = Ending::reset}, {}}));
    auto call = f.call(method);
    call.kind = RequestKind::put;
    call.request.body = as_bytes(body);
    const auto accounting = std::make_shared<Accounting>();
    call.context = Context().with_accounting(accounting);
    static_cast<void>(f.engine.run(std::move(call)).value());
    ASSERT_EQ(f.server.request_count(), 3U);
    for (const auto& request : f.server.requests()) {
      EXPECT_EQ(request.method, method);
      EXPECT_EQ(request.body, body);
      EXPECT_EQ(request.header("expect"), "100-continue");
    }
    EXPECT_EQ(accounting->snapshot().bytes_sent, method == "PUT" ? 3 * body.size() : 0U);
  }
}

TEST(HttpEngine, AsksBeforeALargeBodyUntilOneWasTakenAndBeforeItIsSentAgain) {
  Fixture f(in_order({{}, {}, {}, {}, {.status = 500}, {}, {}}));
  const std::string small(1 << 20, 's');
  const std::string large(small.size() + 1, 'l');
  for (const auto* body : {&small, &large, &large, &small, &large, &large}) {
    auto call = f.call("PUT");
    call.request.body = as_bytes(*body);
    static_cast<void>(f.engine.run(std::move(call)).value());
  }
  std::vector<bool> asked;
  for (const auto& request : f.server.requests())
    asked.push_back(!request.header("expect").empty());
  EXPECT_EQ(asked, (std::vector<bool>{false, true, false, false, false, true, false}));
}

TEST(HttpEngine, AnEmptyBodyHasItsLength) {
  for (const std::string method : {"PUT", "POST"}) {
    Fixture f(in_order({{}}));
    static_cast<void>(f.engine.run(f.call(method)).value());
    const auto request = f.server.requests().at(0);
    EXPECT_EQ(request.header("content-length"), "0") << method;
    EXPECT_EQ(request.headers.count("content-type"), 0U) << method;
  }
}

TEST(HttpEngine, AHeadHasNoBody) {
  Fixture f(in_order({{.body = "not sent"}}));
  const auto response = f.engine.run(f.call("HEAD")).value();
  EXPECT_EQ(response.header("content-length"), "8");
  EXPECT_EQ(response.body, "");
}

TEST(HttpEngine, NobodyThereIsAnErrorSoon) {
  auto call = Fixture(in_order({{}})).call();  // the server is gone again
  auto options = quick();
  options.retry.max_attempts = 1000;
  HttpEngine engine(std::make_shared<PlainDialect>(), options);
  const auto outcome = engine.run(std::move(call));
  EXPECT_EQ(code_of(outcome), Errc::unavailable);
  EXPECT_FALSE(outcome.sent_again) << "nothing was sent at all";
}

TEST(HttpEngine, HeadersWithoutEndAreRefused) {
  WireReply reply;
  for (int i = 0; i < 300; ++i) reply.headers.emplace_back("X-Flood", std::string(1000, 'x'));
  Fixture f(in_order({reply}));
  EXPECT_EQ(code_of(f.engine.run(f.call())), Errc::corrupt_data);
  EXPECT_EQ(f.server.request_count(), 1U);
}

TEST(HttpEngine, OfAnErrorOnlyTheBeginningIsKept) {
  Fixture f(in_order({{.status = 404, .body = std::string(1 << 20, 'e')}}));
  const auto outcome = f.engine.run(f.call());
  EXPECT_EQ(code_of(outcome), Errc::not_found);
  EXPECT_EQ(outcome.response.body.size(), 64U << 10U);
}

}  // namespace
}  // namespace cnf::storage
