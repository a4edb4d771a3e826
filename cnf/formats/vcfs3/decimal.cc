// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/decimal.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace cnf::vcfs3 {
namespace {

constexpr std::array<std::int64_t, kMaxDecimalDigits + 1> kPowers = [] {
  std::array<std::int64_t, kMaxDecimalDigits + 1> powers{};
  powers[0] = 1;
  for (std::size_t i = 1; i < powers.size(); ++i) powers[i] = 10 * powers[i - 1];
  return powers;
}();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

char* render_fixed(double value, int precision, char* out) {
  return std::to_chars(out, out + kQuotientBytes, value, std::chars_format::fixed, precision).ptr;
}

char* strip_zeros(char* begin, char* end) {
  if (std::memchr(begin, '.', static_cast<std::size_t>(end - begin)) == nullptr) return end;
  while (end[-1] == '0') --end;
  return end[-1] == '.' ? end - 1 : end;
}

char* render_gatk(double value, char* out) {
  if (value >= 1) return render_fixed(value, 2, out);
  if (value >= 0.01) return render_fixed(value, 3, out);
  if (value < 1e-20) return render_fixed(0, 2, out);
  return std::to_chars(out, out + kQuotientBytes, value, std::chars_format::scientific, 3).ptr;
}

}  // namespace

std::int64_t power_of_ten(unsigned exponent) noexcept { return kPowers[exponent]; }

std::optional<Decimal> parse_decimal(std::string_view text) noexcept {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  if (text.empty() || text.size() > kMaxDecimalDigits + 1 || !is_digit(text[0])) {
    return std::nullopt;
  }
  if (text[0] == '0' && text.size() > 1 && text[1] != '.') return std::nullopt;
  Decimal number;
  std::size_t point = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_digit(text[i])) {
      if (i == kMaxDecimalDigits && point == text.size()) return std::nullopt;
      number.mantissa = number.mantissa * 10 + (text[i] - '0');
    } else if (text[i] == '.' && point == text.size()) {
      point = i;
    } else {
      return std::nullopt;
    }
  }
  if (point < text.size()) {
    if (point + 1 == text.size()) return std::nullopt;
    number.digits = static_cast<std::uint8_t>(text.size() - point - 1);
  }
  if (negative) {
    if (number.mantissa == 0) return std::nullopt;
    number.mantissa = -number.mantissa;
  }
  return number;
}

char* render_decimal(Decimal number, char* out) noexcept {
  auto magnitude = static_cast<std::uint64_t>(number.mantissa);
  if (number.mantissa < 0) {
    *out++ = '-';
    magnitude = 0 - magnitude;
  }
  if (number.digits == 0) return std::to_chars(out, out + kDecimalBytes - 1, magnitude).ptr;
  const auto power = static_cast<std::uint64_t>(kPowers[number.digits]);
  out = std::to_chars(out, out + kDecimalBytes - 1, magnitude / power).ptr;
  *out++ = '.';
  std::uint64_t rest = magnitude % power;
  for (unsigned i = number.digits; i-- > 0;) {
    out[i] = static_cast<char>('0' + rest % 10);
    rest /= 10;
  }
  return out + number.digits;
}

char* render_quotient(std::int64_t numerator, std::int64_t denominator, QuotientStyle style,
                      char* out) noexcept {
  if (denominator <= 0 || numerator < 0 || numerator > denominator) return out;
  const double value = static_cast<double>(numerator) / static_cast<double>(denominator);
  switch (style.kind) {
    case QuotientStyle::Kind::general:
      return std::to_chars(out, out + kQuotientBytes, value, std::chars_format::general,
                           style.precision)
          .ptr;
    case QuotientStyle::Kind::fixed:
      return render_fixed(value, style.precision, out);
    case QuotientStyle::Kind::stripped:
      return strip_zeros(out, render_fixed(value, style.precision, out));
    case QuotientStyle::Kind::scientific:
      return std::to_chars(out, out + kQuotientBytes, value, std::chars_format::scientific,
                           style.precision)
          .ptr;
    case QuotientStyle::Kind::gatk:
      return render_gatk(value, out);
  }
  return out;
}

}  // namespace cnf::vcfs3
