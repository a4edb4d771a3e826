// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/util/context.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <stop_token>
#include <string_view>
#include <utility>

#include "cnf/core/util/error.h"

namespace cnf {

std::string_view to_string(RequestKind kind) noexcept {
  switch (kind) {
    case RequestKind::get:
      return "get";
    case RequestKind::head:
      return "head";
    case RequestKind::put:
      return "put";
    case RequestKind::list:
      return "list";
    case RequestKind::remove:
      return "remove";
    case RequestKind::copy:
      return "copy";
  }
  return "unknown";
}

std::uint64_t Usage::total_requests() const noexcept {
  return std::accumulate(requests.begin(), requests.end(), std::uint64_t{0});
}

void Accounting::add_request(RequestKind kind) noexcept {
  ++requests_[static_cast<std::size_t>(kind)];
}

Usage Accounting::snapshot() const noexcept {
  Usage usage;
  for (std::size_t i = 0; i < kRequestKinds; ++i) usage.requests[i] = requests_[i];
  usage.bytes_wanted = wanted_;
  usage.bytes_fetched = fetched_;
  usage.bytes_sent = sent_;
  usage.retries = retries_;
  usage.throttles = throttles_;
  usage.hedges = hedges_;
  usage.connections_new = connections_new_;
  usage.connections_reused = connections_reused_;
  usage.cache_hits = cache_hits_;
  usage.usd = usd_;
  return usage;
}

Context Context::with_stop(std::stop_token stop) const {
  Context copy = *this;
  copy.stop_ = std::move(stop);
  return copy;
}

Context Context::with_deadline(Clock::time_point deadline) const {
  Context copy = *this;
  copy.deadline_ = std::min(deadline_, deadline);
  return copy;
}

Context Context::with_accounting(std::shared_ptr<Accounting> accounting) const {
  Context copy = *this;
  copy.accounting_ = std::move(accounting);
  return copy;
}

void Context::check(std::string_view doing, std::string_view subject) const {
  // Most contexts have no deadline, and then the clock need not be read.
  check_at(deadline_ == Clock::time_point::max() ? Clock::time_point::min() : Clock::now(), doing,
           subject);
}

void Context::check_at(Clock::time_point now, std::string_view doing,
                       std::string_view subject) const {
  if (stop_.stop_requested()) {
    throw Error(Errc::cancelled, doing, subject, "stopped because the caller asked for it");
  }
  if (now >= deadline_) {
    throw Error(Errc::deadline_exceeded, doing, subject, "the deadline passed",
                "allow more time or ask for less");
  }
}

}  // namespace cnf
