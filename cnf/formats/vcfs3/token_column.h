// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/columns.h"

namespace cnf::vcfs3 {

/// Texts of a column, with the bytes they view. Move-only; moving leaves the views valid.
struct Tokens {
  std::vector<std::string_view> texts = {};
  std::vector<Buffer> owned = {};
};

/// What a reader knows of each token of a column before it reads it; either may be empty.
struct TokenHints {
  /// How many elements each is likely to have, such as the number of its record's ALT alleles.
  std::span<const std::int64_t> expected = {};
  /// What foretells each; below kMaxContexts. Used if the column's uses_contexts says so.
  std::span<const std::uint8_t> contexts = {};
};

/// Text tokens (of one INFO key, of ID, of QUAL …) as a column, exactly, whatever they hold.
///
/// Takes the smallest of: one text; a text and a newline each; a dictionary; a prefix and a number
/// ("rs123"); numbers, also several with commas between them, as mantissa and digits; fixed numbers
/// of parts that are columns themselves. A token is typed only if rendering gives the same bytes;
/// others are exceptions and are kept as text (SPEC.md, "Tokens").
[[nodiscard]] EncodedColumn encode_tokens(std::span<const std::string_view> tokens,
                                          const Sizer& sizer, const TokenHints& hints = {});

/// \param count  of tokens; must be bounded by the caller.
/// \param hints  as when the column was encoded.
/// Throws Error corrupt_data. No more memory is taken than kMaxColumnText and what the streams
/// hold.
[[nodiscard]] Tokens decode_tokens(ColumnReader& in, std::size_t count,
                                   const TokenHints& hints = {});

/// Tokens of a column that follow no rule: where they are, ascending, and what they are.
struct Exceptions {
  std::vector<std::int64_t> indices = {};
  Tokens tokens = {};
};
[[nodiscard]] EncodedColumn encode_exceptions(std::span<const std::int64_t> indices,
                                              std::span<const std::string_view> texts,
                                              const Sizer& sizer);
/// Indices come ascending and below `count`.
[[nodiscard]] Exceptions decode_exceptions(ColumnReader& in, std::size_t count);

/// Rendered text of a column is at most so long; a longer one is kept as text.
inline constexpr std::size_t kMaxColumnText = std::size_t{16} << 20;
/// A column has at most so many numbers.
inline constexpr std::size_t kMaxElements = std::size_t{1} << 22;

}  // namespace cnf::vcfs3
