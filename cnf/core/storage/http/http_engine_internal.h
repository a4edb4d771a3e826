// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/retry.h"

namespace cnf::storage {

/// One request as it goes out. Path and query are percent-encoded when it is sent, not before.
struct HttpRequest {
  std::string method = "GET";
  Endpoint endpoint;
  std::string path = "/";
  std::string encoded = {};  ///< Put behind the path as it is: where '/' is no separator.
  QueryParameters query;
  HttpHeaders headers;
  ByteSpan body = {};  ///< Must stay as it is until the call is done.
  /// The store is asked whether it wants the body before it is sent, which costs a round trip: so
  /// that its refusal is heard, which a connection that it closes meanwhile would swallow.
  bool asks_first = true;
  std::uint64_t edition = 0;  ///< Of the secret that signed it, for the dialect to know it again.

  [[nodiscard]] std::string url() const;
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;  ///< Names in lower case, in the order they came.
  std::string body;     ///< Empty where a sink took it; of an error, its first 64 KiB.

  /// The first header of that lower-case name; nullopt if there is none.
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;
};

/// Why an answer is none, as a store's dialect reads it.
struct HttpFailure {
  enum class Retry : std::uint8_t {
    no,
    yes,
    throttled,
    /// At once, and only once in a call: the dialect has learnt from the answer what was wrong (the
    /// secret is out of date, the bucket is in another region), and signs otherwise from now on.
    corrected,
  };

  Errc code = Errc::internal;
  Retry retry = Retry::no;
  std::string provider_code;  ///< The store's own word: "SlowDown"; empty if it said none.
  std::string why;
  std::string remedy;
};

/// Takes the body of a 2xx answer, over as many attempts as it needs. All on the engine's thread;
/// begin, write and end throw Error to refuse what came, which ends the call.
class HttpSink {
 public:
  virtual ~HttpSink() = default;
  /// Adds to an attempt's request what is still wanted: a range, a condition.
  virtual void prepare(HttpRequest& request) = 0;
  virtual void begin(const HttpResponse& head) = 0;
  virtual void write(ByteSpan bytes) = 0;
  virtual void end() = 0;
  /// Bytes that no later attempt has to fetch again.
  [[nodiscard]] virtual std::uint64_t kept() const noexcept = 0;
  /// What it was prepared for has ended without the answer.
  virtual void lost() noexcept {}
  /// Another sink for what is still wanted, that may be used beside this one until one of them has
  /// it all: whatever comes to either in whatever order, the bytes are those of one answer, or of
  /// answers with one ETag. nullptr: there can be none.
  [[nodiscard]] virtual std::unique_ptr<HttpSink> twin();
};

/// What differs between stores: how a request is signed and how an answer is read.
/// Called on the engine's thread, so nothing here may wait.
class HttpDialect {
 public:
  virtual ~HttpDialect() = default;
  /// Whether sign() has what it needs. If not (the secret is being renewed), calls are held back,
  /// and `resume` is to be called, from any thread, when asking again makes sense.
  [[nodiscard]] virtual bool ready(const std::function<void()>& resume);
  /// Signs one attempt with the present time. Throws Error if there is no secret to sign with.
  virtual void sign(HttpRequest& request) = 0;
  /// Puts the head of a 2xx answer into HTTP's own words, where the store has words of its own: a
  /// generation as the ETag. Before a sink sees it; a failure refuses the body and ends the call.
  [[nodiscard]] virtual std::optional<HttpFailure> translate(HttpResponse& head);
  /// nullopt if the answer is good; also asked about 2xx answers, which may hold an error.
  /// \param request  what was signed and sent.
  [[nodiscard]] virtual std::optional<HttpFailure> judge(const HttpRequest& request,
                                                         const HttpResponse& response) = 0;
};

/// One request and all its attempts.
struct HttpCall {
  RequestKind kind = RequestKind::get;
  std::string doing;    ///< For errors: the verb and
  std::string subject;  ///< the URI, without a secret.
  HttpRequest request;
  std::unique_ptr<HttpSink> sink = {};  ///< Without one the body is kept, up to 16 MiB.
  Context context = {};
  /// Changes what every attempt but the first one sends: how far the first one came is asked, where
  /// sending all of it once more would be wrong or dear.
  std::function<void(HttpRequest&)> ask_again = {};
};

struct HttpOutcome {
  HttpResponse response;
  std::optional<Error> error;
  std::string provider_code;  ///< Of the failure, as in HttpFailure.
  /// The request went out more than once, so that an earlier one may have taken effect.
  bool sent_again = false;

  /// Throws the error if there is one.
  const HttpResponse& value() const;
};

/// When a second request for a late answer is sent: http_hedging_internal.h.
struct HttpHedging {
  std::chrono::milliseconds floor{200};  ///< No answer is late before.
  double most_extra = 0.05;              ///< Hedges in relation to the other requests.
};

struct HttpEngineOptions {
  unsigned concurrency = 16;  ///< Requests in flight, and connections kept.
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds stall_timeout{30'000};  ///< Without a byte either way.
  RetryPolicy retry = {};
  std::string ca_bundle = {};     ///< A file of certificates; empty: the system's.
  bool follow_redirects = false;  ///< Up to five, to http and https; the last answer counts.
  /// Of GETs whose sink has a twin; automatic: of all but those to this machine itself.
  Options::Hedge hedge = Options::Hedge::automatic;
  HttpHedging hedging = {};
  /// Counted for each attempt and each byte of a sink's body.
  const PriceTable* prices = &price_table(Provider::none, Options::Network::automatic);
};

/// What the options say of an engine; certificates, prices and redirects are each store's to add.
/// \param retry  its number of attempts comes from the options.
[[nodiscard]] HttpEngineOptions engine_options(const Options& options,
                                               const RetryPolicy& retry = {});

/// Sends HTTP requests on one thread of its own, many at a time over connections that are kept.
///
/// Failures that may pass (connection lost, 408, 429, 5xx, what the dialect says) are tried again
/// with full jitter and Retry-After, up to the context's deadline; a broken body goes on where it
/// ended if the sink can. A read whose answer is late is sent a second time, within a budget, and
/// the first whole answer counts. An attempt fails that is silent, or brings less than 1 KiB/s, for
/// the stall time; the next one takes a fresh connection. The number in flight halves when the
/// store asks to slow down, and grows back. A stop request is answered within 250 ms. Proxies come
/// from http_proxy and its kin, as libcurl reads them; what is loopback or link-local goes to none.
/// Threads: every member may be called concurrently, but not from a completion.
class HttpEngine {
 public:
  using Done = std::function<void(HttpOutcome)>;

  HttpEngine(std::shared_ptr<HttpDialect> dialect, const HttpEngineOptions& options);
  /// Ends what is under way with Error cancelled.
  ~HttpEngine();
  HttpEngine(const HttpEngine&) = delete;
  HttpEngine& operator=(const HttpEngine&) = delete;

  /// `done` is called once, on the engine's thread: keep it short, do not throw.
  void submit(HttpCall call, Done done);
  /// submit() and wait. Not from the engine's thread.
  [[nodiscard]] HttpOutcome run(HttpCall call);
  /// The median time from a request to its answer's first byte, of the latest GETs; nullopt while
  /// too few are known.
  [[nodiscard]] std::optional<std::chrono::microseconds> first_byte() const noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cnf::storage
