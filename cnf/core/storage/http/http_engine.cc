// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_loop_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/util/retry.h"

namespace cnf::storage {

HttpEngineOptions engine_options(const Options& options, const RetryPolicy& retry) {
  HttpEngineOptions out{.concurrency = options.concurrency,
                        .connect_timeout = options.connect_timeout,
                        .stall_timeout = options.stall_timeout,
                        .retry = retry,
                        .hedge = options.hedge};
  out.retry.max_attempts = std::max(options.max_retries, 0) + 1;
  return out;
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

std::optional<std::chrono::microseconds> HttpEngine::first_byte() const noexcept {
  return impl_->first_byte();
}

}  // namespace cnf::storage
