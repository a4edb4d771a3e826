// SPDX-License-Identifier: Apache-2.0
#include "cnf/cli/byte_range.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "cnf/cli/verb.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/progress.h"

namespace cnf::cli {

ByteRange ByteRange::parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  const std::string_view left = text.substr(0, dash);
  const std::string_view right = dash == std::string_view::npos ? "" : text.substr(dash + 1);
  if (dash == std::string_view::npos || (left.empty() && right.empty())) {
    throw UsageError(fmt::format("--range is A-B, A- or -N in bytes, not \"{}\"", text));
  }
  ByteRange range;
  try {
    if (left.empty()) {
      range.suffix = parse_size(right);
      return range;
    }
    range.first = parse_size(left);
    if (!right.empty()) range.end = parse_size(right);
  } catch (const Error& error) {
    throw UsageError(fmt::format("--range: {}", error.what()));
  }
  if (range.end && *range.end < range.first) {
    throw UsageError(fmt::format("--range {} ends before it begins", text));
  }
  return range;
}

std::optional<ByteRange::Resolved> ByteRange::resolve(std::uint64_t size) const noexcept {
  if (suffix) {
    const std::uint64_t length = std::min(*suffix, size);
    return Resolved{size - length, length};
  }
  if (first > size) return std::nullopt;
  return Resolved{first, std::min(end.value_or(size), size) - first};
}

}  // namespace cnf::cli
