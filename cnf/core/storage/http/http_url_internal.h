// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cnf::storage {

/// Names and values as they are meant, not percent-encoded; a name without a value has an empty
/// one.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

enum class Slash { encode, keep };

/// Encodes every byte but RFC 3986's unreserved ones as "%XX", upper-case.
[[nodiscard]] std::string percent_encode(std::string_view text, Slash slash);
/// nullopt if a '%' is not followed by two hexadecimal digits.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

/// "a=1&b=", encoded and sorted by encoded name and value: the order that signatures want.
[[nodiscard]] std::string spell_query(const QueryParameters& query);
/// Takes "a=1&b" apart, in its order; nullopt if it is not percent-encoded.
[[nodiscard]] std::optional<QueryParameters> parse_query(std::string_view query);

/// Where a store listens.
struct Endpoint {
  std::string scheme;     ///< "http" or "https".
  std::string authority;  ///< Host in lower case, and the port unless it is the scheme's own.
  std::string path;       ///< Put before every path; empty or "/a/b", not percent-encoded.

  [[nodiscard]] std::string_view host() const noexcept;
  /// True for 127.0.0.0/8, [::1] and localhost, which no proxy can reach.
  [[nodiscard]] bool is_loopback() const noexcept;
  /// True for what only this machine's own network knows, as clouds' metadata services:
  /// 169.254.0.0/16, [fe80::…], [fd00:ec2::…] and metadata.google.internal.
  [[nodiscard]] bool is_link_local() const noexcept;
  [[nodiscard]] std::string url() const;
};

/// Reads "https://host:port/prefix". Throws Error invalid_argument if there is anything else in it;
/// the message never shows a user name or password.
[[nodiscard]] Endpoint parse_endpoint(std::string_view url);

/// "Fri, 24 May 2013 00:00:00 GMT" and the two older forms of RFC 9110; nullopt for anything else.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text);

/// ETags travel in quotes; FileInfo shows them without. Weak ones ("W/…") stay as they are.
[[nodiscard]] std::string unquote_etag(std::string_view etag);
[[nodiscard]] std::string quote_etag(std::string_view etag);

/// What may be shown of a text from outside: one line, printable, cut behind `limit` bytes.
[[nodiscard]] std::string one_line(std::string_view text, std::size_t limit = 300);

}  // namespace cnf::storage
