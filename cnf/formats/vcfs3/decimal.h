// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cnf::vcfs3 {

/// A number as it is written: mantissa / 10^digits, with so many digits behind the point.
struct Decimal {
  std::int64_t mantissa = 0;
  std::uint8_t digits = 0;
  bool operator==(const Decimal&) const = default;
};

/// No more digits than that in a mantissa, so that it fits 63 bits.
inline constexpr unsigned kMaxDecimalDigits = 18;
/// Bytes that render_decimal may write: a sign, "0.", the digits.
inline constexpr std::size_t kDecimalBytes = 24;

/// The number that renders as exactly this text; nullopt for all other texts, such as "", ".",
/// "+1", "01", ".5", "5.", "-0", "-0.0", "1e3", "nan".
[[nodiscard]] std::optional<Decimal> parse_decimal(std::string_view text) noexcept;

/// Writes at most kDecimalBytes to `out`; returns the end. digits must be at most
/// kMaxDecimalDigits.
char* render_decimal(Decimal number, char* out) noexcept;

/// 10^exponent, for exponent up to kMaxDecimalDigits.
[[nodiscard]] std::int64_t power_of_ten(unsigned exponent) noexcept;

/// How a quotient is written: as C's printf writes a double, with a precision of 1 to 17.
///
/// general: "%.Pg". fixed: "%.Pf". scientific: "%.Pe". stripped: "%.Pf" without the zeros at its
/// end, and without the point if nothing is left behind it. gatk: as GATK's VCF writer does it,
/// whatever the precision:
/// "%.2f" from 1 on, "%.3f" from 0.01 on, "%.3e" below, "0.00" below 1e-20.
struct QuotientStyle {
  enum class Kind : std::uint8_t { general, fixed, stripped, gatk, scientific };
  Kind kind = Kind::general;
  std::uint8_t precision = 6;
  bool operator==(const QuotientStyle&) const = default;
};
inline constexpr unsigned kMaxQuotientPrecision = 17;
/// Bytes that render_quotient may write.
inline constexpr std::size_t kQuotientBytes = 64;

/// Writes numerator / denominator, a double division, to `out`; returns the end. Writes nothing if
/// the denominator is not positive or the numerator is not in [0, denominator].
char* render_quotient(std::int64_t numerator, std::int64_t denominator, QuotientStyle style,
                      char* out) noexcept;

}  // namespace cnf::vcfs3
