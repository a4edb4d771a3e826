// SPDX-License-Identifier: Apache-2.0
#include "cnf/em/mdoc.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::em {
namespace {

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\f\v";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

template <typename Number>
std::optional<Number> whole_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Calls `take` with each line that is not blank, trimmed, and its number, which counts from 1.
template <typename Take>
void for_each_line(ByteSpan text, const Take& take) {
  std::string_view rest = as_text(text);
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trim(rest.substr(0, end));
    if (!line.empty() && !line.starts_with('#')) take(line, number);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

[[noreturn]] void fail(std::string_view subject, std::size_t line, std::string_view text,
                       std::string_view wanted) {
  constexpr std::size_t kShown = 60;
  throw Error(Errc::corrupt_data, "read", subject,
              fmt::format("line {} is '{}', not {}", line, text.substr(0, kShown), wanted));
}

}  // namespace

std::optional<std::string_view> MdocEntries::find(std::string_view key) const noexcept {
  for (const auto& [name, value] : entries_) {
    if (name == key) return value;
  }
  return std::nullopt;
}

std::optional<double> MdocEntries::number(std::string_view key) const noexcept {
  const auto value = find(key);
  return value ? whole_number<double>(*value) : std::nullopt;
}

std::vector<const Mdoc::Section*> Mdoc::of_images(std::uint64_t images) const {
  std::vector<const Section*> found(std::min<std::uint64_t>(images, sections.size()), nullptr);
  if (found.size() != images) return {};
  for (const Section& section : sections) {
    if (section.kind != "ZValue") continue;
    const auto image = whole_number<std::uint64_t>(section.name);
    if (!image || *image >= images || found[*image] != nullptr) return {};
    found[*image] = &section;
  }
  const bool all = std::find(found.begin(), found.end(), nullptr) == found.end();
  return all ? found : std::vector<const Section*>{};
}

Mdoc parse_mdoc(ByteSpan text, std::string_view subject) {
  Mdoc mdoc;
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    const bool is_section = line.starts_with('[') && line.ends_with(']');
    const std::string_view inner = is_section ? line.substr(1, line.size() - 2) : line;
    const std::size_t equals = inner.find('=');  // values may have others
    const std::string_view key = trim(inner.substr(0, equals));
    if (equals == std::string_view::npos || key.empty()) {
      fail(subject, number, line, "'Key = Value' or '[Key = Value]'");
    }
    const std::string_view value = trim(inner.substr(equals + 1));
    if (is_section && key == "T") {
      mdoc.titles.emplace_back(value);
    } else if (is_section) {
      mdoc.sections.push_back(
          {.kind = std::string(key), .name = std::string(value), .entries = {}});
    } else {
      MdocEntries& entries = mdoc.sections.empty() ? mdoc.global : mdoc.sections.back().entries;
      entries.add(std::string(key), std::string(value));
    }
  });
  return mdoc;
}

std::vector<double> parse_tilts(ByteSpan text, std::string_view subject) {
  std::vector<double> tilts;
  for_each_line(text, [&](std::string_view line, std::size_t number) {
    const auto tilt = whole_number<double>(line);
    if (!tilt || !std::isfinite(*tilt)) fail(subject, number, line, "an angle");
    tilts.push_back(*tilt);
  });
  return tilts;
}

}  // namespace cnf::em
