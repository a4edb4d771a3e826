// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace cnf::vcfs3 {

class TextBuilder;

/// More digits behind the point than a double needs are not looked for.
inline constexpr unsigned kMaxScientificDigits = 17;

/// The digits behind the point of "-1.23400e-05" (here 5), as printf's "%.5e" writes it; nullopt
/// for any other text.
[[nodiscard]] std::optional<unsigned> scientific_digits(std::string_view text) noexcept;

/// Appends the same number without an exponent and without zeros at its end: "-0.00001234". A text
/// that scientific_digits() does not take, or with an exponent beyond 20, is appended as it is.
void put_plain(std::string_view scientific, TextBuilder& out);

/// Undoes put_plain(): appends a number without an exponent as "%.<digits>e" writes it. A text that
/// is none, or that has more digits than that, is appended as it is.
void put_scientific(std::string_view plain, unsigned digits, TextBuilder& out);

}  // namespace cnf::vcfs3
