// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/quotients.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "cnf/formats/vcfs3/decimal.h"
#include "cnf/formats/vcfs3/token_column_internal.h"

namespace cnf::vcfs3 {
namespace {

constexpr std::size_t kSample = 64;  // tokens looked at to find a rule
constexpr std::int64_t kMaxDenominator = std::int64_t{1} << 24;
// With fewer digits quotients say no less than the numbers themselves.
constexpr std::size_t kMinDigits = 5;
constexpr std::size_t kMaxDigits = 9;

std::optional<double> to_double(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

/// Digits of a number from its first that is not 0, the exponent aside.
std::size_t significant_digits(std::string_view text) {
  std::size_t digits = 0;
  for (const char c : text.substr(0, text.find('e'))) {
    if (c >= '1' && c <= '9') ++digits;
    if (c == '0' && digits > 0) ++digits;
  }
  return digits;
}

std::vector<std::string_view> sample_of(std::span<const std::string_view> texts) {
  std::vector<std::string_view> sample;
  const std::size_t step = texts.size() / kSample + 1;
  for (std::size_t i = 0; i < texts.size(); i += step) sample.push_back(texts[i]);
  return sample;
}

std::vector<QuotientStyle> common_styles() {
  using Kind = QuotientStyle::Kind;
  std::vector<QuotientStyle> styles{{Kind::general, 6}, {Kind::gatk, 3}};
  for (std::uint8_t precision = 2; precision <= 9; ++precision) {
    styles.push_back({Kind::fixed, precision});
    styles.push_back({Kind::stripped, precision});
    styles.push_back({Kind::scientific, precision});
    if (precision != 6) styles.push_back({Kind::general, precision});
  }
  return styles;
}

}  // namespace

std::optional<std::int64_t> numerator_of(std::string_view text, std::int64_t denominator,
                                         QuotientStyle style) noexcept {
  const std::optional<double> value = to_double(text);
  if (!value || *value < 0 || *value > 1) return std::nullopt;
  const std::int64_t numerator = std::llround(*value * static_cast<double>(denominator));
  std::array<char, kQuotientBytes> rendered{};
  const char* const end = render_quotient(numerator, denominator, style, rendered.data());
  if (std::string_view(rendered.data(), end) != text) return std::nullopt;
  return numerator;
}

std::optional<CommonQuotient> find_common_quotient(std::span<const std::string_view> numbers) {
  double least = 1;
  std::size_t digits = 0;
  for (const std::string_view text : numbers) {
    const std::optional<double> value = to_double(text);
    if (!value) continue;
    if (*value < 0 || *value > 1) return std::nullopt;
    if (*value > 0) least = std::min(least, *value);
    digits = std::max(digits, significant_digits(text));
  }
  if (digits < kMinDigits || digits > kMaxDigits || least == 1) return std::nullopt;
  const std::vector<std::string_view> sample = sample_of(numbers);
  const QuotientStyle style{QuotientStyle::Kind::general, static_cast<std::uint8_t>(digits)};
  for (int numerator = 1; numerator <= 8; ++numerator) {
    const double denominator = std::round(numerator / least);
    if (denominator > static_cast<double>(kMaxDenominator)) return std::nullopt;
    const auto whole = static_cast<std::int64_t>(denominator);
    const auto fits = std::ranges::count_if(sample, [&](std::string_view text) {
      return numerator_of(text, whole, style).has_value();
    });
    if (static_cast<std::size_t>(fits) * 10 >= sample.size() * 9) return {{whole, style}};
  }
  return std::nullopt;
}

bool put_quotients(std::string_view counts, std::string_view total, QuotientStyle style,
                   TextBuilder& out) {
  const std::optional<Decimal> denominator = parse_decimal(total);
  if (!denominator || denominator->digits > 0) return false;
  for (bool is_first = true;; is_first = false) {
    const std::size_t end = std::min(counts.find(','), counts.size());
    const std::optional<Decimal> count = parse_decimal(counts.substr(0, end));
    if (!count || count->digits > 0) return false;
    if (!is_first) out.put(',');
    char* const room = out.room(kQuotientBytes);
    const char* const rendered =
        render_quotient(count->mantissa, denominator->mantissa, style, room);
    if (rendered == room) return false;
    out.used(rendered);
    if (end == counts.size()) return true;
    counts.remove_prefix(end + 1);
  }
}

std::optional<QuotientStyle> find_quotient_style(std::span<const std::string_view> frequencies,
                                                 std::span<const std::string_view> counts,
                                                 std::span<const std::string_view> totals) {
  std::optional<QuotientStyle> best;
  std::size_t most = 0;
  const std::size_t step = frequencies.size() / kSample + 1;
  const std::size_t looked_at = (frequencies.size() + step - 1) / step;
  for (const QuotientStyle style : common_styles()) {
    std::size_t fits = 0;
    for (std::size_t i = 0; i < frequencies.size(); i += step) {
      TextBuilder text(1);
      if (!put_quotients(counts[i], totals[i], style, text)) continue;
      text.end_token();
      if (std::move(text).take().texts[0] == frequencies[i]) ++fits;
    }
    if (fits > most) {
      most = fits;
      best = style;
    }
  }
  return 2 * most > looked_at ? best : std::nullopt;
}

}  // namespace cnf::vcfs3
