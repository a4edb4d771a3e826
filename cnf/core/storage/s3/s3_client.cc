// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/credentials/sts_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/storage/prices_internal.h"
#include "cnf/core/storage/s3/s3_client_internal.h"
#include "cnf/core/storage/s3/s3_dialect_internal.h"
#include "cnf/core/storage/s3/s3_headers_internal.h"
#include "cnf/core/storage/s3/s3_location_internal.h"
#include "cnf/core/storage/s3/sigv4_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/retry.h"

namespace cnf::storage {
namespace {

// As loose as the loosest stores are, as strict as a host name and a path need.
void check_bucket(std::string_view bucket) {
  const bool fits = bucket.size() >= 3 && bucket.size() <= 255 && bucket.front() != '.' &&
                    std::all_of(bucket.begin(), bucket.end(), [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
                    });
  if (fits) return;
  throw Error(Errc::invalid_argument, "open", "s3://" + one_line(bucket, 80),
              "that is no name of a bucket", "a bucket has 3 or more letters, digits, '-' and '.'");
}

std::string aws_endpoint(const std::string& region) {
  return "https://s3." + region + aws_domain(region);
}

bool wants_path_style(const Options& options, bool own_endpoint, std::string_view bucket) {
  switch (options.addressing) {
    case Options::Addressing::path:
      return true;
    case Options::Addressing::virtual_host:
      return false;
    case Options::Addressing::automatic:
      break;
  }
  // A dot in the name does not fit under the certificate of *.s3.REGION.amazonaws.com.
  return own_endpoint || bucket.find_first_of("._") != std::string_view::npos;
}

S3Location::Place place_of(std::string_view bucket, const Options& options,
                           const S3Settings& settings) {
  const bool own = !settings.endpoint.empty();
  return {.region = settings.region,
          .endpoint = parse_endpoint(own ? settings.endpoint : aws_endpoint(settings.region)),
          .path_style = wants_path_style(options, own, bucket)};
}

HttpEngineOptions engine_options(const Options& options, const S3Settings& settings,
                                 const PriceTable& prices, const RetryPolicy& retry) {
  auto out = storage::engine_options(options, retry);
  out.ca_bundle = settings.ca_bundle;
  out.prices = &prices;
  return out;
}

S3Settings checked_settings(std::string_view bucket, const Options& options,
                            const Environment& environment) {
  check_bucket(bucket);
  auto out = resolve_s3_settings(options, environment);
  if (!is_region(out.region)) {
    throw Error(Errc::invalid_argument, "open", "s3://" + std::string(bucket),
                "the region has a character that no region has", "use e.g. region=us-east-1");
  }
  return out;
}

}  // namespace

S3Client::S3Client(const std::string& bucket, const Options& options,
                   const Environment& environment, const RetryPolicy& retry)
    : S3Client(bucket, options, checked_settings(bucket, options, environment), environment,
               retry) {}

S3Client::S3Client(const std::string& bucket, const Options& options, S3Settings settings,
                   const Environment& environment, const RetryPolicy& retry)
    : options_(options),
      location_(std::make_shared<S3Location>(bucket, place_of(bucket, options, settings))),
      prices_(find_prices(Provider::s3, options.network, location_->place().endpoint.authority,
                          environment)),
      headers_(options, location_->place().endpoint),
      dialect_(std::make_shared<S3Dialect>(
          location_, std::move(settings.credentials),
          [location = location_, engine = engine_options(options, settings, prices_, retry)](
              const Context& context) { return find_region(*location, engine, context); })),
      engine_(dialect_, engine_options(options, settings, prices_, retry)) {}

std::string S3Client::identity() const {
  return "s3 " + location_->request({}, {}).endpoint.url() + " " + location_->bucket();
}

std::string S3Client::uri(std::string_view key) const {
  std::string out = "s3://" + location_->bucket();
  if (!key.empty()) out.append("/").append(key);
  return out;
}

HttpCall S3Client::call(RequestKind kind, std::string_view doing, std::string_view method,
                        std::string_view key, const Context& context) const {
  HttpCall out;
  out.kind = kind;
  out.doing = doing;
  out.subject = uri(key);
  out.request = location_->request(method, key);
  headers_.add(kind, out.request);
  out.context = context;
  return out;
}

void S3Client::set_body(HttpCall& call, ByteSpan body) const {
  call.request.body = body;
  call.request.headers.emplace_back("x-amz-content-sha256", call.request.endpoint.scheme == "https"
                                                                ? std::string(kUnsignedPayload)
                                                                : to_hex(sha256(body)));
}

std::string S3Client::copy_source(std::string_view key) const {
  return percent_encode("/" + location_->bucket() + "/" + std::string(key), Slash::keep);
}

std::string S3Client::presign(std::string_view method, std::string_view key,
                              std::chrono::seconds ttl) const {
  constexpr std::chrono::seconds kLongest = std::chrono::days(7);  // what S3 accepts
  if (ttl < std::chrono::seconds(1) || ttl > kLongest) {
    throw Error(Errc::invalid_argument, "presign", uri(key),
                "a signed URL holds from 1 second to 7 days");
  }
  if (headers_.has_customer_key()) {
    throw Error(Errc::unsupported, "presign", uri(key), "a URL cannot hold the customer's key");
  }
  auto request = location_->request(method, key);
  if (options_.requester_pays) request.query.emplace_back("x-amz-request-payer", "requester");
  return dialect_->presign(std::move(request), ttl);
}

bool S3Client::drop_checksums_after(const HttpOutcome& outcome) noexcept {
  if (!outcome.error || !checksums_) return false;
  const auto status = outcome.response.status;
  const bool about_checksum =
      status == 501 ||
      (status == 400 && outcome.response.body.find("hecksum") != std::string::npos &&
       outcome.error->code() != Errc::corrupt_data);
  if (about_checksum) checksums_ = false;
  return about_checksum;
}

// GCS's S3 endpoint says NotImplemented or InvalidArgument ("Cannot create buckets using a POST"),
// Riak CS 405. A batch of ours has nothing else in it that a store could find wrong.
bool S3Client::drop_batches_after(const HttpOutcome& outcome) noexcept {
  const bool refused = outcome.error && (outcome.error->code() == Errc::unsupported ||
                                         outcome.provider_code == "InvalidArgument");
  if (refused) batches_ = false;
  return refused;
}

}  // namespace cnf::storage
