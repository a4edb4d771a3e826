// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/s3/sigv4_internal.h"
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
HttpHeaders canonical_headers(const HttpHeaders& headers) {
  HttpHeaders out;
  out.reserve(headers.size());
  for (const auto& [name, value] : headers) {
    auto& key = out.emplace_back(name, trimmed_value(value)).first;
    std::transform(key.begin(), key.end(), key.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
  }
  const auto by_name = [](const auto& a, const auto& b) { return a.first < b.first; };
  std::stable_sort(out.begin(), out.end(), by_name);
  for (std::size_t i = 1; i < out.size();) {
    if (out[i - 1].first != out[i].first) {
      ++i;
      continue;
    }
    out[i - 1].second += "," + out[i].second;
    out.erase(out.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return out;
}

std::string signed_names(const HttpHeaders& canonical) {
  std::string out;
  for (const auto& [name, value] : canonical) {
    if (!out.empty()) out += ';';
    out += name;
  }
  return out;
}

std::string canonical_request(const SigningInput& input, const HttpHeaders& canonical,
                              PathRule rule) {
  std::string out = input.method;
  out += '\n';
  out += percent_encode(rule == PathRule::normalized ? normalized_path(input.path) : input.path,
                        Slash::keep);
  out += '\n';
  out += spell_query(input.query);
  out += '\n';
  for (const auto& [name, value] : canonical) {
    out += name;
    out += ':';
    out += value;
    out += '\n';
  }
  out += '\n';
  out += signed_names(canonical);
  out += '\n';
  out += input.payload_hash;
  return out;
}

std::string signature_of(const SigningInput& input, const HttpHeaders& canonical,
                         const SigningScope& scope, const Sha256Digest& key) {
  const auto text = string_to_sign(scope, canonical_request(input, canonical, scope.path_rule));
  return to_hex(hmac_sha256(key, as_bytes(text)));
}

}  // namespace

std::string canonical_request(const SigningInput& input, PathRule rule) {
  return canonical_request(input, canonical_headers(input.headers), rule);
}

std::string string_to_sign(const SigningScope& scope, std::string_view canonical) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, timestamp(scope.time), scope_text(scope),
                     to_hex(sha256(as_bytes(canonical))));
}

const Sha256Digest& SigningKey::of(const Credentials& credentials, const SigningScope& scope) {
  std::string made_of = "AWS4" + credentials.secret_access_key;
  const std::size_t secret = made_of.size();
  made_of += '/' + scope_text(scope);
  if (made_of == made_of_) return key_;
  key_ = hmac_sha256(as_bytes(made_of).first(secret), as_bytes(date_text(scope.time)));
  key_ = hmac_sha256(key_, as_bytes(scope.region));
  key_ = hmac_sha256(key_, as_bytes(scope.service));
  key_ = hmac_sha256(key_, as_bytes("aws4_request"));
  made_of_ = std::move(made_of);
  return key_;
}

void sign_headers(SigningInput& input, const SigningScope& scope, const Credentials& credentials,
                  SigningKey& key) {
  input.headers.emplace_back("X-Amz-Date", timestamp(scope.time));
  if (!credentials.session_token.empty()) {
    input.headers.emplace_back("X-Amz-Security-Token", credentials.session_token);
  }
  const auto canonical = canonical_headers(input.headers);
  input.headers.emplace_back(
      "Authorization",
      fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", kAlgorithm,
                  credentials.access_key_id, scope_text(scope), signed_names(canonical),
                  signature_of(input, canonical, scope, key.of(credentials, scope))));
}

void sign_headers(SigningInput& input, const SigningScope& scope, const Credentials& credentials) {
  SigningKey key;
  sign_headers(input, scope, credentials, key);
}

void sign_query(SigningInput& input, const SigningScope& scope, const Credentials& credentials,
                std::chrono::seconds ttl) {
  const auto canonical = canonical_headers(input.headers);
  input.query.emplace_back("X-Amz-Algorithm", kAlgorithm);
  input.query.emplace_back("X-Amz-Credential", credentials.access_key_id + "/" + scope_text(scope));
  input.query.emplace_back("X-Amz-Date", timestamp(scope.time));
  input.query.emplace_back("X-Amz-Expires", std::to_string(ttl.count()));
  if (!credentials.session_token.empty()) {
    input.query.emplace_back("X-Amz-Security-Token", credentials.session_token);
  }
  input.query.emplace_back("X-Amz-SignedHeaders", signed_names(canonical));
  SigningKey key;
  input.query.emplace_back("X-Amz-Signature",
                           signature_of(input, canonical, scope, key.of(credentials, scope)));
}

}  // namespace cnf::storage
