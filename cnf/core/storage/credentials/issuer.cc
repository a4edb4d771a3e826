// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <ios>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include "cnf/core/storage/credentials/issuer_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_plain_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

// The longest real answers, with signed tokens in them, have some 5 KiB.
constexpr std::size_t kMostBytes = std::size_t{64} << 10;
constexpr std::size_t kMostFileBytes = std::size_t{1} << 20;
// 9999-12-31 in seconds since 1970.
constexpr std::int64_t kLastSecond = 253'402'300'799;

class BoundedBody final : public HttpSink {
 public:
  BoundedBody(std::shared_ptr<std::string> into, std::string name)
      : into_(std::move(into)), name_(std::move(name)) {}
  void prepare(HttpRequest& /*request*/) override {}
  void begin(const HttpResponse& /*head*/) override { into_->clear(); }
  void write(ByteSpan bytes) override {
    if (bytes.size() > kMostBytes - into_->size()) {
      throw Error(Errc::corrupt_data, "ask", name_, "the answer has over 64 KiB");
    }
    into_->append(as_text(bytes));
  }
  void end() override {}
  [[nodiscard]] std::uint64_t kept() const noexcept override { return 0; }

 private:
  std::shared_ptr<std::string> into_;
  std::string name_;
};

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 60 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// Whether an error repeats something that is secret in the request: what is long enough to be one.
bool repeats(const IssuerRequest& request, std::string_view word) {
  if (request.body.find(word) != std::string::npos) return true;
  return std::any_of(request.headers.begin(), request.headers.end(), [&](const auto& header) {
    return header.second.find(word) != std::string::npos;
  });
}

Errc code_of_status(int status) {
  if (status == 403) return Errc::permission_denied;
  if (status == 429) return Errc::throttled;
  return status >= 500 || status == 408 ? Errc::unavailable : Errc::unauthenticated;
}

}  // namespace

IssuerRequest metadata_request(std::string name) {
  IssuerRequest out;
  out.name = std::move(name);
  out.connect_timeout = std::chrono::milliseconds(1'000);
  out.timeout = std::chrono::milliseconds(2'500);
  out.tries = 2;
  return out;
}

HttpResponse ask_issuer(const IssuerRequest& request, const Context& context) {
  HttpEngineOptions options{.concurrency = 1,
                            .connect_timeout = request.connect_timeout,
                            .stall_timeout = request.timeout,
                            .ca_bundle = request.ca_bundle};
  options.retry.max_attempts = request.tries;
  const auto body = std::make_shared<std::string>();
  HttpCall call;
  call.kind = RequestKind::get;
  call.doing = "ask";
  call.subject = request.name;
  call.request.method = request.method;
  call.request.endpoint = request.endpoint;
  call.request.path = request.path;
  call.request.query = request.query;
  call.request.headers = request.headers;
  call.request.body = as_bytes(request.body);
  call.sink = std::make_unique<BoundedBody>(body, request.name);
  call.context = Context(context.stop()).with_deadline(Context::Clock::now() + request.timeout);
  HttpEngine engine(std::make_shared<PlainDialect>(), options);
  auto outcome = engine.run(std::move(call));
  if (outcome.response.status >= 300) return std::move(outcome.response);
  if (outcome.error) {
    if (outcome.error->code() != Errc::deadline_exceeded) throw *outcome.error;
    throw Error(Errc::unavailable, "ask", request.name, "no answer within the time for it",
                "check the network");
  }
  outcome.response.body = std::move(*body);
  return std::move(outcome.response);
}

Error no_credentials(std::string_view store, std::string_view looked, std::string_view also) {
  return {Errc::unauthenticated, "find", "credentials for " + std::string(store),
          "none " + std::string(looked) + std::string(also),
          "set them, or anonymous=true for what is public"};
}

HttpResponse ask_metadata(const IssuerRequest& request, const Context& context,
                          std::string_view store, std::string_view looked) {
  try {
    return ask_issuer(request, context);
  } catch (const Error& error) {
    if (error.code() != Errc::unavailable) throw;
    throw no_credentials(store, looked, "; and " + request.name + " does not answer");
  }
}

std::string take_body(const IssuerRequest& request, HttpResponse response, std::string_view code,
                      std::string_view remedy) {
  const int status = response.status;
  if (status >= 200 && status < 300) return std::move(response.body);
  std::string why = "it answered " + std::to_string(status);
  if (is_word(code) && !repeats(request, code)) why.append(", ").append(code);
  throw Error(code_of_status(status), "ask", request.name, why, remedy);
}

std::string form_of(const QueryParameters& fields) { return spell_query(fields); }

void set_url(IssuerRequest& request, std::string_view url, std::string_view subject) {
  const auto refuse = [&] {
    throw Error(Errc::invalid_argument, "read", subject, "it is not the URL of an endpoint",
                "write it as https://host[:port]/path");
  };
  const auto mark = std::min(url.find('?'), url.size());
  auto query = parse_query(url.substr(std::min(mark + 1, url.size())));
  if (!query) refuse();
  try {
    request.endpoint = parse_endpoint(url.substr(0, mark));
  } catch (const Error&) {
    refuse();  // says whose URL it is
  }
  request.query = *std::move(query);
  // The endpoint has no '/' at its end, and a path that is one must stay.
  request.path = request.endpoint.path.empty() ? "/" : "";
}

void set_safe_url(IssuerRequest& request, std::string_view url, std::string_view subject) {
  set_url(request, url, subject);
  if (request.endpoint.scheme == "https" || request.endpoint.is_loopback()) return;
  throw Error(Errc::invalid_argument, "read", subject,
              "it is not https, and a secret would be sent to it", "use an https URL");
}

SecretJson::SecretJson(nlohmann::json value, std::string subject, Errc code)
    : value_(std::move(value)), subject_(std::move(subject)), code_(code) {}

SecretJson SecretJson::parse(std::string_view text, std::string subject, Errc code) {
  auto value = nlohmann::json::parse(text, nullptr, false);
  if (!value.is_object()) throw Error(code, "read", subject, "it is not an object in JSON");
  return {std::move(value), std::move(subject), code};
}

void SecretJson::refuse(const char* name, std::string_view why) const {
  throw Error(code_, "read", subject_, "its '" + std::string(name) + "' " + std::string(why));
}

std::string SecretJson::optional_text(const char* name) const {
  const auto found = value_.find(name);
  if (found == value_.end() || found->is_null()) return {};
  if (!found->is_string()) refuse(name, "is not a text");
  return found->get<std::string>();
}

std::string SecretJson::text(const char* name) const {
  auto out = optional_text(name);
  if (out.empty()) refuse(name, "is missing");
  return out;
}

std::optional<std::chrono::seconds> SecretJson::seconds(const char* name) const {
  const auto found = value_.find(name);
  if (found == value_.end() || found->is_null()) return std::nullopt;
  std::int64_t count = -1;
  if (found->is_number()) {
    const double value = found->get<double>();
    if (value >= 0 && value <= static_cast<double>(kLastSecond)) {
      count = static_cast<std::int64_t>(value);
    }
  } else if (found->is_string()) {
    const auto& digits = found->get_ref<const std::string&>();
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (error != std::errc{} || end != digits.data() + digits.size()) count = -1;
  }
  if (count < 0 || count > kLastSecond) refuse(name, "is not a time in seconds");
  return std::chrono::seconds(count);
}

std::optional<SecretJson> SecretJson::object(const char* name) const {
  const auto found = value_.find(name);
  if (found == value_.end()) return std::nullopt;
  if (!found->is_object()) refuse(name, "is not an object");
  return SecretJson(*found, subject_, code_);
}

HttpHeaders SecretJson::texts() const {
  HttpHeaders out;
  for (const auto& [name, value] : value_.items()) {
    if (!value.is_string()) refuse("headers", "has a value that is not a text");
    out.emplace_back(name, value.get<std::string>());
  }
  return out;
}

std::string error_code_of(std::string_view body) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  if (!json.is_object()) return {};
  for (const char* name : {"error", "code", "Code"}) {
    const auto found = json.find(name);
    if (found == json.end() || !found->is_string()) continue;
    auto out = found->get<std::string>();
    // Azure: {"error": "invalid_client", "error_codes": [7000215], …}
    const auto numbers = json.find("error_codes");
    if (numbers != json.end() && numbers->is_array() && !numbers->empty() &&
        numbers->front().is_number_unsigned()) {
      out += "_AADSTS" + std::to_string(numbers->front().get<std::uint64_t>());
    }
    return out;
  }
  return {};
}

std::optional<std::string> read_secret_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::string text(kMostFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || static_cast<std::size_t>(in.gcount()) > kMostFileBytes) return std::nullopt;
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

}  // namespace cnf::storage
