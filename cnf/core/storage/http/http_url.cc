// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <curl/curl.h>

#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

bool is_unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10U;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10U;
  return std::nullopt;
}

[[noreturn]] void refuse_endpoint(std::string_view why) {
  throw Error(Errc::invalid_argument, "read", "endpoint", why,
              "write it as https://host[:port], e.g. http://127.0.0.1:9000");
}

bool is_ipv4(std::string_view host) {
  return host.find_first_not_of("0123456789.") == std::string_view::npos;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// host, host:port or [v6]:port; the scheme's own port is dropped, as HTTP clients leave it out of
// Host.
std::string read_authority(std::string_view text, std::string_view scheme) {
  const auto bracket = text.rfind(']');
  const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const auto host = text.substr(0, colon);
  if (host.empty()) refuse_endpoint("it has no host");
  for (const char c : host) {
    const bool fits = is_unreserved(c) || c == ':' || c == '[' || c == ']';
    if (!fits) refuse_endpoint("its host has a character that no host has");
  }
  if (colon == std::string_view::npos) return lower_case(host);
  const auto digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) {
    refuse_endpoint("its port is not a number from 1 to 65535");
  }
  if (port == (scheme == "https" ? 443 : 80)) return lower_case(host);
  return lower_case(host) + ":" + std::to_string(port);
}

}  // namespace

std::string percent_encode(std::string_view text, Slash slash) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  for (const char c : text) {
    if (is_unreserved(c) || (c == '/' && slash == Slash::keep)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[byte >> 4U];
      out += kDigits[byte & 15U];
    }
  }
  return out;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const auto high = hex_digit(text[i + 1]);
    const auto low = hex_digit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    out += static_cast<char>(*high * 16U + *low);
    i += 2;
  }
  return out;
}

std::string spell_query(const QueryParameters& query) {
  QueryParameters encoded;
  encoded.reserve(query.size());
  for (const auto& [name, value] : query) {
    encoded.emplace_back(percent_encode(name, Slash::encode), percent_encode(value, Slash::encode));
  }
  std::sort(encoded.begin(), encoded.end());
  std::string out;
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out += name;
    out += '=';
    out += value;
  }
  return out;
}

std::optional<QueryParameters> parse_query(std::string_view query) {
  QueryParameters out;
  while (!query.empty()) {
    const std::string_view item = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(item.size() + 1, query.size()));
    if (item.empty()) continue;
    const std::size_t equals = std::min(item.find('='), item.size());
    auto name = percent_decode(item.substr(0, equals));
    auto value = percent_decode(item.substr(std::min(equals + 1, item.size())));
    if (!name || !value) return std::nullopt;
    out.emplace_back(*std::move(name), *std::move(value));
  }
  return out;
}

std::string_view Endpoint::host() const noexcept {
  const std::string_view text = authority;
  const auto bracket = text.rfind(']');
  return text.substr(0, text.find(':', bracket == std::string_view::npos ? 0 : bracket));
}

bool Endpoint::is_loopback() const noexcept {
  return host() == "localhost" || host() == "[::1]" ||
         (host().starts_with("127.") && is_ipv4(host()));
}

bool Endpoint::is_link_local() const noexcept {
  return (host().starts_with("169.254.") && is_ipv4(host())) || host().starts_with("[fe80:") ||
         host().starts_with("[fd00:ec2:") || host() == "metadata.google.internal";
}

std::string Endpoint::url() const {
  return scheme + "://" + authority + percent_encode(path, Slash::keep);
}

Endpoint parse_endpoint(std::string_view url) {
  Endpoint out;
  const auto mark = url.find("://");
  if (mark == std::string_view::npos) refuse_endpoint("it does not begin with http:// or https://");
  out.scheme = lower_case(url.substr(0, mark));
  if (out.scheme != "http" && out.scheme != "https") {
    refuse_endpoint("only http and https are spoken");
  }
  const auto rest = url.substr(mark + 3);
  const auto slash = rest.find('/');
  const auto authority = rest.substr(0, slash);
  // Before anything of it is looked at or shown: what stands before an @ is a secret.
  if (authority.find('@') != std::string_view::npos) {
    refuse_endpoint("it has a user name or password in it");
  }
  if (rest.find_first_of("?#") != std::string_view::npos) {
    refuse_endpoint("it has a query or a fragment");
  }
  out.authority = read_authority(authority, out.scheme);
  if (slash == std::string_view::npos) return out;
  auto path = percent_decode(rest.substr(slash));
  if (!path) refuse_endpoint("its path is not percent-encoded as URLs are");
  while (!path->empty() && path->back() == '/') path->pop_back();
  out.path = std::move(*path);
  return out;
}

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) {
  const std::string line(text);
  const auto seconds = curl_getdate(line.c_str(), nullptr);
  if (seconds < 0) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(seconds));
}

std::string unquote_etag(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') {
    etag = etag.substr(1, etag.size() - 2);
  }
  return std::string(etag);
}

std::string quote_etag(std::string_view etag) {
  if (etag.starts_with('"') || etag.starts_with("W/")) return std::string(etag);
  return '"' + std::string(etag) + '"';
}

std::string one_line(std::string_view text, std::size_t limit) {
  std::string out;
  for (const char c : text) {
    if (out.size() >= limit) return out + "…";
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return out;
}

}  // namespace cnf::storage
