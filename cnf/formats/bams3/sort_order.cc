// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/sort_order_internal.h"

namespace cnf::bams3 {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr int sign_of(std::size_t a, std::size_t b) noexcept {
  return a < b ? -1 : static_cast<int>(a > b);
}

// Takes the digits at the front of `text`.
std::string_view take_digits(std::string_view& text) noexcept {
  const auto* end = std::find_if_not(text.begin(), text.end(), is_digit);
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

int compare_digits(std::string_view a, std::string_view b) noexcept {
  const std::size_t zeros_a = std::min(a.find_first_not_of('0'), a.size());
  const std::size_t zeros_b = std::min(b.find_first_not_of('0'), b.size());
  a.remove_prefix(zeros_a);
  b.remove_prefix(zeros_b);
  if (a.size() != b.size()) return sign_of(a.size(), b.size());
  if (const int value = a.compare(b); value != 0) return value;
  return sign_of(zeros_b, zeros_a);
}

}  // namespace

std::uint64_t coordinate_key(RecordView record) noexcept {
  // A tid is below 2^31 - 1, for n_ref is an int32; so the three fit in 31 + 32 + 1 bits.
  constexpr std::uint64_t kNoReference = 0x7fffffff;
  const std::uint64_t reference =
      record.ref() < 0 ? kNoReference : static_cast<std::uint64_t>(record.ref());
  const std::uint64_t position = static_cast<std::uint32_t>(record.pos()) + 1U;
  const std::uint64_t strand = (record.flag() & flag::kReverse) != 0 ? 1 : 0;
  return reference << 33U | (position & 0xffffffffU) << 1U | strand;
}

int compare_names(std::string_view a, std::string_view b) noexcept {
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const int order = compare_digits(take_digits(a), take_digits(b));
      if (order != 0) return order;
    } else {
      const auto first_a = static_cast<unsigned char>(a.front());
      const auto first_b = static_cast<unsigned char>(b.front());
      if (first_a != first_b) return first_a < first_b ? -1 : 1;
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  return sign_of(a.size(), b.size());
}

int Comparison::compare_by_name(RecordView a, RecordView b) noexcept {
  if (const int order = compare_names(a.name(), b.name()); order != 0) return order;
  constexpr unsigned kEnds = flag::kRead1 | flag::kRead2;
  return sign_of(a.flag() & kEnds, b.flag() & kEnds);
}

}  // namespace cnf::bams3
