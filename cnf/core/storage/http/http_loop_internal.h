// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <queue>
#include <random>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <curl/curl.h>

#include "cnf/core/storage/http/http_attempt_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_hedging_internal.h"
#include "cnf/core/storage/http/http_retry_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {

/// A body of at most so much is on its way before an answer to the question could be there.
inline constexpr std::size_t kSmallBody = std::size_t{1} << 20;

struct MultiDeleter {
  void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
};
using CurlMulti = std::unique_ptr<CURLM, MultiDeleter>;

/// The engine's thread: http_loop.cc has what runs when, http_ending.cc what an attempt's end
/// means.
class HttpEngine::Impl {
 public:
  Impl(std::shared_ptr<HttpDialect> dialect, const HttpEngineOptions& options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void submit(HttpCall call, Done done);
  /// The median time to a first byte; nullopt while it is not known.
  [[nodiscard]] std::optional<std::chrono::microseconds> first_byte() const noexcept;

 private:
  using TimePoint = Context::Clock::time_point;

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
  // An attempt under way. The second lane is for hedges.
  struct Lane {
    std::unique_ptr<HttpAttempt> attempt;
    TimePoint started{};
    TimePoint window{};              // from when it is counted how fast bytes move; 0: not yet
    std::uint64_t moved_before = 0;  // bytes, at that time
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
    bool stalled = false;     // the last attempt did: the next takes a fresh connection
    bool considered = false;  // whether this attempt was asked for a hedge
    std::uint64_t kept_before = 0;
    std::unique_ptr<HttpSink> twin;  // the hedge's
    std::array<Lane, 2> lanes;
    std::stop_callback<Wake> on_stop;
  };
  using JobId = std::uint64_t;
  struct Place {
    JobId job = 0;
    std::size_t lane = 0;
  };
  enum class Due : std::uint8_t { retry, deadline };
  struct Timer {
    TimePoint when;
    JobId job = 0;
    Due due = Due::retry;
    bool operator>(const Timer& other) const noexcept { return when > other.when; }
  };

  void wake() noexcept { curl_multi_wakeup(multi_.get()); }
  void run();
  void take_inbox();
  void stop_all_that_should();
  void fire_timers();
  void patrol();
  [[nodiscard]] TimePoint look_at(Lane& lane, TimePoint now, std::string_view& stalled);
  [[nodiscard]] std::optional<TimePoint> hedge_due(const Job& job) const;
  void hedge(JobId id, Job& job, TimePoint now);
  [[nodiscard]] std::size_t count_late(TimePoint now) const;
  void start_queued();
  [[nodiscard]] bool is_held();
  void start(JobId id, Job& job);
  void launch(JobId id, Job& job, std::size_t lane, HttpRequest request, HttpSink* sink);
  void collect();
  [[nodiscard]] CurlEasy take_handle();
  void park(const Job& job, HttpAttempt& attempt);
  [[nodiscard]] bool waits_for_dialect() const;
  [[nodiscard]] int poll_milliseconds() const;

  void end_attempt(Place place, Job& job, CURLcode code, std::string_view curl_said);
  [[nodiscard]] std::optional<HttpFailure> judge(HttpSink* sink, HttpAttempt& attempt,
                                                 CURLcode code, std::string_view curl_said,
                                                 std::optional<Error>& refusal);
  void note_success(const Job& job, const Lane& lane, const HttpAttempt& attempt);
  void note_failure(const Job& job, const Lane& lane, const HttpFailure& failure);
  void retry_or_fail(JobId id, Job& job, HttpResponse response, const HttpFailure& failure,
                     bool connected);
  void retry_at(JobId id, Job& job, TimePoint when);
  void fail(JobId id, Errc code, std::string_view why);
  void finish(JobId id, HttpOutcome outcome);

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
  std::atomic<std::int64_t> first_byte_us_{-1};

  // The rest belongs to the engine's thread.
  AdaptiveLimit limit_;
  HedgePolicy hedging_;
  std::map<JobId, std::unique_ptr<Job>> jobs_;
  JobId next_id_ = 1;
  std::deque<JobId> queue_;  // may name jobs that are gone
  std::map<CURL*, Place> active_;
  TimePoint patrol_at_ = TimePoint::max();  // nothing is due before in what is active
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;  // may name jobs gone
  std::vector<CurlEasy> idle_;
  bool ever_connected_ = false;
  bool takes_large_bodies_ = false;  // it did so the last time
  std::mt19937_64 random_{std::random_device{}()};

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace cnf::storage
