// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/token_column.h"

namespace cnf::vcfs3 {

// What a column's first byte says; the values stand on disk.
enum class TokenKind : std::uint8_t {
  constant = 0,
  lines = 1,
  blobs = 2,
  dictionary = 3,
  prefixed = 4,
  numbers = 5,
  parts = 6,
  scientific = 7,
};

/// Columns within columns go no deeper: a column, its parts, their exceptions. Parts have no parts.
inline constexpr unsigned kMaxColumnDepth = 3;

[[nodiscard]] EncodedColumn encode_tokens_at(std::span<const std::string_view> tokens,
                                             const Sizer& sizer, const TokenHints& hints,
                                             unsigned depth);
[[nodiscard]] Tokens decode_tokens_at(ColumnReader& in, std::size_t count, const TokenHints& hints,
                                      unsigned depth);
[[nodiscard]] Exceptions decode_exceptions_at(ColumnReader& in, std::size_t count, unsigned depth);

/// Contexts without those of the exceptions, whose indices ascend; empty if `contexts` is.
[[nodiscard]] std::vector<std::uint8_t> without(std::span<const std::uint8_t> contexts,
                                                std::span<const std::int64_t> indices);

/// Puts exceptions between tokens that follow the rule.
[[nodiscard]] Tokens merge(Tokens regular, Exceptions exceptions);

/// Numbers as printf's "%.5e" writes them, as a column of plain ones; nullopt if few are.
[[nodiscard]] std::optional<EncodedColumn> encode_scientific(
    std::span<const std::string_view> tokens, const TokenHints& hints, const Sizer& sizer,
    unsigned depth);
[[nodiscard]] Tokens decode_scientific(ColumnReader& in, std::size_t count, const TokenHints& hints,
                                       unsigned depth);

/// nullopt if too few of the tokens are numbers.
[[nodiscard]] std::optional<EncodedColumn> encode_numbers(std::span<const std::string_view> tokens,
                                                          const TokenHints& hints,
                                                          const Sizer& sizer);
[[nodiscard]] Tokens decode_numbers(ColumnReader& in, std::size_t count, const TokenHints& hints,
                                    unsigned depth);

/// Texts that are put together one behind the other, and become tokens in the end.
class TextBuilder {
 public:
  explicit TextBuilder(std::size_t count) { ends_.reserve(count); }
  /// Room for `size` more bytes; `used` says how many of them it became.
  [[nodiscard]] char* room(std::size_t size);
  void used(const char* end) { size_ = static_cast<std::size_t>(end - begin()); }
  void put(std::string_view text);
  void put(char c) { *room(1) = c, ++size_; }
  void end_token() { ends_.push_back(size_); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] Tokens take() &&;

 private:
  [[nodiscard]] const char* begin() const { return reinterpret_cast<const char*>(text_.data()); }
  Buffer text_;
  std::size_t size_ = 0;
  std::vector<std::size_t> ends_;
};

}  // namespace cnf::vcfs3
