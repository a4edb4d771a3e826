// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <curl/curl.h>

#include "cnf/core/storage/http/http_attempt_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_loop_internal.h"
#include "cnf/core/storage/http/http_retry_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using std::chrono::milliseconds;

// An attempt that brought so much was no failure of the store: the count of failures starts anew.
constexpr std::uint64_t kProgress = std::uint64_t{64} << 10;
// A host that was never reached is more likely a typo than a restart.
constexpr int kAttemptsToFirstConnection = 4;

}  // namespace

void HttpEngine::Impl::end_attempt(Place place, Job& job, CURLcode code,
                                   std::string_view curl_said) {
  Lane& lane = job.lanes[place.lane];
  const auto attempt = std::move(lane.attempt);
  using Connection = HttpAttempt::Connection;
  const Connection connection = attempt->connection();
  const bool connected = connection != Connection::none;
  ever_connected_ = ever_connected_ || connected;
  job.sent_again = job.sent_again || attempt->was_rewound();

  HttpSink* const sink = place.lane == 0 ? job.call.sink.get() : job.twin.get();
  std::optional<Error> refusal;
  const auto failure = judge(sink, *attempt, code, curl_said, refusal);
  if (job.call.request.body.size() > kSmallBody) takes_large_bodies_ = !failure && !refusal;
  park(job, *attempt);
  if (failure) note_failure(job, lane, *failure);
  if ((failure || refusal) && sink != nullptr) sink->lost();
  const bool other_runs = job.lanes[1 - place.lane].attempt != nullptr;
  if ((failure || refusal) && other_runs) return;  // that one may yet bring the answer

  const JobId id = place.job;
  auto& response = attempt->response();
  const bool lost_idle_connection = code != CURLE_OK && code != CURLE_OPERATION_TIMEDOUT &&
                                    connection == Connection::reused && !attempt->has_head();
  if (refusal) {
    finish(id, {std::move(response), std::move(refusal), {}, job.sent_again});
  } else if (!failure) {
    note_success(job, lane, *attempt);
    finish(id, {std::move(response), std::nullopt, {}, job.sent_again});
  } else if (lost_idle_connection && !std::exchange(job.spared, true)) {
    // Stores close idle connections after some seconds: no failure of the request.
    job.sent_again = true;
    retry_at(id, job, Context::Clock::now());
  } else if (failure->retry == HttpFailure::Retry::corrected &&
             !std::exchange(job.corrected, true)) {
    retry_at(id, job, Context::Clock::now());
  } else {
    retry_or_fail(id, job, std::move(response), *failure, connected);
  }
}

std::optional<HttpFailure> HttpEngine::Impl::judge(HttpSink* sink, HttpAttempt& attempt,
                                                   CURLcode code, std::string_view curl_said,
                                                   std::optional<Error>& refusal) {
  refusal = attempt.take_refusal();
  if (refusal) return std::nullopt;
  const auto& response = attempt.response();
  // A server may answer no before it has read all of the request, and close: the answer counts.
  if (code != CURLE_OK && !(attempt.has_head() && response.status >= 300)) {
    return failure_of_connection(code, curl_said);
  }
  if (auto failure = dialect_->judge(attempt.request(), response)) {
    // What was to say why broke off: it may have been a reason that passes.
    const bool unsaid = code != CURLE_OK && failure->provider_code.empty();
    if (unsaid && failure->retry == HttpFailure::Retry::no) {
      failure->retry = HttpFailure::Retry::yes;
    }
    return failure;
  }
  try {
    if (sink != nullptr) sink->end();
  } catch (const Error& error) {
    refusal = error;
  }
  return std::nullopt;
}

// What this answer says about how long answers take, and the one that it beat.
void HttpEngine::Impl::note_success(const Job& job, const Lane& lane, const HttpAttempt& attempt) {
  limit_.succeeded();
  if (job.call.kind != RequestKind::get) return;
  if (const auto first = attempt.moving_since()) hedging_.first_byte_after(*first - lane.started);
  for (const Lane& beaten : job.lanes) {
    if (beaten.attempt) hedging_.first_byte_after(Context::Clock::now() - beaten.started);
  }
  if (const auto median = hedging_.median()) {
    first_byte_us_ = std::chrono::duration_cast<std::chrono::microseconds>(*median).count();
  }
}

void HttpEngine::Impl::note_failure(const Job& job, const Lane& lane, const HttpFailure& failure) {
  using Retry = HttpFailure::Retry;
  const auto now = Context::Clock::now();
  if (failure.retry == Retry::yes || failure.retry == Retry::throttled) hedging_.failed(now);
  if (failure.retry != Retry::throttled) return;
  job.call.context.accounting().add_throttle();
  limit_.throttled(lane.started, now);
}

void HttpEngine::Impl::retry_or_fail(JobId id, Job& job, HttpResponse response,
                                     const HttpFailure& failure, bool connected) {
  using Retry = HttpFailure::Retry;
  const auto now = Context::Clock::now();
  if (job.call.sink && job.call.sink->kept() >= job.kept_before + kProgress) job.failures = 0;
  ++job.failures;
  std::optional<milliseconds> wait;
  const bool hopeless = !ever_connected_ && job.failures >= kAttemptsToFirstConnection;
  const bool may_pass = failure.retry == Retry::yes || failure.retry == Retry::throttled;
  if (may_pass && !hopeless) {
    std::optional<milliseconds> asked;
    if (const auto header = response.header("retry-after")) {
      const auto today = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
      asked = parse_retry_after(*header, today);
    }
    wait = options_.retry.delay(job.failures, asked, now, job.call.context.deadline(), random_);
  }
  if (wait) {
    job.sent_again = job.sent_again || connected;
    retry_at(id, job, now + *wait);
    return;
  }
  std::string why = failure.why;
  if (job.attempts > 1) why += " (tried " + std::to_string(job.attempts) + " times)";
  finish(id, {std::move(response),
              Error(failure.code, job.call.doing, job.call.subject, why, failure.remedy),
              failure.provider_code, job.sent_again});
}

void HttpEngine::Impl::retry_at(JobId id, Job& job, TimePoint when) {
  job.twin.reset();
  job.call.context.accounting().add_retry();
  timers_.push({when, id, Due::retry});
}

void HttpEngine::Impl::fail(JobId id, Errc code, std::string_view why) {
  const auto& job = *jobs_.at(id);
  HttpOutcome outcome;
  outcome.error.emplace(code, job.call.doing, job.call.subject, why);
  outcome.sent_again = job.sent_again;
  finish(id, std::move(outcome));
}

void HttpEngine::Impl::finish(JobId id, HttpOutcome outcome) {
  auto node = jobs_.extract(id);
  auto job = std::move(node.mapped());
  for (Lane& lane : job->lanes) {
    if (lane.attempt) park(*job, *lane.attempt);
  }
  const Done done = std::move(job->done);
  job.reset();  // before anybody hears of it: its sinks point into the caller's memory
  done(std::move(outcome));
}

}  // namespace cnf::storage
