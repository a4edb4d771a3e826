// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cnf/core/storage/azure/azure_batch_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"

namespace cnf::storage {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_word(std::string_view text, std::string_view word) {
  return std::equal(word.begin(), word.end(), text.begin(), text.end(),
                    [](char a, char b) { return a == lower(b); });
}

template <typename Number>
std::optional<Number> leading_number(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

// Takes a line, however it ends.
std::string_view take_line(std::string_view& text) {
  const auto end = text.find('\n');
  auto line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view boundary_of(std::string_view content_type) {
  constexpr std::string_view kName = "boundary=";
  const auto at = content_type.find(kName);
  if (at == std::string_view::npos) return {};
  auto value = content_type.substr(at + kName.size());
  value = value.substr(0, value.find(';'));
  if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
    value = value.substr(1, value.size() - 2);
  }
  return value;
}

// Headers up to an empty line, or the end.
template <typename Take>
void take_headers(std::string_view& part, const Take& take) {
  while (!part.empty()) {
    const auto line = take_line(part);
    if (line.empty()) return;
    const auto colon = std::min(line.find(':'), line.size());
    auto value = line.substr(std::min(colon + 1, line.size()));
    while (value.starts_with(' ')) value.remove_prefix(1);
    take(line.substr(0, colon), value);
  }
}

void read_part(std::string_view part, std::vector<AzureBatchPart>& parts) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  std::optional<std::size_t> id;
  take_headers(part, [&](std::string_view name, std::string_view value) {
    if (is_word(name, "content-id")) id = leading_number<std::size_t>(value);
  });
  const auto line = take_line(part);
  if (!id || *id >= parts.size() || !line.starts_with(kVersion)) return;
  auto& into = parts[*id];
  into.status = leading_number<int>(line.substr(kVersion.size())).value_or(0);
  take_headers(part, [&](std::string_view name, std::string_view value) {
    if (is_word(name, "x-ms-error-code")) into.code = one_line(value, 100);
  });
}

}  // namespace

std::string spell_azure_batch(std::span<const HttpRequest> requests, std::string_view boundary) {
  std::string out;
  std::size_t id = 0;
  for (const auto& request : requests) {
    out.append("--").append(boundary).append("\r\n");
    out += "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n";
    out += "Content-ID: " + std::to_string(id++) + "\r\n\r\n";
    out += request.method + " ";
    out += percent_encode(request.endpoint.path + request.path, Slash::keep);
    if (!request.query.empty()) out += "?" + spell_query(request.query);
    out += " HTTP/1.1\r\n";
    for (const auto& [name, value] : request.headers) {
      out.append(name).append(": ").append(value).append("\r\n");
    }
    out += "Content-Length: 0\r\n\r\n";
  }
  return out.append("--").append(boundary).append("--\r\n");
}

std::vector<AzureBatchPart> parse_azure_batch(std::string_view body, std::string_view content_type,
                                              std::size_t count) {
  std::vector<AzureBatchPart> out(count);
  const auto boundary = boundary_of(content_type);
  if (boundary.empty()) return out;
  const std::string mark = "--" + std::string(boundary);
  auto at = body.find(mark);
  while (at != std::string_view::npos) {
    body.remove_prefix(at + mark.size());
    if (body.starts_with("--")) break;
    at = body.find(mark);
    auto part = body.substr(0, at);
    static_cast<void>(take_line(part));  // the rest of the boundary's line
    read_part(part, out);
  }
  return out;
}

}  // namespace cnf::storage
