// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <curl/curl.h>

#include "cnf/core/storage/http/http_attempt_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_loop_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using std::chrono::milliseconds;

// Once the body comes, a pause is no late answer: it must be longer to be one.
constexpr int kPauseFactor = 5;
// A body that is slower than this over the stall time has stalled, though it still drips.
constexpr std::uint64_t kLeastBytesPerSecond = 1024;

// Once per process and never undone: other libraries here (htslib) use libcurl too, and since 7.84
// its own initialisation is counted and thread-safe.
void initialise_curl() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (done != CURLE_OK) throw Error(Errc::internal, "start", "libcurl", curl_easy_strerror(done));
}

CurlMulti make_multi(unsigned connections) {
  constexpr long kHedges = 4;  // at most so many go out in a row
  initialise_curl();
  CurlMulti multi(curl_multi_init());
  if (!multi) throw Error(Errc::internal, "start", "libcurl", "out of memory");
  const auto kept = static_cast<long>(connections);
  curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, kept);
  curl_multi_setopt(multi.get(), CURLMOPT_MAX_HOST_CONNECTIONS, kept + kHedges);
  return multi;
}

bool may_hedge(const HttpCall& call, Options::Hedge when) {
  if (call.kind != RequestKind::get || !call.sink || call.ask_again) return false;
  const auto& endpoint = call.request.endpoint;
  return when == Options::Hedge::on || (when == Options::Hedge::automatic &&
                                        !endpoint.is_loopback() && !endpoint.is_link_local());
}

}  // namespace

HttpEngine::Impl::Impl(std::shared_ptr<HttpDialect> dialect, const HttpEngineOptions& options)
    : dialect_(std::move(dialect)),
      options_(options),
      multi_(make_multi(std::max(options.concurrency, 1U))),
      limit_(std::max(options.concurrency, 1U)),
      hedging_(options.hedging),
      thread_([this] { run(); }) {
  const std::lock_guard lock(gate_->mutex);
  gate_->engine = this;
}

HttpEngine::Impl::~Impl() {
  {
    const std::lock_guard lock(gate_->mutex);
    gate_->engine = nullptr;
  }
  closing_ = true;
  wake();
  thread_.join();
}

void HttpEngine::Impl::submit(HttpCall call, Done done) {
  auto job = std::make_unique<Job>(std::move(call), std::move(done), *this);
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = inbox_.empty();
    inbox_.push_back(std::move(job));
  }
  if (first) wake();
}

std::optional<std::chrono::microseconds> HttpEngine::Impl::first_byte() const noexcept {
  const auto known = first_byte_us_.load();
  if (known < 0) return std::nullopt;
  return std::chrono::microseconds(known);
}

void HttpEngine::Impl::run() {
  while (!closing_) {
    take_inbox();
    if (stop_seen_.exchange(false)) stop_all_that_should();
    fire_timers();
    if (Context::Clock::now() >= patrol_at_) patrol();
    start_queued();
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    collect();
    start_queued();
    curl_multi_poll(multi_.get(), nullptr, 0, poll_milliseconds(), nullptr);
  }
  take_inbox();
  while (!jobs_.empty()) fail(jobs_.begin()->first, Errc::cancelled, "the store was closed");
}

void HttpEngine::Impl::take_inbox() {
  std::vector<std::unique_ptr<Job>> arrived;
  {
    const std::lock_guard lock(mutex_);
    arrived.swap(inbox_);
  }
  for (auto& job : arrived) {
    const JobId id = next_id_++;
    const auto deadline = job->call.context.deadline();
    if (job->call.context.stop().stop_requested()) stop_seen_ = true;
    if (deadline != TimePoint::max()) timers_.push({deadline, id, Due::deadline});
    jobs_.emplace(id, std::move(job));
    queue_.push_back(id);
  }
}

void HttpEngine::Impl::stop_all_that_should() {
  std::vector<JobId> stopped;
  for (const auto& [id, job] : jobs_) {
    if (job->call.context.stop().stop_requested()) stopped.push_back(id);
  }
  for (const JobId id : stopped) fail(id, Errc::cancelled, "stopped on request");
}

void HttpEngine::Impl::fire_timers() {
  const auto now = Context::Clock::now();
  while (!timers_.empty() && timers_.top().when <= now) {
    const Timer timer = timers_.top();
    timers_.pop();
    if (!jobs_.contains(timer.job)) continue;
    if (timer.due == Due::retry) {
      queue_.push_front(timer.job);
    } else {
      fail(timer.job, Errc::deadline_exceeded, "the time for it is over");
    }
  }
}

// Looks at all that is under way: ends what has stalled, asks again for what is late.
void HttpEngine::Impl::patrol() {
  const auto now = Context::Clock::now();
  auto next = TimePoint::max();
  std::vector<std::pair<Place, std::string_view>> stalled;
  std::vector<JobId> late;
  for (const auto& [easy, place] : active_) {
    Job& job = *jobs_.at(place.job);
    std::string_view why;
    const auto due = look_at(job.lanes[place.lane], now, why);
    if (!why.empty()) {
      stalled.emplace_back(place, why);
      continue;
    }
    next = std::min(next, due);
    const auto hedge_at = place.lane == 0 ? hedge_due(job) : std::nullopt;
    if (!hedge_at) continue;
    if (*hedge_at > now) {
      next = std::min(next, *hedge_at);
    } else {
      late.push_back(place.job);
    }
  }
  patrol_at_ = next;
  for (const JobId id : late) hedge(id, *jobs_.at(id), now);
  for (const auto& [place, why] : stalled) {
    const auto job = jobs_.find(place.job);
    if (job == jobs_.end() || !job->second->lanes[place.lane].attempt) continue;
    job->second->stalled = true;
    end_attempt(place, *job->second, CURLE_OPERATION_TIMEDOUT, why);
  }
}

// When to look again; or why the attempt has stalled.
HttpEngine::Impl::TimePoint HttpEngine::Impl::look_at(Lane& lane, TimePoint now,
                                                      std::string_view& stalled) {
  const auto patience = options_.stall_timeout;
  const auto silent_until = lane.attempt->last_progress() + patience;
  if (silent_until <= now) {
    stalled = "no byte came or went for too long";
    return now;
  }
  const auto moving_since = lane.attempt->moving_since();
  if (!moving_since) {
    lane.window = {};
    return silent_until;
  }
  if (lane.window < *moving_since) {
    lane.window = *moving_since;
    lane.moved_before = 0;
  }
  if (lane.window + patience > now) return std::min(silent_until, lane.window + patience);
  const auto moved = lane.attempt->moved();
  const std::chrono::duration<double> took = now - lane.window;
  if (static_cast<double>(moved - lane.moved_before) <
      took.count() * static_cast<double>(kLeastBytesPerSecond)) {
    stalled = "the bytes came or went too slowly";
  }
  lane.window = now;
  lane.moved_before = moved;
  return std::min(silent_until, now + patience);
}

// When the first lane's answer is late; nullopt if there is to be no second one.
std::optional<HttpEngine::Impl::TimePoint> HttpEngine::Impl::hedge_due(const Job& job) const {
  const auto& attempt = job.lanes[0].attempt;
  if (job.considered || !attempt || !may_hedge(job.call, options_.hedge)) return std::nullopt;
  const bool coming = attempt->moving_since().has_value();
  return attempt->last_progress() + hedging_.delay() * (coming ? kPauseFactor : 1);
}

std::size_t HttpEngine::Impl::count_late(TimePoint now) const {
  return static_cast<std::size_t>(
      std::count_if(active_.begin(), active_.end(), [&](const auto& entry) {
        const Lane& lane = jobs_.at(entry.second.job)->lanes[entry.second.lane];
        return lane.attempt->last_progress() + hedging_.delay() <= now;
      }));
}

void HttpEngine::Impl::hedge(JobId id, Job& job, TimePoint now) {
  job.considered = true;
  auto twin = job.call.sink->twin();
  if (!twin || is_held() || !hedging_.take(now, count_late(now), active_.size())) return;
  HttpRequest request = job.call.request;
  try {
    twin->prepare(request);
    dialect_->sign(request);
    job.twin = std::move(twin);
    launch(id, job, 1, std::move(request), job.twin.get());
  } catch (const std::exception&) {
    job.twin.reset();  // the first one still runs, and will tell
    return;
  }
  job.call.context.accounting().add_hedge();
}

void HttpEngine::Impl::start_queued() {
  while (!queue_.empty() && active_.size() < limit_.limit() && !is_held()) {
    const JobId id = queue_.front();
    queue_.pop_front();
    const auto found = jobs_.find(id);
    if (found != jobs_.end()) start(id, *found->second);
  }
}

// Asks the dialect, once until it calls back.
bool HttpEngine::Impl::is_held() {
  {
    const std::lock_guard lock(gate_->mutex);
    if (std::exchange(gate_->held, true)) return true;
  }
  if (!dialect_->ready(resume_)) return true;
  const std::lock_guard lock(gate_->mutex);
  gate_->held = false;
  return false;
}

void HttpEngine::Impl::start(JobId id, Job& job) {
  HttpRequest request = job.call.request;
  request.asks_first =
      job.attempts > 0 || (request.body.size() > kSmallBody && !takes_large_bodies_);
  job.kept_before = 0;
  job.considered = false;
  try {
    if (job.call.sink) {
      job.call.sink->prepare(request);
      job.kept_before = job.call.sink->kept();
    }
    if (job.attempts > 0 && job.call.ask_again) job.call.ask_again(request);
    dialect_->sign(request);
    launch(id, job, 0, std::move(request), job.call.sink.get());
  } catch (const Error& error) {
    finish(id, {{}, error, {}, job.sent_again});
    return;
  } catch (const std::bad_alloc&) {
    fail(id, Errc::internal, "out of memory");
    return;
  }
  ++job.attempts;
  hedging_.sent();
}

void HttpEngine::Impl::launch(JobId id, Job& job, std::size_t lane, HttpRequest request,
                              HttpSink* sink) {
  const bool fresh = lane == 1 || std::exchange(job.stalled, false);
  auto attempt = std::make_unique<HttpAttempt>(take_handle(), job.call, std::move(request), sink,
                                               *dialect_, options_);
  if (fresh) curl_easy_setopt(attempt->easy(), CURLOPT_FRESH_CONNECT, 1L);
  active_.emplace(attempt->easy(), Place{id, lane});
  auto& accounting = job.call.context.accounting();
  accounting.add_request(job.call.kind);
  accounting.add_usd(options_.prices->request_usd(job.call.kind));
  const auto now = Context::Clock::now();
  job.lanes[lane] = {.attempt = std::move(attempt), .started = now};
  patrol_at_ = std::min(patrol_at_, now + options_.stall_timeout);
  if (lane == 0) patrol_at_ = std::min(patrol_at_, hedge_due(job).value_or(patrol_at_));
  curl_multi_add_handle(multi_.get(), job.lanes[lane].attempt->easy());
}

void HttpEngine::Impl::collect() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const auto found = active_.find(message->easy_handle);
    const CURLcode code = message->data.result;  // the message is gone once the handle is taken out
    if (found == active_.end()) continue;
    const Place place = found->second;
    Job& job = *jobs_.at(place.job);
    end_attempt(place, job, code, job.lanes[place.lane].attempt->failure_text(code));
  }
}

CurlEasy HttpEngine::Impl::take_handle() {
  CurlEasy easy;
  if (idle_.empty()) {
    easy.reset(curl_easy_init());
  } else {
    easy = std::move(idle_.back());
    idle_.pop_back();
  }
  if (!easy) throw std::bad_alloc();
  return easy;
}

// Takes an attempt from curl; its handle waits for the next one.
void HttpEngine::Impl::park(const Job& job, HttpAttempt& attempt) {
  const auto connection = attempt.connection();
  if (connection != HttpAttempt::Connection::none) {
    job.call.context.accounting().add_connection(connection == HttpAttempt::Connection::fresh);
  }
  curl_multi_remove_handle(multi_.get(), attempt.easy());
  active_.erase(attempt.easy());
  idle_.push_back(attempt.release());
}

bool HttpEngine::Impl::waits_for_dialect() const {
  const std::lock_guard lock(gate_->mutex);
  return gate_->held;
}

int HttpEngine::Impl::poll_milliseconds() const {
  constexpr milliseconds kLongest{10'000};
  if (!queue_.empty() && active_.size() < limit_.limit() && !waits_for_dialect()) return 0;
  const auto due = timers_.empty() ? patrol_at_ : std::min(patrol_at_, timers_.top().when);
  if (due == TimePoint::max()) return static_cast<int>(kLongest.count());
  const auto left = std::chrono::ceil<milliseconds>(due - Context::Clock::now());
  return static_cast<int>(std::clamp(left, milliseconds::zero(), kLongest).count());
}

}  // namespace cnf::storage
