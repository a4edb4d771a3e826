// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "cnf/core/storage/azure/azure_sign_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"

namespace cnf::storage {
namespace {

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Names in lower case and sorted; the values of one that repeats sorted and joined by commas.
std::map<std::string, std::string> canonical(
    const std::vector<std::pair<std::string, std::string>>& fields) {
  std::vector<std::pair<std::string, std::string>> sorted;
  sorted.reserve(fields.size());
  for (const auto& [name, value] : fields) sorted.emplace_back(lower_case(name), value);
  std::sort(sorted.begin(), sorted.end());
  std::map<std::string, std::string> out;
  for (auto& [name, value] : sorted) {
    const auto [at, is_new] = out.try_emplace(name, value);
    if (!is_new) at->second += "," + value;
  }
  return out;
}

std::string iso8601(std::chrono::sys_seconds time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", time);
}

}  // namespace

std::string azure_date(std::chrono::sys_seconds time) {
  return fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", time);
}

std::string azure_string_to_sign(std::string_view account, const HttpRequest& request) {
  constexpr auto kStandard = std::to_array<std::string_view>(
      {"content-encoding", "content-language", "content-length", "content-md5", "content-type",
       "date", "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range"});
  auto headers = canonical(request.headers);
  // A length of zero is signed as an empty one, since version 2015-02-21.
  if (!request.body.empty()) headers["content-length"] = std::to_string(request.body.size());
  std::string out = request.method;
  for (const auto name : kStandard) {
    out += '\n';
    if (const auto found = headers.find(std::string(name)); found != headers.end()) {
      out += found->second;
    }
  }
  out += '\n';
  for (const auto& [name, value] : headers) {
    if (name.starts_with("x-ms-")) out.append(name).append(":").append(value).append("\n");
  }
  // An endpoint by address has the account in its path already; then it stands there twice.
  out.append("/").append(account);
  out += percent_encode(request.endpoint.path + request.path, Slash::keep);
  for (const auto& [name, value] : canonical(request.query)) {
    out.append("\n").append(name).append(":").append(value);
  }
  return out;
}

std::string azure_signature(const AzureAccount& account, std::string_view text) {
  return to_base64(hmac_sha256(as_bytes(account.key), as_bytes(text)));
}

std::string azure_sas_string_to_sign(std::string_view account, const AzureReadGrant& grant) {
  const std::string resource =
      "/blob/" + std::string(account) + "/" + grant.container + "/" + grant.blob;
  // Permissions, start, expiry, resource, identifier, IP, protocol, version, kind of resource,
  // snapshot, encryption scope, and five headers of the answer.
  const std::vector<std::string> fields = {"r",
                                           "",
                                           iso8601(grant.expires),
                                           resource,
                                           "",
                                           "",
                                           "",
                                           std::string(kAzureVersion),
                                           "b",
                                           "",
                                           "",
                                           "",
                                           "",
                                           "",
                                           "",
                                           ""};
  return fmt::format("{}", fmt::join(fields, "\n"));
}

QueryParameters azure_read_sas(const AzureAccount& account, const AzureReadGrant& grant) {
  return {{"sv", std::string(kAzureVersion)},
          {"sr", "b"},
          {"sp", "r"},
          {"se", iso8601(grant.expires)},
          {"sig", azure_signature(account, azure_sas_string_to_sign(account.name, grant))}};
}

}  // namespace cnf::storage
