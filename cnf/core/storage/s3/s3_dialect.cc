// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_retry_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/s3/s3_dialect_internal.h"
#include "cnf/core/storage/s3/s3_headers_internal.h"
#include "cnf/core/storage/s3/s3_xml_internal.h"
#include "cnf/core/storage/s3/sigv4_internal.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using Retry = HttpFailure::Retry;

constexpr std::string_view kCheckKeys = "check the access key and the secret access key";
constexpr std::string_view kCheckBucket = "check the bucket's name and the endpoint";
constexpr std::string_view kRenew = "get new credentials: these were temporary";
constexpr std::string_view kSlower = "use a lower concurrency, or try later";

// Source: "Error responses", Amazon S3 API Reference; the X… ones are MinIO's and versitygw's.
constexpr auto kKnownCodes = std::to_array<KnownCode>({
    {"AccessDenied", Errc::permission_denied, Retry::no, "ask the bucket's owner for the right"},
    {"AllAccessDisabled", Errc::permission_denied, Retry::no, {}},
    {"AuthorizationHeaderMalformed", Errc::unauthenticated, Retry::no, "check the region"},
    {"BadDigest", Errc::corrupt_data, Retry::yes, "the network damages what is sent"},
    {"BandwidthLimitExceeded", Errc::throttled, Retry::throttled, kSlower},
    {"ConditionalRequestConflict", Errc::unavailable, Retry::yes, "others write the same object"},
    {"EntityTooLarge", Errc::invalid_argument, Retry::no, "write a smaller object"},
    {"ExpiredToken", Errc::unauthenticated, Retry::no, kRenew},
    {"ExpiredTokenException", Errc::unauthenticated, Retry::no, kRenew},
    {"InternalError", Errc::unavailable, Retry::yes, {}},
    {"InvalidAccessKeyId", Errc::unauthenticated, Retry::no, kCheckKeys},
    {"InvalidBucketName", Errc::invalid_argument, Retry::no, kCheckBucket},
    {"InvalidObjectState", Errc::unsupported, Retry::no,
     "the object is archived: restore it first"},
    {"InvalidRange", Errc::corrupt_data, Retry::no, {}},
    {"InvalidToken", Errc::unauthenticated, Retry::no, kRenew},
    {"NoSuchBucket", Errc::not_found, Retry::no, kCheckBucket},
    {"NoSuchKey", Errc::not_found, Retry::no, {}},
    {"NoSuchUpload", Errc::unavailable, Retry::no, "the upload is gone: write the object again"},
    {"NotImplemented", Errc::unsupported, Retry::no, {}},
    {"OperationAborted", Errc::unavailable, Retry::yes, {}},
    {"PreconditionFailed", Errc::precondition_failed, Retry::no, {}},
    {"QuotaExceeded", Errc::out_of_space, Retry::no, "free some space on the store"},
    {"RequestLimitExceeded", Errc::throttled, Retry::throttled, kSlower},
    {"RequestTimeTooSkewed", Errc::unauthenticated, Retry::no, "set this machine's clock"},
    {"RequestTimeout", Errc::unavailable, Retry::yes, {}},
    {"ServiceUnavailable", Errc::throttled, Retry::throttled, kSlower},
    {"SignatureDoesNotMatch", Errc::unauthenticated, Retry::no, kCheckKeys},
    {"SlowDown", Errc::throttled, Retry::throttled, kSlower},
    {"SlowDownRead", Errc::throttled, Retry::throttled, kSlower},
    {"SlowDownWrite", Errc::throttled, Retry::throttled, kSlower},
    {"Throttling", Errc::throttled, Retry::throttled, kSlower},
    {"ThrottlingException", Errc::throttled, Retry::throttled, kSlower},
    {"TokenRefreshRequired", Errc::unauthenticated, Retry::no, kRenew},
    {"TooManyRequests", Errc::throttled, Retry::throttled, kSlower},
    {"XAdminUserNotFound", Errc::unauthenticated, Retry::no, kCheckKeys},
    {"XAmzContentSHA256Mismatch", Errc::corrupt_data, Retry::yes,
     "the network damages what is sent"},
    {"XMinioStorageFull", Errc::out_of_space, Retry::no, "free some space on the store"},
});

// Whether other credentials may do better. An answer to HEAD has no body: S3 says 400 alone.
bool is_about_credentials(const HttpFailure& failure, const HttpRequest& request, int status) {
  const auto& code = failure.provider_code;
  return status == 401 || code == "ExpiredToken" || code == "ExpiredTokenException" ||
         code == "InvalidToken" || code == "TokenRefreshRequired" ||
         (status == 400 && request.method == "HEAD");
}

// The first bytes tell a document's root; only short ones can be errors inside a 200.
bool may_be(std::string_view root, std::string_view body) {
  return body.substr(0, 512).find(root) != std::string_view::npos;
}

// What may be shown of where a redirection leads: a signed query is a secret.
std::string host_of(std::string_view url) {
  const auto mark = url.find("://");
  if (mark != std::string_view::npos) url.remove_prefix(mark + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  const auto at = url.rfind('@');
  return one_line(at == std::string_view::npos ? url : url.substr(at + 1), 100);
}

HttpFailure failure_of_error(const S3Error& error, HttpFailure base) {
  explain(base, kKnownCodes, error.code, error.message);
  return base;
}

// A batch in which some keys came too fast is sent again: removing twice does no harm.
std::optional<HttpFailure> failure_in_batch(std::string_view body) {
  if (!may_be("<DeleteResult", body)) return std::nullopt;
  try {
    for (const auto& failure : parse_delete_result(body, "batch")) {
      const auto* known = find_code(kKnownCodes, failure.code);
      if (known == nullptr || known->retry != Retry::throttled) continue;
      return failure_of_error({.code = failure.code, .message = failure.message}, {});
    }
  } catch (const Error&) {
    return std::nullopt;  // who reads the answer will say what is wrong with it
  }
  return std::nullopt;
}

}  // namespace

SigningScope S3Dialect::scope() const {
  return {.time = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()),
          .region = location_->place().region};
}

bool S3Dialect::ready(const std::function<void()>& resume) {
  return (!search_ || search_->ready(resume)) && (!credentials_ || credentials_->ready(resume));
}

void S3Dialect::sign(HttpRequest& request) {
  if (search_ != nullptr) {
    const auto search = std::exchange(search_, nullptr);
    location_->learn({.region = *search->current().secret}, searching_);
  }
  location_->readdress(request);
  if (!credentials_) return;
  const auto edition = credentials_->current();
  request.edition = edition.number;
  auto& headers = request.headers;
  const auto given = std::find_if(headers.begin(), headers.end(), [](const auto& header) {
    return header.first == "x-amz-content-sha256";
  });
  const std::string hash(given != headers.end() ? std::string_view(given->second) : kEmptyPayload);
  if (given == headers.end()) headers.emplace_back("x-amz-content-sha256", hash);
  headers.emplace_back("Host", request.endpoint.authority);
  SigningInput input{request.method, request.endpoint.path + request.path, request.query,
                     std::move(headers), hash};
  sign_headers(input, scope(), *edition.secret, signing_key_);
  headers = std::move(input.headers);
}

std::string S3Dialect::presign(HttpRequest request, std::chrono::seconds ttl) const {
  location_->readdress(request);
  if (!credentials_) return request.url();
  SigningInput input{request.method,
                     request.endpoint.path + request.path,
                     request.query,
                     {{"host", request.endpoint.authority}},
                     std::string(kUnsignedPayload)};
  sign_query(input, scope(), *credentials_->wait({}).secret, ttl);
  request.query = std::move(input.query);
  return request.url();
}

std::optional<HttpFailure> S3Dialect::judge(const HttpRequest& request,
                                            const HttpResponse& response) {
  auto failure = failure_of_status(response.status);
  const auto& body = response.body;
  const auto error = may_be("<Error", body) ? parse_s3_error(body) : std::nullopt;
  if (!failure) {
    // S3 sends 200 before it knows how a long copy or completion ends.
    if (!error) return failure_in_batch(body);
    failure = failure_of_error(*error, {.code = Errc::unavailable,
                                        .retry = Retry::yes,
                                        .provider_code = {},
                                        .why = {},
                                        .remedy = {}});
    failure->why = without_secrets(std::move(failure->why), request);
    return failure;
  }
  if (error) failure = failure_of_error(*error, std::move(*failure));
  failure->why = without_secrets(std::move(failure->why), request);
  relocate(request, response, error, *failure);
  if (is_about_credentials(*failure, request, response.status) && credentials_ &&
      credentials_->reject(request.edition)) {
    failure->retry = Retry::corrected;
  }
  return failure;
}

// Follows what an answer says about where the bucket is.
void S3Dialect::relocate(const HttpRequest& request, const HttpResponse& response,
                         const std::optional<S3Error>& error, HttpFailure& failure) {
  const bool temporary = response.status == 302 || response.status == 307;
  const bool moved = temporary || response.status == 301 || response.status == 308 ||
                     failure.provider_code == "AuthorizationHeaderMalformed" ||
                     failure.provider_code == "IllegalLocationConstraintException";
  const bool mute = response.status == 400 && request.method == "HEAD";
  if (!moved && !mute) return;
  S3Location::Hint hint{.region = error ? error->region : std::string(), .temporary = temporary};
  if (hint.region.empty()) {
    hint.region = one_line(response.header("x-amz-bucket-region").value_or(""), 60);
  }
  hint.url = response.header("location").value_or(error ? error->endpoint : std::string());
  const bool says_nothing = hint.region.empty() && hint.url.empty();
  if (location_->learn(hint, request)) {
    failure.retry = Retry::corrected;
  } else if (says_nothing && find_region_) {
    search_ = std::make_unique<Renewable<std::string>>(
        [find = std::exchange(find_region_, nullptr)](const Context& context) {
          return Expiring<std::string>{find(context)};
        });
    searching_ = request;
    failure.retry = Retry::corrected;
  }
  if (!moved) return;
  failure.code = Errc::invalid_argument;
  if (!hint.region.empty()) {
    failure.why = "the bucket is in region " + hint.region;
    failure.remedy = "use region=" + hint.region + ", and the endpoint of that region";
  } else if (const auto host = host_of(hint.url); !host.empty()) {
    failure.why += " to " + host;
    failure.remedy = "if that host is to be trusted, use it as the endpoint";
  }
}

}  // namespace cnf::storage
