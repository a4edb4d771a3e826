// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/gcs/gcs_client_internal.h"
#include "cnf/core/storage/gcs/gcs_dialect_internal.h"
#include "cnf/core/storage/gcs/gcs_json_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/retry.h"

namespace cnf::storage {
namespace {

// Source: "About Cloud Storage buckets", bucket names; with dots up to 222 characters.
std::string checked_bucket(std::string bucket) {
  const auto is_good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  };
  const bool fits = bucket.size() >= 3 && bucket.size() <= 222 && bucket.front() != '.' &&
                    std::all_of(bucket.begin(), bucket.end(), is_good);
  if (fits) return bucket;
  throw Error(Errc::invalid_argument, "open", "gs://" + one_line(bucket, 80),
              "that is no name of a bucket",
              "a bucket has 3 or more small letters, digits, '-', '_' and '.'");
}

HttpEngineOptions engine_options(const Options& options, const GcsSettings& settings,
                                 const RetryPolicy& retry) {
  auto out = storage::engine_options(options, retry);
  out.ca_bundle = settings.ca_bundle;
  out.prices = settings.prices;
  return out;
}

}  // namespace

GcsClient::GcsClient(std::string bucket, const Options& options, const GcsSettings& settings,
                     const RetryPolicy& retry)
    : bucket_(checked_bucket(std::move(bucket))),
      options_(options),
      endpoint_(settings.endpoint),
      prices_(settings.prices),
      engine_(std::make_shared<GcsDialect>(settings.token),
              engine_options(options, settings, retry)) {}

std::string GcsClient::uri(std::string_view key) const {
  std::string out = "gs://" + bucket_;
  if (!key.empty()) out.append("/").append(key);
  return out;
}

HttpCall GcsClient::bare(RequestKind kind, std::string_view doing, std::string_view method,
                         std::string_view key, const Context& context) const {
  HttpCall out;
  out.kind = kind;
  out.doing = doing;
  out.subject = uri(key);
  out.request.method = method;
  out.request.endpoint = endpoint_;
  if (!options_.user_project.empty()) {
    out.request.query.emplace_back("userProject", options_.user_project);
  }
  out.context = context;
  return out;
}

HttpCall GcsClient::call(RequestKind kind, std::string_view doing, std::string_view method,
                         std::string_view key, const Context& context) const {
  auto out = bare(kind, doing, method, key, context);
  auto& request = out.request;
  request.path = "/storage/v1/b/" + bucket_ + (key.empty() ? "/o" : "/o/");
  request.encoded = percent_encode(key, Slash::encode);
  if (kind == RequestKind::get) {
    request.query.emplace_back("alt", "media");
    request.headers.emplace_back("Accept-Encoding", "gzip");
  }
  return out;
}

HttpCall GcsClient::upload_call(std::string_view doing, std::string_view method,
                                std::string_view type, std::string_view key,
                                const Context& context) const {
  auto out = bare(RequestKind::put, doing, method, key, context);
  out.request.path = "/upload/storage/v1/b/" + bucket_ + "/o";
  out.request.query.emplace_back("uploadType", type);
  out.request.query.emplace_back("name", key);
  return out;
}

HttpCall GcsClient::batch_call(std::string_view doing, const Context& context) const {
  auto out = bare(RequestKind::remove, doing, "POST", {}, context);
  out.request.path = kGcsBatchPath;
  out.request.query.clear();  // whom to bill say the requests in it
  return out;
}

std::string GcsClient::target(std::string_view key) const {
  return call(RequestKind::remove, {}, "DELETE", key, {})
      .request.url()
      .substr(endpoint_.url().size());
}

HttpCall GcsClient::rewrite_call(std::string_view from, std::string_view to,
                                 const Context& context) const {
  auto out = call(RequestKind::copy, "copy", "POST", from, context);
  out.request.encoded += "/rewriteTo/b/" + bucket_ + "/o/" + percent_encode(to, Slash::encode);
  return out;
}

HttpOutcome ask_for_resource(const GcsClient& client, std::string_view doing, std::string_view key,
                             std::string_view fields, const Context& context) {
  auto call = client.call(RequestKind::head, doing, "GET", key, context);
  call.request.query.emplace_back("fields", fields);
  return client.run(std::move(call));
}

std::optional<GcsObject> find_gcs_object(const GcsClient& client, std::string_view doing,
                                         std::string_view key, const Context& context) {
  const auto outcome = ask_for_resource(client, doing, key, kGcsObjectFields, context);
  if (outcome.error && outcome.error->code() == Errc::not_found) return std::nullopt;
  return parse_gcs_object(outcome.value().body, client.uri(key));
}

std::optional<FileInfo> stat_over_http(const GcsClient& client, std::string_view key,
                                       const Context& context) {
  auto found = find_gcs_object(client, "stat", key, context);
  if (!found) return std::nullopt;
  return std::move(found->info);
}

}  // namespace cnf::storage
