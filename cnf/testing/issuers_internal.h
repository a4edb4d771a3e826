// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/testing/http_server.h"

namespace cnf::testing {

/// "a=1&b=2", by name; empty if it is not percent-encoded.
[[nodiscard]] inline std::map<std::string, std::string> fields_of(std::string_view text) {
  const auto fields = storage::parse_query(text).value_or(storage::QueryParameters{});
  return {fields.begin(), fields.end()};
}

[[nodiscard]] inline std::string path_of(const WireRequest& request) {
  return request.target.substr(0, request.target.find('?'));
}

[[nodiscard]] inline std::map<std::string, std::string> query_of(const WireRequest& request) {
  const auto mark = request.target.find('?');
  return fields_of(mark == std::string::npos ? "" : request.target.substr(mark + 1));
}

[[nodiscard]] inline WireReply json_reply(std::string body) {
  return {.headers = {{"Content-Type", "application/json"}}, .body = std::move(body)};
}

/// "2019-11-09T13:34:41Z", so much after now.
[[nodiscard]] std::string time_after(std::chrono::seconds life);

}  // namespace cnf::testing
