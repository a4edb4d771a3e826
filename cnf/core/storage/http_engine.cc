// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <queue>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <curl/curl.h>

#include "cnf/core/storage/http_attempt_internal.h"
#include "cnf/core/storage/http_engine_internal.h"
#include "cnf/core/storage/http_retry_internal.h"
#include "cnf/core/storage/http_url_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using TimePoint = Context::Clock::time_point;
using std::chrono::milliseconds;

// An attempt that brought so much was no failure of the store: the count of failures starts anew.
constexpr std::uint64_t kProgress = std::uint64_t{64} << 10;
// A body of at most so much is on its way before an answer to the question could be there.
constexpr std::size_t kSmallBody = std::size_t{1} << 20;
// A host that was never reached is more likely a typo than a restart.
constexpr int kAttemptsToFirstConnection = 4;

struct MultiDeleter {
  void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};
using CurlMulti = std::unique_ptr<CURLM, MultiDeleter>;

// Once per process and never undone: other libraries here (htslib) use libcurl too, and since 7.84
// its own initialisation is counted and thread-safe.
void initialise_curl() {
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (done != CURLE_OK) throw Error(Errc::internal, "start", "libcurl", curl_easy_strerror(done));
}

CurlMulti make_multi(unsigned connections) {
  initialise_curl();
  CurlMulti multi(curl_multi_init());
  if (!multi) throw Error(Errc::internal, "start", "libcurl", "out of memory");
  curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(connections));
  curl_multi_setopt(multi.get(), CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(connections));
  return multi;
}

}  // namespace

class HttpEngine::Impl {
 public:
  Impl(std::shared_ptr<HttpDialect> dialect, const HttpEngineOptions& options)
      : dialect_(std::move(dialect)),
        options_(options),
        multi_(make_multi(std::max(options.concurrency, 1U))),
        limit_(std::max(options.concurrency, 1U)),
        thread_([this] { run(); }) {
    const std::lock_guard lock(gate_->mutex);
    gate_->engine = this;
  }

  ~Impl() {
    {
      const std::lock_guard lock(gate_->mutex);
      gate_->engine = nullptr;
    }
    closing_ = true;
    wake();
    thread_.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void submit(HttpCall call, Done done) {
    auto job = std::make_unique<Job>(std::move(call), std::move(done), *this);
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = inbox_.empty();
      inbox_.push_back(std::move(job));
    }
    if (first) wake();
  }

 private:
  // What a dialect holds on to while it renews its secret; the engine may be gone by then.
  struct Gate {
    std::mutex mutex;
    Impl* engine = nullptr;  // guarded by mutex
    bool held = false;       // guarded by mutex: calls wait for the dialect
  };
  struct Wake {
    Impl* engine;
    void operator()() const noexcept {
      engine->stop_seen_ = true;
      engine->wake();
    }
  };
  struct Job {
    Job(HttpCall a_call, Done a_done, Impl& engine)
        : call(std::move(a_call)),
          done(std::move(a_done)),
          on_stop(call.context.stop(), Wake{&engine}) {}

    HttpCall call;
    Done done;
    int attempts = 0;
    int failures = 0;        // since the last that brought something
    bool spared = false;     // a lost idle connection was already forgiven
    bool corrected = false;  // the dialect has already learnt from an answer
    bool sent_again = false;
    std::uint64_t kept_before = 0;
    TimePoint started{};
    std::unique_ptr<HttpAttempt> attempt;  // while it is with curl
    std::stop_callback<Wake> on_stop;
  };
  using JobId = std::uint64_t;
  enum class Due : std::uint8_t { retry, deadline, stall };
  struct Timer {
    TimePoint when;
    JobId job;
    Due due;
    bool operator>(const Timer& other) const noexcept { return when > other.when; }
  };

  void wake() noexcept { curl_multi_wakeup(multi_.get()); }
  void run();
  void take_inbox();
  void stop_all_that_should();
  void fire_timers();
  void fire(const Timer& timer);
  void start_queued();
  [[nodiscard]] bool is_held();
  void start(JobId id, Job& job);
  void collect();
  void end_attempt(JobId id, Job& job, CURLcode code, std::string_view curl_said);
  [[nodiscard]] std::optional<HttpFailure> judge(Job& job, HttpAttempt& attempt, CURLcode code,
                                                 std::string_view curl_said,
                                                 std::optional<Error>& refusal);
  void retry_or_fail(JobId id, Job& job, HttpResponse response, const HttpFailure& failure,
                     bool connected);
  void retry_at(JobId id, Job& job, TimePoint when);
  void fail(JobId id, Errc code, std::string_view why);
  void finish(JobId id, HttpOutcome outcome);
  [[nodiscard]] CurlEasy take_handle();
  void park(const Job& job, HttpAttempt& attempt);
  [[nodiscard]] bool waits_for_dialect() const;
  [[nodiscard]] int poll_milliseconds() const;

  const std::shared_ptr<HttpDialect> dialect_;
  const HttpEngineOptions options_;
  const CurlMulti multi_;

  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  const std::function<void()> resume_ = [gate = gate_] {
    const std::lock_guard lock(gate->mutex);
    gate->held = false;
    if (gate->engine != nullptr) gate->engine->wake();
  };
  std::mutex mutex_;
  std::vector<std::unique_ptr<Job>> inbox_;  // guarded by mutex_
  std::atomic<bool> closing_{false};
  std::atomic<bool> stop_seen_{false};

  // The rest belongs to the engine's thread.
  AdaptiveLimit limit_;
  std::map<JobId, std::unique_ptr<Job>> jobs_;
  JobId next_id_ = 1;
  std::deque<JobId> queue_;  // may name jobs that are gone
  std::map<CURL*, JobId> active_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;  // may name jobs gone
  std::vector<CurlEasy> idle_;
  bool ever_connected_ = false;
  bool takes_large_bodies_ = false;  // it did so the last time
  std::mt19937_64 random_{std::random_device{}()};

  std::thread thread_;  // last: it uses all of the above
};

void HttpEngine::Impl::run() {
  while (!closing_) {
    take_inbox();
    if (stop_seen_.exchange(false)) stop_all_that_should();
    fire_timers();
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
    fire(timer);
  }
}

void HttpEngine::Impl::fire(const Timer& timer) {
  const auto found = jobs_.find(timer.job);
  if (found == jobs_.end()) return;
  Job& job = *found->second;
  switch (timer.due) {
    case Due::deadline:
      fail(timer.job, Errc::deadline_exceeded, "the time for it is over");
      return;
    case Due::retry:
      queue_.push_front(timer.job);
      return;
    case Due::stall:
      if (!job.attempt || job.started > timer.when - options_.stall_timeout) return;
      const auto due = job.attempt->last_progress() + options_.stall_timeout;
      if (due > timer.when) {
        timers_.push({due, timer.job, Due::stall});
      } else {
        end_attempt(timer.job, job, CURLE_OPERATION_TIMEDOUT, "no byte came or went for too long");
      }
  }
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
  try {
    if (job.call.sink) {
      job.call.sink->prepare(request);
      job.kept_before = job.call.sink->kept();
    }
    if (job.attempts > 0 && job.call.ask_again) job.call.ask_again(request);
    dialect_->sign(request);
    job.attempt = std::make_unique<HttpAttempt>(take_handle(), job.call, std::move(request),
                                                *dialect_, options_);
  } catch (const Error& error) {
    finish(id, {{}, error, {}, job.sent_again});
    return;
  } catch (const std::bad_alloc&) {
    fail(id, Errc::internal, "out of memory");
    return;
  }
  job.started = Context::Clock::now();
  ++job.attempts;
  auto& accounting = job.call.context.accounting();
  accounting.add_request(job.call.kind);
  accounting.add_usd(options_.prices->request_usd(job.call.kind));
  timers_.push({job.started + options_.stall_timeout, id, Due::stall});
  active_.emplace(job.attempt->easy(), id);
  curl_multi_add_handle(multi_.get(), job.attempt->easy());
}

void HttpEngine::Impl::collect() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const auto found = active_.find(message->easy_handle);
    const CURLcode code = message->data.result;  // the message is gone once the handle is taken out
    if (found == active_.end()) continue;
    Job& job = *jobs_.at(found->second);
    end_attempt(found->second, job, code, job.attempt->failure_text(code));
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

void HttpEngine::Impl::end_attempt(JobId id, Job& job, CURLcode code, std::string_view curl_said) {
  const auto attempt = std::move(job.attempt);
  using Connection = HttpAttempt::Connection;
  const Connection connection = attempt->connection();
  const bool connected = connection != Connection::none;
  ever_connected_ = ever_connected_ || connected;
  job.sent_again = job.sent_again || attempt->was_rewound();

  std::optional<Error> refusal;
  const auto failure = judge(job, *attempt, code, curl_said, refusal);
  if (job.call.request.body.size() > kSmallBody) takes_large_bodies_ = !failure && !refusal;
  park(job, *attempt);
  auto& response = attempt->response();
  const bool lost_idle_connection = code != CURLE_OK && code != CURLE_OPERATION_TIMEDOUT &&
                                    connection == Connection::reused && !attempt->has_head();
  if (refusal) {
    finish(id, {std::move(response), std::move(refusal), {}, job.sent_again});
  } else if (!failure) {
    limit_.succeeded();
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

std::optional<HttpFailure> HttpEngine::Impl::judge(Job& job, HttpAttempt& attempt, CURLcode code,
                                                   std::string_view curl_said,
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
    if (job.call.sink) job.call.sink->end();
  } catch (const Error& error) {
    refusal = error;
  }
  return std::nullopt;
}

void HttpEngine::Impl::retry_or_fail(JobId id, Job& job, HttpResponse response,
                                     const HttpFailure& failure, bool connected) {
  using Retry = HttpFailure::Retry;
  const auto now = Context::Clock::now();
  auto& accounting = job.call.context.accounting();
  if (failure.retry == Retry::throttled) {
    accounting.add_throttle();
    limit_.throttled(job.started, now);
  }
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
  if (job->attempt) park(*job, *job->attempt);
  const Done done = std::move(job->done);
  job.reset();  // before anybody hears of it: its sink points into the caller's memory
  done(std::move(outcome));
}

bool HttpEngine::Impl::waits_for_dialect() const {
  const std::lock_guard lock(gate_->mutex);
  return gate_->held;
}

int HttpEngine::Impl::poll_milliseconds() const {
  constexpr milliseconds kLongest{10'000};
  if (!queue_.empty() && active_.size() < limit_.limit() && !waits_for_dialect()) return 0;
  if (timers_.empty()) return static_cast<int>(kLongest.count());
  const auto left = std::chrono::ceil<milliseconds>(timers_.top().when - Context::Clock::now());
  return static_cast<int>(std::clamp(left, milliseconds::zero(), kLongest).count());
}

HttpEngine::HttpEngine(std::shared_ptr<HttpDialect> dialect, const HttpEngineOptions& options)
    : impl_(std::make_unique<Impl>(std::move(dialect), options)) {}

HttpEngine::~HttpEngine() = default;

void HttpEngine::submit(HttpCall call, Done done) {
  impl_->submit(std::move(call), std::move(done));
}

HttpOutcome HttpEngine::run(HttpCall call) {
  std::promise<HttpOutcome> promise;
  auto outcome = promise.get_future();
  submit(std::move(call), [&promise](HttpOutcome result) { promise.set_value(std::move(result)); });
  return outcome.get();
}

}  // namespace cnf::storage
