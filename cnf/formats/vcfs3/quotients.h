// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "cnf/formats/vcfs3/decimal.h"

namespace cnf::vcfs3 {

class TextBuilder;

/// The numerator that makes `text` when divided by `denominator`; nullopt if none does.
[[nodiscard]] std::optional<std::int64_t> numerator_of(std::string_view text,
                                                       std::int64_t denominator,
                                                       QuotientStyle style) noexcept;

/// The denominator that most of `numbers` seem to have in common, such as 1006 for allele
/// frequencies among 503 people; nullopt if none is found, or numbers have too few digits for it to
/// pay. Numbers are looked at as "%.Pg" writes them.
struct CommonQuotient {
  std::int64_t denominator = 0;
  QuotientStyle style = {};
};
[[nodiscard]] std::optional<CommonQuotient> find_common_quotient(
    std::span<const std::string_view> numbers);

/// Frequencies of alleles as they follow from counts: "3,5" of "200" is "0.015,0.025". Appends to
/// `out`, elements with commas between them; false, with anything appended, if a count is no
/// canonical number or they make no quotient.
[[nodiscard]] bool put_quotients(std::string_view counts, std::string_view total,
                                 QuotientStyle style, TextBuilder& out);

/// The style in which most of the frequencies, which are as many as counts and totals, follow from
/// these; nullopt if fewer than half do in any.
[[nodiscard]] std::optional<QuotientStyle> find_quotient_style(
    std::span<const std::string_view> frequencies, std::span<const std::string_view> counts,
    std::span<const std::string_view> totals);

}  // namespace cnf::vcfs3
