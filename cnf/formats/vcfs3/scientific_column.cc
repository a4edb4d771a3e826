// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/scientific.h"
#include "cnf/formats/vcfs3/token_column.h"
#include "cnf/formats/vcfs3/token_column_internal.h"

namespace cnf::vcfs3 {
namespace {

// Tokens that a rule does not fit may be this share of all: 1 in so many.
constexpr std::size_t kExceptionShare = 4;

/// Puts every element of a token, with the commas between them.
template <typename Put>
void put_elements(std::string_view token, TextBuilder& out, const Put& put) {
  for (;;) {
    const std::size_t end = token.find(',');
    put(token.substr(0, end), out);
    if (end == std::string_view::npos) return;
    out.put(',');
    token.remove_prefix(end + 1);
  }
}

Tokens plain_tokens(std::span<const std::string_view> tokens) {
  TextBuilder text(tokens.size());
  for (const std::string_view token : tokens) {
    put_elements(token, text, put_plain);
    text.end_token();
  }
  return std::move(text).take();
}

Tokens scientific_tokens(std::span<const std::string_view> plain, unsigned digits,
                         const ByteReader* head) {
  TextBuilder text(plain.size());
  for (const std::string_view token : plain) {
    put_elements(token, text, [digits](std::string_view element, TextBuilder& out) {
      put_scientific(element, digits, out);
    });
    text.end_token();
    if (head != nullptr && text.size() > kMaxColumnText) head->fail("a column is too long");
  }
  return std::move(text).take();
}

/// Of the first of a few tokens, taken from all over, that are written so.
std::optional<unsigned> common_digits(std::span<const std::string_view> tokens) {
  for (std::size_t i = 0; i < 8; ++i) {
    const std::string_view token = tokens[tokens.size() * i / 8];
    if (const auto digits = scientific_digits(token.substr(0, token.find(',')))) return digits;
  }
  return std::nullopt;
}

std::vector<std::int64_t> expected_without(std::span<const std::int64_t> expected,
                                           std::span<const std::int64_t> indices) {
  std::vector<std::int64_t> rest;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!std::ranges::binary_search(indices, static_cast<std::int64_t>(i))) {
      rest.push_back(expected[i]);
    }
  }
  return rest;
}

}  // namespace

std::optional<EncodedColumn> encode_scientific(std::span<const std::string_view> tokens,
                                               const TokenHints& hints, const Sizer& sizer,
                                               unsigned depth) {
  const std::optional<unsigned> digits = common_digits(tokens);
  if (!digits) return std::nullopt;
  const Tokens plain = plain_tokens(tokens);
  const Tokens again = scientific_tokens(plain.texts, *digits, nullptr);
  std::vector<std::int64_t> indices;
  std::vector<std::string_view> exceptions;
  std::vector<std::string_view> regular;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (again.texts[i] == tokens[i]) {
      regular.push_back(plain.texts[i]);
    } else {
      indices.push_back(static_cast<std::int64_t>(i));
      exceptions.push_back(tokens[i]);
    }
  }
  if (exceptions.size() > tokens.size() / kExceptionShare) return std::nullopt;
  EncodedColumn column;
  column.writer().put(static_cast<std::uint8_t>(TokenKind::scientific));
  column.writer().put(static_cast<std::uint8_t>(*digits));
  column.append(encode_exceptions(indices, exceptions, sizer));
  const std::vector<std::int64_t> expected = expected_without(hints.expected, indices);
  const std::vector<std::uint8_t> contexts = without(hints.contexts, indices);
  column.append(encode_tokens_at(regular, sizer, {expected, contexts}, depth + 1));
  return column;
}

Tokens decode_scientific(ColumnReader& in, std::size_t count, const TokenHints& hints,
                         unsigned depth) {
  const auto digits = in.head.get<std::uint8_t>();
  if (digits > kMaxScientificDigits || depth > 0) in.head.fail("unknown kind of number");
  Exceptions exceptions = decode_exceptions_at(in, count, depth + 1);
  const std::vector<std::int64_t> expected = expected_without(hints.expected, exceptions.indices);
  const std::vector<std::uint8_t> contexts = without(hints.contexts, exceptions.indices);
  const Tokens plain =
      decode_tokens_at(in, count - exceptions.indices.size(), {expected, contexts}, depth + 1);
  return merge(scientific_tokens(plain.texts, digits, &in.head), std::move(exceptions));
}

}  // namespace cnf::vcfs3
