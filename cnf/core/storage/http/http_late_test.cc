// SPDX-License-Identifier: Apache-2.0
// Answers that are late, stop half-way or drip: hedges and stalls.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/http/http_download_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_plain_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/testing/http_server.h"

namespace cnf::storage {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HttpServer;
using testing::WireReply;
using testing::WireRequest;
using Ending = WireReply::Ending;

// So many requests earn one hedge.
constexpr std::size_t kEarning = 20;

HttpEngineOptions patient() {
  HttpEngineOptions out;
  out.concurrency = 4;
  out.stall_timeout = seconds(30);
  out.retry = {.max_attempts = 4, .base = milliseconds(1), .cap = milliseconds(4)};
  out.hedge = Options::Hedge::on;
  return out;
}

// Bytes 100 to 103 of an object of 1,000.
WireReply part(const std::string& etag, std::string body, std::size_t from = 0) {
  WireReply out{.status = 206, .body = std::move(body)};
  if (!etag.empty()) out.headers.emplace_back("ETag", etag);
  out.headers.emplace_back("Content-Range", "bytes " + std::to_string(100 + from) + "-103/1000");
  return out;
}

WireReply late(WireReply reply) {
  reply.delay = milliseconds(600);
  return reply;
}

WireReply cut(WireReply reply) {
  reply.cut_at = 2;
  reply.ending = Ending::stall;
  return reply;
}

WireReply silent() { return {.without_head = true, .ending = Ending::stall}; }

// An engine that has earned one hedge, and what the server says from then on.
class LateTest : public ::testing::Test {
 protected:
  void start(std::vector<WireReply> replies, const HttpEngineOptions& options = patient()) {
    server_ = std::make_unique<HttpServer>(
        [this, replies = std::move(replies)](const WireRequest&) -> WireReply {
          const std::size_t number = count_++;
          if (number < kEarning) return {.body = "x"};
          const std::size_t next = number - kEarning;
          return next < replies.size() ? replies[next] : WireReply{.status = 400};
        });
    engine_ = std::make_unique<HttpEngine>(std::make_shared<PlainDialect>(), options);
    for (std::size_t i = 0; i < kEarning; ++i) static_cast<void>(engine_->run(call()).value());
  }

  [[nodiscard]] HttpCall call() const {
    HttpCall out;
    out.doing = "read";
    out.subject = "http://test/x";
    out.request.endpoint = parse_endpoint(server_->endpoint());
    out.context = Context().with_accounting(std::make_shared<Accounting>());
    return out;
  }

  // Reads bytes 100 to 103.
  [[nodiscard]] HttpOutcome read(const Context& context = {}) {
    auto out = call();
    out.sink = std::make_unique<RangeSink>("http://test/x", 100, 4, pieces_,
                                           std::make_shared<std::string>());
    out.context = context.with_accounting(accounting_);
    return engine_->run(std::move(out));
  }

  [[nodiscard]] std::string bytes() const { return std::string(as_text(buffer_.span())); }
  [[nodiscard]] Usage usage() const { return accounting_->snapshot(); }
  [[nodiscard]] WireRequest request(std::size_t number) const {
    return server_->requests().at(kEarning + number);
  }

  std::atomic<std::size_t> count_ = 0;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpEngine> engine_;
  std::shared_ptr<Accounting> accounting_ = std::make_shared<Accounting>();
  Buffer buffer_{4};
  std::vector<Transfer::Piece> pieces_{{0, buffer_.span()}};
};

TEST_F(LateTest, AHedgeAnswersForALateFirstByte) {
  start({silent(), part("\"1\"", "abcd")});
  EXPECT_EQ(read().value().status, 206);
  EXPECT_EQ(bytes(), "abcd");
  EXPECT_EQ(usage().hedges, 1U);
  EXPECT_EQ(usage().count(RequestKind::get), 2U);
  EXPECT_EQ(usage().retries, 0U);
  EXPECT_EQ(usage().bytes_fetched, 4U);
  EXPECT_EQ(server_->request_count(), kEarning + 2);
  EXPECT_NE(request(0).connection, request(1).connection);
  EXPECT_EQ(usage().connections_new, 1U) << "the hedge's own";
  EXPECT_EQ(usage().connections_reused, 1U);
}

TEST_F(LateTest, TheFirstAnswerMayStillWin) {
  start({late(part("\"1\"", "abcd")), silent()});
  EXPECT_EQ(read().value().status, 206);
  EXPECT_EQ(bytes(), "abcd");
  EXPECT_EQ(usage().hedges, 1U);
  EXPECT_EQ(usage().bytes_fetched, 4U);
}

TEST_F(LateTest, ABodyThatPausesIsHedgedFromWhereItIs) {
  start({cut(part("\"1\"", "abcd")), part("\"1\"", "cd", 2)});
  EXPECT_EQ(read().value().status, 206);
  EXPECT_EQ(bytes(), "abcd");
  EXPECT_EQ(usage().hedges, 1U);
  EXPECT_EQ(request(1).header("range"), "bytes=102-103");
  EXPECT_EQ(request(1).header("if-match"), "\"1\"");
}

TEST_F(LateTest, WithoutAStrongEtagAPauseIsNotHedged) {
  for (const char* etag : {"", "W/\"1\""}) {
    auto options = patient();
    options.hedging.floor = milliseconds(50);  // a pause is late after 250 ms
    options.stall_timeout = milliseconds(1'000);
    count_ = 0;
    start({cut(part(etag, "abcd")), part("\"2\"", "efgh")}, options);
    const auto before = usage();
    EXPECT_EQ(read().error.has_value(), *etag != '\0') << "another version, where that can be told";
    if (*etag == '\0') {
      EXPECT_EQ(bytes(), "efgh");
    }
    EXPECT_EQ(usage().hedges, before.hedges);
  }
}

// The hedge brings another version, half of it; the first answer, late, is of the old one.
TEST_F(LateTest, TwoVersionsAreNeverMixed) {
  auto options = patient();
  options.stall_timeout = milliseconds(1'500);
  start({late(part("\"1\"", "1111")), cut(part("\"2\"", "2222")), part("\"2\"", "2222")}, options);
  EXPECT_EQ(read().value().status, 206);
  EXPECT_EQ(bytes(), "2222");
  EXPECT_EQ(usage().hedges, 1U);
  EXPECT_EQ(request(2).header("if-match"), "\"2\"");
}

TEST_F(LateTest, TwoVersionsWithoutEtagsAreNeverMixed) {
  auto options = patient();
  options.stall_timeout = milliseconds(1'500);
  start({late(part("", "1111")), cut(part("", "2222")), part("", "3333")}, options);
  EXPECT_EQ(read().value().status, 206);
  EXPECT_EQ(bytes(), "3333");
  EXPECT_EQ(usage().hedges, 1U);
}

TEST_F(LateTest, TheFailureOfOneLeavesTheOther) {
  const WireReply failure{.status = 500};
  start({late(failure), late(part("\"1\"", "abcd"))});
  EXPECT_EQ(read().value().status, 206);
  EXPECT_EQ(bytes(), "abcd");
  EXPECT_EQ(usage().retries, 0U);
  EXPECT_EQ(usage().count(RequestKind::get), 2U);
}

TEST_F(LateTest, BothMayFailAndAreTriedAgainAsOne) {
  const WireReply failure{.status = 500};
  start({late(failure), failure, part("\"1\"", "abcd")});
  EXPECT_EQ(read().value().status, 206);
  EXPECT_EQ(bytes(), "abcd");
  EXPECT_EQ(usage().retries, 1U);
  EXPECT_EQ(usage().hedges, 1U);
  EXPECT_EQ(usage().count(RequestKind::get), 3U);
}

TEST_F(LateTest, BothMayFailForGood) {
  start({late({.status = 404}), {.status = 404}});
  EXPECT_EQ(read().error.value().code(), Errc::not_found);
  EXPECT_EQ(server_->request_count(), kEarning + 2);
}

TEST_F(LateTest, ADeadlineEndsBoth) {
  start({silent(), silent()});
  const auto outcome = read(Context().with_deadline(Context::Clock::now() + seconds(2)));
  EXPECT_EQ(outcome.error.value().code(), Errc::deadline_exceeded);
  EXPECT_EQ(usage().hedges, 1U);
}

TEST_F(LateTest, AStopEndsBoth) {
  start({silent(), silent()});
  std::stop_source stop;
  std::jthread stopper([&] {
    while (server_->request_count() < kEarning + 2) std::this_thread::yield();
    stop.request_stop();
  });
  EXPECT_EQ(read(Context(stop.get_token())).error.value().code(), Errc::cancelled);
  EXPECT_EQ(usage().hedges, 1U);
}

TEST_F(LateTest, WithoutABudgetNothingIsHedged) {
  auto options = patient();
  options.hedging.most_extra = 0;
  start({late(part("\"1\"", "abcd"))}, options);
  EXPECT_EQ(read().value().status, 206);
  EXPECT_EQ(usage().hedges, 0U);
  options = patient();
  options.hedge = Options::Hedge::automatic;  // and this is the machine itself
  count_ = 0;
  start({late(part("\"1\"", "abcd"))}, options);
  EXPECT_EQ(read().value().status, 206);
  EXPECT_EQ(usage().hedges, 0U);
}

TEST(Late, WhenAllAnswersAreLateHedgesStayWithinTheirBudget) {
  HttpServer server([](const WireRequest&) {
    WireReply reply = part("\"1\"", "abcd");
    reply.delay = milliseconds(30);
    return reply;
  });
  auto options = patient();
  options.hedging.floor = milliseconds(5);
  HttpEngine engine(std::make_shared<PlainDialect>(), options);
  constexpr std::size_t kCalls = 200;
  const auto accounting = std::make_shared<Accounting>();
  std::vector<Buffer> buffers;
  std::vector<std::vector<Transfer::Piece>> pieces;
  for (std::size_t i = 0; i < kCalls; ++i) buffers.emplace_back(4);
  for (Buffer& buffer : buffers) pieces.push_back({{0, buffer.span()}});
  std::atomic<std::size_t> good = 0;
  std::atomic<std::size_t> done = 0;
  std::promise<void> all;
  for (const auto& into : pieces) {
    HttpCall call;
    call.doing = "read";
    call.request.endpoint = parse_endpoint(server.endpoint());
    call.sink = std::make_unique<RangeSink>("x", 100, 4, into, std::make_shared<std::string>());
    call.context = Context().with_accounting(accounting);
    engine.submit(std::move(call), [&](const HttpOutcome& outcome) {
      if (!outcome.error) ++good;
      if (++done == kCalls) all.set_value();
    });
  }
  all.get_future().wait();
  EXPECT_EQ(good, kCalls);
  for (const Buffer& buffer : buffers) EXPECT_EQ(as_text(buffer.span()), "abcd");
  const auto usage = accounting->snapshot();
  EXPECT_EQ(usage.count(RequestKind::get), kCalls + usage.hedges);
  EXPECT_LE(usage.hedges, kCalls / 20);
}

TEST(Late, ABodyThatDripsHasStalled) {
  std::atomic<int> count = 0;
  HttpServer server([&](const WireRequest&) -> WireReply {
    if (count++ == 0) return {.body = std::string(500, 'd'), .delay = milliseconds(20), .slice = 1};
    return {.body = "whole"};
  });
  auto options = patient();
  options.stall_timeout = milliseconds(500);
  HttpEngine engine(std::make_shared<PlainDialect>(), options);
  HttpCall call;
  call.request.endpoint = parse_endpoint(server.endpoint());
  EXPECT_EQ(engine.run(std::move(call)).value().body, "whole");
  EXPECT_EQ(server.request_count(), 2U);
}

// What came first had no ETag, so nobody knows which version it was, whatever ETag others saw.
TEST(Late, WhatCameWithoutAnEtagIsNotGoneOnWith) {
  Buffer buffer(4);
  const std::vector<Transfer::Piece> pieces{{0, buffer.span()}};
  const auto pin = std::make_shared<std::string>();
  RangeSink sink("x", 100, 4, pieces, pin);
  HttpRequest first;
  sink.prepare(first);
  sink.begin({.status = 206, .headers = {{"content-range", "bytes 100-103/1000"}}, .body = {}});
  sink.write(as_bytes("ab"));
  *pin = "1";
  HttpRequest second;
  sink.prepare(second);
  const HttpHeaders want{{"Range", "bytes=100-103"}, {"If-Match", "\"1\""}};
  EXPECT_EQ(second.headers, want);
}

}  // namespace
}  // namespace cnf::storage
