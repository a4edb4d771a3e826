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

#include "cnf/core/storage/gcs/gcs_batch_internal.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

[[noreturn]] void refuse(std::string_view subject, std::string_view why) {
  throw Error(Errc::corrupt_data, "read the answer about", subject, why,
              "is the endpoint Google Cloud Storage?");
}

bool same_but_for_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The next line, without its end (CRLF, or LF alone); the text moves on behind it.
std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// 1 to 70 characters (RFC 2046); empty if there is none.
std::string_view boundary_of(std::string_view content_type) {
  constexpr std::string_view kType = "multipart/mixed";
  if (!same_but_for_case(content_type.substr(0, kType.size()), kType)) return {};
  while (!content_type.empty()) {
    content_type.remove_prefix(std::min(content_type.find(';') + 1, content_type.size()));
    const auto parameter = trimmed(content_type.substr(0, content_type.find(';')));
    const auto equals = std::min(parameter.find('='), parameter.size());
    if (!same_but_for_case(parameter.substr(0, equals), "boundary")) {
      if (content_type.find(';') == std::string_view::npos) return {};
      continue;
    }
    auto value = parameter.substr(std::min(equals + 1, parameter.size()));
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
      value = value.substr(1, value.size() - 2);
    }
    return value.size() <= 70 ? value : std::string_view();
  }
  return {};
}

// The last number of "<response-cnf+12>".
std::optional<std::size_t> index_of(std::string_view content_id) {
  const auto last = content_id.find_last_of("0123456789");
  if (last == std::string_view::npos) return std::nullopt;
  const auto before = content_id.find_last_not_of("0123456789", last);
  const auto first = before == std::string_view::npos ? 0 : before + 1;
  std::size_t index = 0;
  const auto digits = content_id.substr(first, last - first + 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  return error == std::errc() ? std::optional(index) : std::nullopt;
}

// A part: headers of its own, then an HTTP answer.
BatchAnswer parse_part(std::string_view part, std::string_view subject) {
  BatchAnswer out;
  std::optional<std::size_t> index;
  for (auto line = take_line(part); !line.empty(); line = take_line(part)) {
    const auto colon = std::min(line.find(':'), line.size());
    if (same_but_for_case(line.substr(0, colon), "content-id"))
      index = index_of(line.substr(colon));
  }
  if (!index) refuse(subject, "a part of the batch does not say what it answers");
  out.index = *index;
  const auto status = take_line(part);
  const auto space = std::min(status.find(' '), status.size());
  const auto [end, error] = std::from_chars(status.data() + std::min(space + 1, status.size()),
                                            status.data() + status.size(), out.status);
  if (!status.starts_with("HTTP/") || error != std::errc() || out.status < 100 ||
      out.status > 599) {
    refuse(subject, "a part of the batch is no HTTP answer");
  }
  while (!take_line(part).empty()) {
  }
  out.body = part;
  return out;
}

}  // namespace

std::string batch_of_deletes(std::span<const std::string> targets, std::string_view boundary) {
  std::string out;
  std::size_t index = 0;
  for (const auto& target : targets) {
    out.append("--").append(boundary).append("\r\nContent-Type: application/http\r\n");
    out.append("Content-ID: <cnf+").append(std::to_string(index++)).append(">\r\n\r\n");
    out.append("DELETE ").append(target).append(" HTTP/1.1\r\n\r\n\r\n");
  }
  out.append("--").append(boundary).append("--\r\n");
  return out;
}

std::vector<BatchAnswer> parse_batch_answer(std::string_view content_type, std::string_view body,
                                            std::string_view subject) {
  const auto boundary = boundary_of(content_type);
  if (boundary.empty()) refuse(subject, "the answer to a batch is no multipart/mixed");
  const std::string delimiter = "--" + std::string(boundary);
  // Each delimiter begins a line.
  std::vector<std::size_t> starts;
  for (auto at = body.find(delimiter); at != std::string_view::npos;
       at = body.find(delimiter, at + delimiter.size())) {
    if (at == 0 || body[at - 1] == '\n') starts.push_back(at);
  }
  if (starts.empty()) refuse(subject, "the answer to a batch has no parts");
  std::vector<BatchAnswer> out;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    auto part = body.substr(starts[i] + delimiter.size());
    if (part.starts_with("--")) return out;  // the last delimiter
    if (i + 1 == starts.size()) break;
    part = part.substr(0, starts[i + 1] - starts[i] - delimiter.size());
    static_cast<void>(take_line(part));
    out.push_back(parse_part(part, subject));
  }
  refuse(subject, "the answer to a batch breaks off");
}

}  // namespace cnf::storage
