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

#include "cnf/core/storage/gcs/gcs_client_internal.h"
#include "cnf/core/storage/gcs/gcs_storage_internal.h"
#include "cnf/core/storage/gcs/gcs_write_internal.h"
#include "cnf/core/storage/s3/s3_scripted_test.h"
#include "cnf/core/util/checksum.h"

/// Google Cloud Storage against a server that says what no real one says on demand.
namespace cnf::storage::scripted {

inline constexpr const char* kToken = "ya29.the-token";

/// A store on a scripted server, at most 4 attempts a request and no waiting between them.
class ScriptedGcs {
 public:
  explicit ScriptedGcs(HttpServer::Script script, Options options = {},
                       std::shared_ptr<Renewable<std::string>> token =
                           std::make_shared<Renewable<std::string>>(std::string(kToken)))
      : server(std::move(script)) {
    options.max_retries = 3;
    const GcsSettings settings{
        .endpoint = parse_endpoint(server.endpoint()), .ca_bundle = {}, .token = std::move(token)};
    const RetryPolicy quick{.base = std::chrono::milliseconds(1),
                            .cap = std::chrono::milliseconds(4)};
    store = std::make_shared<GcsStorage>(
        std::make_shared<GcsClient>("bucket", options, settings, quick));
  }

  [[nodiscard]] Context context() const { return Context().with_accounting(accounting); }
  [[nodiscard]] Usage usage() const { return accounting->snapshot(); }
  [[nodiscard]] std::size_t count(std::string_view method) const {
    const auto requests = server.requests();
    return static_cast<std::size_t>(
        std::count_if(requests.begin(), requests.end(),
                      [&](const WireRequest& request) { return request.method == method; }));
  }
  [[nodiscard]] WireRequest request(std::size_t index) const { return server.requests().at(index); }

  HttpServer server;
  std::shared_ptr<Accounting> accounting = std::make_shared<Accounting>();
  std::shared_ptr<Storage> store;
};

[[nodiscard]] inline WireReply json_reply(const std::string& json, int status = 200) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json; charset=UTF-8"}},
          .body = json};
}

[[nodiscard]] inline WireReply gcs_error(int status, const std::string& reason,
                                         const std::string& message = "said the store") {
  return json_reply(R"({"error":{"code":)" + std::to_string(status) + R"(,"message":")" + message +
                        R"(","errors":[{"domain":"global","reason":")" + reason + R"("}]}})",
                    status);
}

/// An object's resource, as a store answers it.
[[nodiscard]] inline std::string resource(std::string_view bytes,
                                          const std::string& generation = "7",
                                          const std::string& mark = "") {
  return R"({"kind":"storage#object","name":"k","size":")" + std::to_string(bytes.size()) +
         R"(","generation":")" + generation + R"(","crc32c":")" +
         crc32c_text(crc32c(as_bytes(bytes))) +
         R"(","updated":"2026-01-02T03:04:05.678Z","storageClass":"NEARLINE",)" +
         R"("contentType":"text/x","metadata":{"cnf-write":")" + mark + R"(","of":"the source"}})";
}

/// What stands between two texts; "" if they are not there.
[[nodiscard]] inline std::string between(const std::string& text, const std::string& before,
                                         const std::string& after) {
  const auto from = text.find(before);
  if (from == std::string::npos) return {};
  const auto start = from + before.size();
  const auto end = text.find(after, start);
  return end == std::string::npos ? std::string() : text.substr(start, end - start);
}

/// The mark of a write, out of the request that sends the metadata.
[[nodiscard]] inline std::string mark_in(const WireRequest& request) {
  return between(request.body, R"("cnf-write":")", "\"");
}

}  // namespace cnf::storage::scripted
