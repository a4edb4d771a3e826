// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/storage/gcs/gcs_batch_internal.h"
#include "cnf/core/storage/gcs/gcs_dialect_internal.h"
#include "cnf/core/storage/gcs/gcs_json_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_retry_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using Retry = HttpFailure::Retry;

// Source: "HTTP status and error codes for JSON", Cloud Storage documentation, under 403.
constexpr auto kThrottled = std::to_array<std::string_view>(
    {"quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded"});

bool is_upload(const HttpRequest& request) {
  return std::any_of(request.query.begin(), request.query.end(),
                     [](const auto& parameter) { return parameter.first == kGcsUploadId; });
}

// What is asked of a resumable upload is answered by statuses that are no failures: 308 says how
// much of it the store has, 499 that it was cancelled.
bool is_upload_answer(const HttpRequest& request, int status) {
  return ((request.method == "PUT" && status == 308) ||
          (request.method == "DELETE" && status == 499)) &&
         is_upload(request);
}

// Media requests are refused in plain text: "No such object: b/k".
std::string plain_text(const HttpResponse& response) {
  const auto& body = response.body;
  const bool is_text = response.header("content-type").value_or("").starts_with("text/");
  if (!is_text || body.empty() || body.front() == '<' || body.front() == '{') return {};
  return one_line(body);
}

void explain(HttpFailure& failure, int status, const GcsError& error) {
  if (!error.message.empty()) failure.why = error.message;
  failure.provider_code = error.reason;
  if (std::find(kThrottled.begin(), kThrottled.end(), error.reason) != kThrottled.end()) {
    failure.code = Errc::throttled;
    failure.retry = Retry::throttled;
    failure.remedy = "use a lower concurrency, or try later";
  } else if (status == 400 && error.message.find("requester pays") != std::string::npos) {
    failure.code = Errc::permission_denied;
    failure.remedy = "name the project to be billed: user_project=PROJECT";
  } else if (status == 400 && error.message.find("match calculated") != std::string::npos) {
    failure.code = Errc::corrupt_data;
    failure.retry = Retry::yes;
    failure.remedy = "the network damages what is sent";
  }
}

// A batch in which some requests met a passing fault is sent again: removing twice does no harm.
std::optional<HttpFailure> failure_in_batch(const HttpResponse& response) {
  try {
    for (const auto& answer :
         parse_batch_answer(response.header("content-type").value_or(""), response.body, "batch")) {
      auto failure = failure_of_status(answer.status);
      if (!failure) continue;
      if (const auto error = parse_gcs_error(answer.body)) explain(*failure, answer.status, *error);
      if (failure->retry != Retry::no) return failure;
    }
  } catch (const Error&) {
    return std::nullopt;  // who reads the answer will say what is wrong with it
  }
  return std::nullopt;
}

}  // namespace

bool GcsDialect::ready(const std::function<void()>& resume) {
  return token_ == nullptr || token_->ready(resume);
}

// A read that is pinned says If-Match, in HTTP's words.
void GcsDialect::sign(HttpRequest& request) {
  auto& headers = request.headers;
  const auto pin = std::find_if(headers.begin(), headers.end(),
                                [](const auto& header) { return header.first == "If-Match"; });
  if (pin != headers.end()) {
    // Without a generation to ask for, the one that is answered will be found to be another.
    if (auto generation = unquote_etag(pin->second); is_generation(generation)) {
      request.query.emplace_back("ifGenerationMatch", std::move(generation));
    }
    headers.erase(pin);
  }
  if (token_ == nullptr) return;
  const auto token = token_->current();
  request.edition = token.number;
  headers.emplace_back("Authorization", "Bearer " + *token.secret);
}

std::optional<HttpFailure> GcsDialect::translate(HttpResponse& head) {
  const auto generation = head.header("x-goog-generation");
  if (!generation) return std::nullopt;
  // What was stored as gzip may come unpacked, and then neither ranges nor sizes mean what they
  // mean elsewhere. "Accept-Encoding: gzip" forbids it, but something may stand in between.
  const auto is_gzip = [&](std::string_view name) { return head.header(name) == "gzip"; };
  if (is_gzip("x-goog-stored-content-encoding") != is_gzip("content-encoding")) {
    HttpFailure failure;
    failure.code = Errc::unsupported;
    failure.why = "it was packed or unpacked on its way: these are not the bytes that are stored";
    failure.remedy = "store it without Content-Encoding, or with Cache-Control: no-transform";
    return failure;
  }
  std::string etag = quote_etag(*generation);
  const auto drop = [&](std::string_view name) {
    std::erase_if(head.headers, [&](const auto& header) { return header.first == name; });
  };
  // A part without a byte, whose range can then not be told, is all of an empty object.
  if (head.status == 206 && head.header("content-length") == "0") {
    head.status = 200;
    drop("content-range");
  }
  drop("etag");
  head.headers.emplace_back("etag", std::move(etag));
  return std::nullopt;
}

std::optional<HttpFailure> GcsDialect::judge(const HttpRequest& request,
                                             const HttpResponse& response) {
  auto failure = failure_of_status(response.status);
  if (!failure) {
    return request.path == kGcsBatchPath ? failure_in_batch(response) : std::nullopt;
  }
  if (is_upload_answer(request, response.status)) return std::nullopt;
  if (const auto error = parse_gcs_error(response.body)) {
    explain(*failure, response.status, *error);
  } else if (auto text = plain_text(response); !text.empty()) {
    failure->why = std::move(text);
  }
  if (response.status == 401) {
    failure->remedy = token_ == nullptr ? "this needs credentials: see anonymous, token"
                                        : "get new credentials, or check who they are for";
    if (token_ != nullptr && token_->reject(request.edition)) failure->retry = Retry::corrected;
  }
  return failure;
}

}  // namespace cnf::storage
