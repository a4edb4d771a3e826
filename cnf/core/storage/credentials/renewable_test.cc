// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_seconds;
using Token = Renewable<std::string>;

constexpr sys_seconds kStart = std::chrono::sys_days(std::chrono::year(2024) / 1 / 1);

/// A clock that goes when it is told to.
class HandClock {
 public:
  [[nodiscard]] sys_seconds now() const { return sys_seconds(seconds(now_.load())); }
  void advance(seconds time) { now_ += time.count(); }
  [[nodiscard]] auto function() {
    return [this] { return std::chrono::system_clock::time_point(now()); };
  }

 private:
  std::atomic<std::int64_t> now_{kStart.time_since_epoch().count()};
};

/// Issues "1", "2", … each for as long as `life` says, or fails while `fault` is set.
class Issuer {
 public:
  explicit Issuer(HandClock& clock) : clock_(clock) {}
  Expiring<std::string> operator()(const Context& /*context*/) {
    const bool fault = fails;
    const int number = ++asked;
    if (fault) throw Error(Errc::unavailable, "ask", "the issuer", "it is down");
    return {std::to_string(number), clock_.now() + life};
  }

  seconds life{3'600};
  std::atomic<bool> fails{false};
  std::atomic<int> asked{0};

 private:
  HandClock& clock_;
};

struct Fixture {
  HandClock clock;
  Issuer issuer{clock};
  Token token{[this](const Context& context) { return issuer(context); }, clock.function()};

  std::string secret() { return *token.wait({}).secret; }
};

Errc code_of(Token& token, const Context& context = {}) {
  try {
    static_cast<void>(token.wait(context));
  } catch (const Error& error) {
    return error.code();
  }
  return Errc::internal;
}

TEST(Renewable, IsNotAskedForBeforeItIsNeeded) {
  Fixture f;
  EXPECT_EQ(f.issuer.asked, 0);
  EXPECT_THROW(static_cast<void>(f.token.current()), Error);
  EXPECT_EQ(f.secret(), "1");
}

TEST(Renewable, IsAskedForOnceForAllThatWait) {
  Fixture f;
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] { good += f.secret() == "1" ? 1 : 0; });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 16);
  EXPECT_EQ(f.issuer.asked, 1);
}

TEST(Renewable, IsRenewedAheadWhileTheOldOneIsUsed) {
  HandClock clock;
  std::promise<void> go;
  auto gate = go.get_future().share();
  std::atomic<int> asked = 0;
  Token token(
      [&](const Context&) {
        const int number = ++asked;
        if (number == 2) gate.wait();
        return Expiring<std::string>{std::to_string(number), clock.now() + seconds(3'600)};
      },
      clock.function());
  EXPECT_EQ(*token.wait({}).secret, "1");
  clock.advance(seconds(3'600) - Token::kAhead - seconds(1));
  EXPECT_EQ(*token.wait({}).secret, "1");
  EXPECT_EQ(asked, 1) << "not before its time";
  clock.advance(seconds(1));
  EXPECT_EQ(*token.wait({}).secret, "1") << "does not wait";
  while (asked < 2) std::this_thread::yield();
  EXPECT_EQ(*token.wait({}).secret, "1");
  go.set_value();
  while (token.current().number != 2) std::this_thread::yield();
  EXPECT_EQ(*token.wait({}).secret, "2");
  EXPECT_EQ(asked, 2);
}

TEST(Renewable, IsNotUsedUpToItsEnd) {
  Fixture f;
  EXPECT_EQ(f.secret(), "1");
  f.issuer.fails = true;
  f.clock.advance(seconds(3'600) - Token::kMargin);
  EXPECT_EQ(code_of(f.token), Errc::unavailable);
}

TEST(Renewable, AnIssuerThatRepeatsASecretIsNotAskedAtEachRequest) {
  HandClock clock;
  const auto end = clock.now() + seconds(290);  // as metadata services do: always less than kAhead
  std::atomic<int> asked = 0;
  Token token(
      [&](const Context&) {
        ++asked;
        return Expiring<std::string>{"same", end};
      },
      clock.function());
  for (int second = 0; second < 270; ++second) {
    for (int request = 0; request < 10; ++request) EXPECT_EQ(*token.wait({}).secret, "same");
    clock.advance(seconds(1));
  }
  while (asked < 2) std::this_thread::yield();
  EXPECT_LE(asked, 10) << "2700 requests";
}

TEST(Renewable, OneThatHasExpiredWhenItComesIsAnErrorAndNoLoop) {
  Fixture f;
  f.issuer.life = seconds(0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(code_of(f.token), Errc::unauthenticated);
  EXPECT_EQ(f.issuer.asked, 1) << "within the pause";
}

TEST(Renewable, WhatWentWrongIsTheAnswerForAPause) {
  Fixture f;
  f.issuer.fails = true;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(code_of(f.token), Errc::unavailable);
  EXPECT_EQ(f.issuer.asked, 1);
  f.clock.advance(seconds(2));
  EXPECT_EQ(code_of(f.token), Errc::unavailable);
  EXPECT_EQ(f.issuer.asked, 2);
  f.issuer.fails = false;
  f.clock.advance(seconds(2));
  EXPECT_EQ(f.secret(), "3");
}

TEST(Renewable, AClockThatIsSetBackDoesNotMakeAFailureLast) {
  Fixture f;
  f.issuer.fails = true;
  EXPECT_EQ(code_of(f.token), Errc::unavailable);
  f.clock.advance(minutes(-60));
  f.issuer.fails = false;
  EXPECT_EQ(f.secret(), "2");
}

TEST(Renewable, AFailureAheadOfTheEndIsNotSeen) {
  Fixture f;
  EXPECT_EQ(f.secret(), "1");
  f.issuer.fails = true;
  f.clock.advance(seconds(3'600) - Token::kAhead);
  EXPECT_EQ(f.secret(), "1");
  while (f.issuer.asked < 2) std::this_thread::yield();
  EXPECT_EQ(f.secret(), "1");
  f.issuer.fails = false;
  // The pause begins when the failure is taken note of, which cannot be seen from here.
  while (f.secret() == "1") {
    f.clock.advance(seconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  EXPECT_EQ(f.secret(), "3");
}

TEST(Renewable, ARejectedEditionIsRenewedOnceForAll) {
  Fixture f;
  const auto first = f.token.wait({});
  EXPECT_TRUE(f.token.reject(first.number));
  EXPECT_TRUE(f.token.reject(first.number)) << "another request that it had signed";
  EXPECT_EQ(f.secret(), "2");
  EXPECT_TRUE(f.token.reject(first.number)) << "a late answer: there is another one by now";
  EXPECT_EQ(f.secret(), "2");
  EXPECT_EQ(f.issuer.asked, 2);
}

TEST(Renewable, OneThatIsRejectedAgainAtOnceIsNotRenewedForEver) {
  Fixture f;
  EXPECT_TRUE(f.token.reject(f.token.wait({}).number));
  const auto second = f.token.wait({});
  EXPECT_FALSE(f.token.reject(second.number));
  EXPECT_EQ(*f.token.wait({}).secret, "2");
  f.clock.advance(seconds(2));
  EXPECT_TRUE(f.token.reject(second.number));
  EXPECT_EQ(f.secret(), "3");
}

TEST(Renewable, AFailureToRenewWhatWasRejectedIsTheAnswer) {
  Fixture f;
  EXPECT_TRUE(f.token.reject(f.token.wait({}).number));
  f.issuer.fails = true;
  EXPECT_EQ(code_of(f.token), Errc::unavailable);
}

TEST(Renewable, OneThatStaysIsNeitherAskedForNorRenewed) {
  Token token(std::string("fixed"));
  EXPECT_TRUE(token.ready([] { FAIL(); }));
  EXPECT_EQ(*token.current().secret, "fixed");
  EXPECT_FALSE(token.reject(token.current().number));
  EXPECT_EQ(*token.current().secret, "fixed");
}

TEST(Renewable, TheEndOfTimeAndWhatLiesBehindItDoNotOverflow) {
  constexpr sys_seconds kYear9999 = std::chrono::sys_days(std::chrono::year(9999) / 12 / 31);
  for (const auto expires : {sys_seconds::max(), kYear9999}) {
    std::atomic<int> asked = 0;
    Token token([&](const Context&) {
      ++asked;
      return Expiring<std::string>{"x", expires};
    });
    EXPECT_EQ(*token.wait({}).secret, "x");
    EXPECT_EQ(*token.wait({}).secret, "x");
    EXPECT_EQ(asked, 1);
  }
  Token old([](const Context&) {
    return Expiring<std::string>{"x", std::chrono::sys_days(std::chrono::year(0) / 1 / 1)};
  });
  EXPECT_EQ(code_of(old), Errc::unauthenticated);
}

TEST(Renewable, AnUnexpectedExceptionIsAnErrorWithoutItsText) {
  Token token([](const Context&) -> Expiring<std::string> {
    throw std::runtime_error("parse error near 'hidden'");
  });
  try {
    static_cast<void>(token.wait({}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Errc::internal);
    EXPECT_EQ(std::string(error.what()).find("hidden"), std::string::npos);
  }
}

TEST(Renewable, DestructionStopsTheRenewalAndLetsTheWaitingGo) {
  std::promise<void> asked;
  std::atomic<int> resumed = 0;
  {
    Token token([&](const Context& context) -> Expiring<std::string> {
      std::promise<void> stopped;
      const std::stop_callback on_stop(context.stop(), [&] { stopped.set_value(); });
      asked.set_value();
      stopped.get_future().wait();
      throw Error(Errc::cancelled, "ask", "the issuer", "stopped");
    });
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(token.ready([&] { ++resumed; }));
    asked.get_future().wait();
  }
  EXPECT_EQ(resumed, 3);
}

TEST(Renewable, WhoIsResumedMayAskAtOnce) {
  HandClock clock;
  std::atomic<int> asked = 0;
  Token token(
      [&](const Context&) {
        return Expiring<std::string>{std::to_string(++asked), clock.now() + seconds(60)};
      },
      clock.function());
  std::promise<bool> second;
  EXPECT_FALSE(token.ready([&] {
    clock.advance(seconds(60));  // so that the secret is gone again
    static_cast<void>(token.ready([&] { second.set_value(true); }));
  }));
  EXPECT_TRUE(second.get_future().get());
  EXPECT_EQ(*token.current().secret, "2");
}

TEST(Renewable, AWaitHasADeadlineAndCanBeStopped) {
  std::promise<void> go;
  auto gate = go.get_future().share();
  Token token([&](const Context&) {
    gate.wait();
    return Expiring<std::string>{"late"};
  });
  EXPECT_EQ(code_of(token, Context().with_deadline(Context::Clock::now())),
            Errc::deadline_exceeded);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(code_of(token, Context(stop.get_token())), Errc::cancelled);
  go.set_value();
  EXPECT_EQ(*token.wait({}).secret, "late");
}

}  // namespace
}  // namespace cnf::storage
