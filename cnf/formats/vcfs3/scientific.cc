// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/scientific.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "cnf/formats/vcfs3/token_column_internal.h"

namespace cnf::vcfs3 {
namespace {

constexpr int kMaxExponent = 20;
// Digits of a plain number, with those of its exponent.
constexpr std::size_t kMaxPlain = kMaxScientificDigits + kMaxExponent + 4;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool are_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

struct Scientific {
  std::string_view sign, lead, rest;  // "-", "1", "23400"
  int exponent = 0;
};

std::optional<Scientific> parse(std::string_view text) {
  Scientific number;
  number.sign = text.substr(0, text.starts_with('-') ? 1 : 0);
  text.remove_prefix(number.sign.size());
  const std::size_t e = text.find('e');
  if (e == std::string_view::npos || e < 3 || text[1] != '.') return std::nullopt;
  number.lead = text.substr(0, 1);
  number.rest = text.substr(2, e - 2);
  std::string_view exponent = text.substr(e + 1);
  if (exponent.size() < 3 || exponent.size() > 4) return std::nullopt;
  const bool is_negative = exponent[0] == '-';
  if (!is_negative && exponent[0] != '+') return std::nullopt;
  exponent.remove_prefix(1);
  if (!is_digit(number.lead[0]) || !are_digits(number.rest) || !are_digits(exponent)) {
    return std::nullopt;
  }
  if (number.rest.size() > kMaxScientificDigits) return std::nullopt;
  std::from_chars(exponent.data(), exponent.data() + exponent.size(), number.exponent);
  if (is_negative) number.exponent = -number.exponent;
  return number;
}

}  // namespace

std::optional<unsigned> scientific_digits(std::string_view text) noexcept {
  const std::optional<Scientific> number = parse(text);
  if (!number) return std::nullopt;
  return static_cast<unsigned>(number->rest.size());
}

void put_plain(std::string_view scientific, TextBuilder& out) {
  const std::optional<Scientific> number = parse(scientific);
  if (!number || std::abs(number->exponent) > kMaxExponent) {
    out.put(scientific);
    return;
  }
  std::array<char, kMaxScientificDigits + 1> digits{};
  digits[0] = number->lead[0];
  std::ranges::copy(number->rest, digits.begin() + 1);
  std::size_t size = number->rest.size() + 1;
  while (size > 1 && digits[size - 1] == '0') --size;
  const std::string_view significant(digits.data(), size);
  out.put(number->sign);
  if (number->exponent < 0) {
    out.put("0.");
    for (int i = -1; i > number->exponent; --i) out.put('0');
    out.put(significant);
    return;
  }
  const auto whole = static_cast<std::size_t>(number->exponent) + 1;
  out.put(significant.substr(0, whole));
  for (std::size_t i = size; i < whole; ++i) out.put('0');
  if (size > whole) {
    out.put('.');
    out.put(significant.substr(whole));
  }
}

void put_scientific(std::string_view plain, unsigned digits, TextBuilder& out) {
  const std::string_view sign = plain.substr(0, plain.starts_with('-') ? 1 : 0);
  const std::string_view number = plain.substr(sign.size());
  const std::size_t point = std::min(number.find('.'), number.size());
  std::array<char, kMaxPlain> significant{};
  std::size_t size = 0;       // of these
  std::size_t first = point;  // place of the first digit that is not 0, the point left out
  std::size_t last = 0;       // one behind the last that is not 0
  bool is_number = number.size() <= kMaxPlain && are_digits(number.substr(0, point)) &&
                   (point == number.size() || are_digits(number.substr(point + 1)));
  for (std::size_t i = 0, place = 0; is_number && i < number.size(); ++i) {
    if (i == point) continue;
    if (number[i] != '0' && size == 0) first = place;
    if (number[i] != '0' || size > 0) significant[size++] = number[i];
    if (number[i] != '0') last = size;
    ++place;
  }
  if (!is_number || last > digits + 1) {
    out.put(plain);
    return;
  }
  const int exponent = last == 0 ? 0 : static_cast<int>(point) - 1 - static_cast<int>(first);
  out.put(sign);
  out.put(last == 0 ? '0' : significant[0]);
  out.put('.');
  for (std::size_t i = 1; i <= digits; ++i) out.put(i < last ? significant[i] : '0');
  out.put(exponent < 0 ? "e-" : "e+");
  if (std::abs(exponent) < 10) out.put('0');
  out.put(std::to_string(std::abs(exponent)));
}

}  // namespace cnf::vcfs3
