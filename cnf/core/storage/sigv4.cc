// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/storage/credentials_internal.h"
#include "cnf/core/storage/http_url_internal.h"
#include "cnf/core/storage/sigv4_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"

namespace cnf::storage {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string date_text(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  return fmt::format("{:04}{:02}{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

std::string timestamp(std::chrono::sys_seconds time) {
  const std::chrono::hh_mm_ss clock(time - std::chrono::floor<std::chrono::days>(time));
  return fmt::format("{}T{:02}{:02}{:02}Z", date_text(time), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::string scope_text(const SigningScope& scope) {
  return date_text(scope.time) + "/" + scope.region + "/" + scope.service + "/aws4_request";
}

std::string normalized_path(std::string_view path) {
  std::vector<std::string_view> segments;
  bool ends_open = false;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto segment = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    ends_open = slash != std::string_view::npos || segment == "." || segment == "..";
    if (segment == "..") {
      if (!segments.empty()) segments.pop_back();
    } else if (!segment.empty() && segment != ".") {
      segments.push_back(segment);
    }
  }
  std::string out;
  for (const auto segment : segments) {
    out += '/';
    out += segment;
  }
  if (out.empty() || ends_open) out += '/';
  return out;
}

// Without the blanks around it; each run of blanks inside, line folds too, becomes one space.
std::string trimmed_value(std::string_view value) {
  std::string out;
  bool gap = false;
  for (const char c : value) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      gap = !out.empty();
      continue;
    }
    if (gap) out += ' ';
    gap = false;
    out += c;
  }
  return out;
}

// By lower-case name; a header that is repeated is one whose values are joined by commas.
std::map<std::string, std::string> canonical_headers(const HttpHeaders& headers) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : headers) {
    std::string key = name;
    std::transform(key.begin(), key.end(), key.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    const auto [found, is_new] = out.try_emplace(std::move(key), trimmed_value(value));
    if (!is_new) found->second += "," + trimmed_value(value);
  }
  return out;
}

std::string signed_names(const std::map<std::string, std::string>& headers) {
  std::string out;
  for (const auto& [name, value] : headers) {
    if (!out.empty()) out += ';';
    out += name;
  }
  return out;
}

std::string signature_of(const SigningInput& input, const SigningScope& scope,
                         const Credentials& credentials) {
  return sign_string(credentials.secret_access_key, scope,
                     string_to_sign(scope, canonical_request(input, scope.path_rule)));
}

}  // namespace

std::string canonical_request(const SigningInput& input, PathRule rule) {
  const auto headers = canonical_headers(input.headers);
  std::string out = input.method;
  out += '\n';
  out += percent_encode(rule == PathRule::normalized ? normalized_path(input.path) : input.path,
                        Slash::keep);
  out += '\n';
  out += spell_query(input.query);
  out += '\n';
  for (const auto& [name, value] : headers) {
    out += name;
    out += ':';
    out += value;
    out += '\n';
  }
  out += '\n';
  out += signed_names(headers);
  out += '\n';
  out += input.payload_hash;
  return out;
}

std::string string_to_sign(const SigningScope& scope, std::string_view canonical) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, timestamp(scope.time), scope_text(scope),
                     to_hex(sha256(as_bytes(canonical))));
}

std::string sign_string(std::string_view secret_access_key, const SigningScope& scope,
                        std::string_view text) {
  const std::string secret = "AWS4" + std::string(secret_access_key);
  auto key = hmac_sha256(as_bytes(secret), as_bytes(date_text(scope.time)));
  key = hmac_sha256(key, as_bytes(scope.region));
  key = hmac_sha256(key, as_bytes(scope.service));
  key = hmac_sha256(key, as_bytes("aws4_request"));
  return to_hex(hmac_sha256(key, as_bytes(text)));
}

void sign_headers(SigningInput& input, const SigningScope& scope, const Credentials& credentials) {
  input.headers.emplace_back("X-Amz-Date", timestamp(scope.time));
  if (!credentials.session_token.empty()) {
    input.headers.emplace_back("X-Amz-Security-Token", credentials.session_token);
  }
  input.headers.emplace_back("Authorization",
                             fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}",
                                         kAlgorithm, credentials.access_key_id, scope_text(scope),
                                         signed_names(canonical_headers(input.headers)),
                                         signature_of(input, scope, credentials)));
}

void sign_query(SigningInput& input, const SigningScope& scope, const Credentials& credentials,
                std::chrono::seconds ttl) {
  input.query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  input.query.emplace_back("X-Amz-Credential", credentials.access_key_id + "/" + scope_text(scope));
  input.query.emplace_back("X-Amz-Date", timestamp(scope.time));
  input.query.emplace_back("X-Amz-Expires", std::to_string(ttl.count()));
  if (!credentials.session_token.empty()) {
    input.query.emplace_back("X-Amz-Security-Token", credentials.session_token);
  }
  input.query.emplace_back("X-Amz-SignedHeaders", signed_names(canonical_headers(input.headers)));
  input.query.emplace_back("X-Amz-Signature", signature_of(input, scope, credentials));
}

}  // namespace cnf::storage
