// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/s3/s3_client_internal.h"
#include "cnf/core/storage/s3/s3_storage_internal.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/retry.h"
#include "cnf/testing/http_server.h"

/// S3 against a server that says what no real one says on demand.
namespace cnf::storage::scripted {

using testing::HttpServer;
using testing::WireReply;
using testing::WireRequest;

inline constexpr const char* kSecret = "the-secret";

/// No variables, no files, and no metadata service.
class NoEnvironment final : public Environment {
 public:
  [[nodiscard]] std::optional<std::string> variable(const std::string& name) const override {
    if (name == "AWS_EC2_METADATA_DISABLED") return "true";
    return {};
  }
  [[nodiscard]] std::optional<std::string> file(const std::string&) const override { return {}; }
};

/// A store on a scripted server, at most 4 attempts a request and no waiting between them.
class ScriptedS3 {
 public:
  explicit ScriptedS3(HttpServer::Script script, unsigned concurrency = 4, Options options = {})
      : server(std::move(script)) {
    options.endpoint = server.endpoint();
    options.access_key_id = "id";
    options.secret_access_key = kSecret;
    options.concurrency = concurrency;
    options.max_retries = 3;
    const RetryPolicy quick{.base = std::chrono::milliseconds(1),
                            .cap = std::chrono::milliseconds(4)};
    client = std::make_shared<S3Client>("bucket", options, NoEnvironment(), quick);
    store = std::make_shared<S3Storage>(client);
  }

  [[nodiscard]] Context context() const { return Context().with_accounting(accounting); }
  [[nodiscard]] Usage usage() const { return accounting->snapshot(); }
  [[nodiscard]] std::size_t count(std::string_view method) const {
    const auto requests = server.requests();
    return static_cast<std::size_t>(
        std::count_if(requests.begin(), requests.end(),
                      [&](const WireRequest& request) { return request.method == method; }));
  }

  HttpServer server;
  std::shared_ptr<Accounting> accounting = std::make_shared<Accounting>();
  std::shared_ptr<S3Client> client;
  std::shared_ptr<Storage> store;
};

/// Runs, and says what it threw: its code and its line.
template <typename Action>
[[nodiscard]] std::pair<Errc, std::string> thrown_by(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  return {Errc::internal, "nothing was thrown"};
}

[[nodiscard]] inline WireReply error_reply(int status, const std::string& code,
                                           const std::string& more = "") {
  return {.status = status,
          .headers = {{"Content-Type", "application/xml"}},
          .body = "<?xml version=\"1.0\"?>\n<Error><Code>" + code +
                  "</Code><Message>said the store</Message>" + more + "</Error>"};
}

/// A good answer to a PUT.
[[nodiscard]] inline WireReply written(const std::string& etag = "e1") {
  return {.headers = {{"ETag", '"' + etag + '"'}}};
}

[[nodiscard]] inline bool asks(const WireRequest& request, std::string_view what) {
  return request.target.find(what) != std::string::npos;
}

/// A store that takes multipart uploads; `spoil` may answer in its place.
[[nodiscard]] inline HttpServer::Script multipart_store(
    const std::function<std::optional<WireReply>(const WireRequest&)>& spoil) {
  auto aborted = std::make_shared<bool>(false);
  return [spoil, aborted](const WireRequest& request) {
    if (auto reply = spoil(request)) return *reply;
    if (asks(request, "uploads=")) {
      return WireReply{.body =
                           "<InitiateMultipartUploadResult><UploadId>u 1</UploadId>"
                           "</InitiateMultipartUploadResult>"};
    }
    if (request.method == "POST") {
      return WireReply{.body =
                           "<CompleteMultipartUploadResult><ETag>\"all-3\"</ETag>"
                           "</CompleteMultipartUploadResult>"};
    }
    if (request.method == "DELETE") {
      return std::exchange(*aborted, true) ? error_reply(404, "NoSuchUpload")
                                           : WireReply{.status = 204};
    }
    const auto at = request.target.find("partNumber=");
    return written("part" + request.target.substr(at + 11, 1));
  };
}

}  // namespace cnf::storage::scripted
