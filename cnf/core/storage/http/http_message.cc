// SPDX-License-Identifier: Apache-2.0
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"

namespace cnf::storage {

std::unique_ptr<HttpSink> HttpSink::twin() { return nullptr; }

bool HttpDialect::ready(const std::function<void()>& /*resume*/) { return true; }

std::optional<HttpFailure> HttpDialect::translate(HttpResponse& /*head*/) { return std::nullopt; }

const HttpResponse& HttpOutcome::value() const {
  if (error) throw *error;
  return response;
}

std::string HttpRequest::url() const {
  std::string out = endpoint.url() + percent_encode(path, Slash::keep);
  out += encoded;
  if (!query.empty()) out += "?" + spell_query(query);
  return out;
}

std::optional<std::string_view> HttpResponse::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return std::nullopt;
}

}  // namespace cnf::storage
