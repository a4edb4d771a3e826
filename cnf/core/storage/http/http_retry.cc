// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_retry_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                           std::chrono::sys_seconds now) {
  // A thousand years: longer than any wait, short enough to be counted in milliseconds.
  constexpr std::int64_t kMostSeconds = 31'536'000'000;
  std::uint64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (end == value.data() + value.size() && !value.empty() &&
      error != std::errc::invalid_argument) {
    if (error == std::errc::result_out_of_range) seconds = kMostSeconds;
    return std::chrono::seconds(std::min<std::uint64_t>(seconds, kMostSeconds));
  }
  const auto date = parse_http_date(value);
  if (!date) return std::nullopt;
  const auto wait = std::clamp<std::int64_t>((*date - now).count(), 0, kMostSeconds);
  return std::chrono::seconds(wait);
}

std::optional<HttpFailure> failure_of_status(int status) {
  using Retry = HttpFailure::Retry;
  if (status >= 200 && status < 300) return std::nullopt;
  HttpFailure out;
  out.why = "the server answered " + std::to_string(status);
  switch (status) {
    case 401:
      out.code = Errc::unauthenticated;
      out.remedy = "check the credentials";
      break;
    case 403:
      out.code = Errc::permission_denied;
      out.remedy = "check the credentials and what they may do";
      break;
    case 404:
    case 410:
      out.code = Errc::not_found;
      break;
    case 408:
    case 500:
    case 502:
    case 504:
      out.code = Errc::unavailable;
      out.retry = Retry::yes;
      break;
    case 412:
      out.code = Errc::precondition_failed;
      break;
    case 416:
      out.code = Errc::corrupt_data;
      out.why = "the object ends before the range that was asked for";
      break;
    case 429:
    case 503:
      out.code = Errc::throttled;
      out.retry = Retry::throttled;
      out.remedy = "use a lower concurrency, or try later";
      break;
    case 405:
    case 501:
      out.code = Errc::unsupported;
      break;
    case 507:
      out.code = Errc::out_of_space;
      break;
    default:
      out.code = status >= 500 ? Errc::unavailable : Errc::invalid_argument;
      if (status < 200 || (status >= 300 && status < 400)) {
        out.why += ", a redirection";
        out.remedy = "check the endpoint and the region";
      }
  }
  return out;
}

const KnownCode* find_code(std::span<const KnownCode> codes, std::string_view name) {
  const auto found = std::find_if(codes.begin(), codes.end(),
                                  [&](const KnownCode& row) { return row.name == name; });
  return found == codes.end() ? nullptr : &*found;
}

void explain(HttpFailure& failure, std::span<const KnownCode> codes, std::string_view name,
             std::string_view message) {
  failure.provider_code = name;
  failure.why = name;
  if (!message.empty()) failure.why.append(": ").append(message);
  if (const auto* known = find_code(codes, name)) {
    failure.code = known->code;
    failure.retry = known->retry;
    failure.remedy = known->remedy;
  }
}

HttpFailure failure_of_connection(CURLcode code, std::string_view text) {
  HttpFailure out;
  out.code = Errc::unavailable;
  out.retry = HttpFailure::Retry::yes;
  out.why = text;
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
      out.remedy = "check the endpoint and the network";
      break;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      out.code = Errc::invalid_argument;
      out.retry = HttpFailure::Retry::no;
      out.remedy = "check the endpoint";
      break;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
      out.retry = HttpFailure::Retry::no;
      out.remedy = "install the certificate of the endpoint's authority";
      break;
    case CURLE_OUT_OF_MEMORY:
      out.code = Errc::internal;
      out.retry = HttpFailure::Retry::no;
      break;
    default:
      break;
  }
  return out;
}

void AdaptiveLimit::succeeded() noexcept {
  if (++successes_ < limit_) return;
  successes_ = 0;
  limit_ = std::min(limit_ + 1, most_);
}

void AdaptiveLimit::throttled(TimePoint started, TimePoint now) noexcept {
  if (started < halved_) return;
  halved_ = now;
  successes_ = 0;
  limit_ = std::max(limit_ / 2, 1U);
}

}  // namespace cnf::storage
