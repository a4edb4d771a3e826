// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/token_column.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/decimal.h"
#include "cnf/formats/vcfs3/integer_column.h"
#include "cnf/formats/vcfs3/token_column_internal.h"

namespace cnf::vcfs3 {
namespace {

using Texts = std::span<const std::string_view>;
using Contexts = std::span<const std::uint8_t>;

// Parts are worth a try with these between them, and no more of them than that.
constexpr std::string_view kSeparators = ",|:/";
constexpr std::size_t kMaxParts = 64;
// Tokens that a rule does not fit may be this share of all: 1 in so many.
constexpr std::size_t kExceptionShare = 4;

EncodedColumn start(TokenKind kind) {
  EncodedColumn column;
  column.writer().put(static_cast<std::uint8_t>(kind));
  return column;
}

Buffer lines_of(Texts texts) {
  std::size_t size = texts.size();
  for (const std::string_view text : texts) size += text.size();
  Buffer bytes(size);
  auto* to = reinterpret_cast<char*>(bytes.data());
  for (const std::string_view text : texts) {
    to = std::ranges::copy(text, to).out;
    *to++ = '\n';
  }
  return bytes;
}

EncodedColumn as_lines(Texts tokens) {
  EncodedColumn column = start(TokenKind::lines);
  column.add(lines_of(tokens));
  return column;
}

EncodedColumn as_blobs(Texts tokens, const Sizer& sizer) {
  EncodedColumn column = start(TokenKind::blobs);
  std::vector<std::int64_t> sizes;
  Buffer bytes;
  for (const std::string_view token : tokens) {
    sizes.push_back(static_cast<std::int64_t>(token.size()));
    bytes.append(as_bytes(token));
  }
  column.append(encode_integers(sizes, sizer));
  column.add(std::move(bytes));
  return column;
}

/// Distinct tokens in the order of their first appearance, and which each token is.
struct Dictionary {
  std::vector<std::string_view> texts;
  std::vector<std::int64_t> ids;
};
Dictionary dictionary_of(Texts tokens) {
  Dictionary result;
  std::unordered_map<std::string_view, std::int64_t> known;
  for (const std::string_view token : tokens) {
    const auto [place, is_new] =
        known.try_emplace(token, static_cast<std::int64_t>(result.texts.size()));
    if (is_new) result.texts.push_back(token);
    result.ids.push_back(place->second);
  }
  return result;
}

EncodedColumn as_dictionary(const Dictionary& dictionary, const Contexts& contexts,
                            const Sizer& sizer) {
  EncodedColumn column = start(TokenKind::dictionary);
  column.writer().put_varint(dictionary.texts.size());
  column.add(lines_of(dictionary.texts));
  column.append(encode_integers(dictionary.ids, sizer, contexts));
  return column;
}

/// The token without the digits at its end.
std::string_view prefix_of(std::string_view token) {
  return token.substr(0, token.find_last_not_of("0123456789") + 1);
}

std::optional<std::int64_t> number_behind(std::string_view prefix, std::string_view token) {
  if (!token.starts_with(prefix)) return std::nullopt;
  const auto number = parse_decimal(token.substr(prefix.size()));
  if (!number || number->digits > 0 || number->mantissa < 0) return std::nullopt;
  return number->mantissa;
}

std::optional<EncodedColumn> as_prefixed(Texts tokens, const Contexts& contexts,
                                         const Sizer& sizer) {
  const auto* const first =
      std::ranges::find_if(tokens.begin().base(), tokens.end().base(), [](std::string_view token) {
        return !prefix_of(token).empty() && prefix_of(token) != token;
      });
  if (first == tokens.end().base()) return std::nullopt;
  const std::string_view prefix = prefix_of(*first);
  std::vector<std::int64_t> numbers;
  std::vector<std::int64_t> indices;
  std::vector<std::string_view> texts;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (const auto number = number_behind(prefix, tokens[i])) {
      numbers.push_back(*number);
    } else {
      indices.push_back(static_cast<std::int64_t>(i));
      texts.push_back(tokens[i]);
    }
  }
  if (numbers.size() < tokens.size() / kExceptionShare) return std::nullopt;
  EncodedColumn column = start(TokenKind::prefixed);
  column.writer().put_string(prefix);
  column.append(encode_exceptions(indices, texts, sizer));
  column.append(encode_integers(numbers, sizer, without(contexts, indices)));
  return column;
}

std::size_t parts_of(std::string_view token, char separator) {
  return static_cast<std::size_t>(std::ranges::count(token, separator)) + 1;
}

/// As columns of parts, if most tokens have one number of them.
std::optional<EncodedColumn> as_parts(Texts tokens, char separator, const Contexts& contexts,
                                      const Sizer& sizer, unsigned depth) {
  const std::size_t count = parts_of(tokens[tokens.size() / 2], separator);
  if (count < 2 || count > kMaxParts) return std::nullopt;
  std::vector<std::vector<std::string_view>> parts(count);
  std::vector<std::int64_t> indices;
  std::vector<std::string_view> texts;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::string_view rest = tokens[i];
    if (parts_of(rest, separator) != count) {
      indices.push_back(static_cast<std::int64_t>(i));
      texts.push_back(rest);
      if (texts.size() > tokens.size() / kExceptionShare) return std::nullopt;
      continue;
    }
    for (std::vector<std::string_view>& part : parts) {
      const std::size_t end = std::min(rest.find(separator), rest.size());
      part.push_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  EncodedColumn column = start(TokenKind::parts);
  column.writer().put(separator);
  column.writer().put_varint(count);
  column.append(encode_exceptions(indices, texts, sizer));
  const std::vector<std::uint8_t> regular = without(contexts, indices);
  for (const std::vector<std::string_view>& part : parts) {
    column.append(encode_tokens_at(part, sizer, {.contexts = regular}, depth + 1));
  }
  return column;
}

/// As one of the kinds that hold any text without a rule.
EncodedColumn as_texts(Texts tokens, const Dictionary& dictionary, const Contexts& contexts,
                       const Sizer& sizer) {
  if (dictionary.texts.size() <= 1) {
    EncodedColumn column = start(TokenKind::constant);
    column.writer().put_string(tokens.empty() ? std::string_view() : tokens[0]);
    return column;
  }
  const auto has_newline = [](std::string_view text) { return text.find('\n') != text.npos; };
  if (std::ranges::any_of(dictionary.texts, has_newline)) return as_blobs(tokens, sizer);
  Smallest smallest(sizer);
  if (dictionary.texts.size() <= tokens.size() / 2) {
    smallest.offer(as_dictionary(dictionary, contexts, sizer));
    // Tokens that seldom repeat may be smaller as text; few that often do are not.
    if (dictionary.texts.size() <= 16) return std::move(smallest).take();
  }
  smallest.offer(as_lines(tokens));
  return std::move(smallest).take();
}

Tokens decode_lines(Buffer text, std::size_t count, const ByteReader& head) {
  Tokens tokens;
  tokens.texts.reserve(count);
  std::string_view rest = as_text(text);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) head.fail("a column has too few texts");
    tokens.texts.push_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  if (!rest.empty()) head.fail("a column has too many texts");
  tokens.owned.push_back(std::move(text));
  return tokens;
}

Tokens decode_blobs(ColumnReader& in, std::size_t count) {
  const std::vector<std::int64_t> sizes = decode_integers(in, count);
  Buffer bytes = in.take();
  Tokens tokens;
  std::string_view rest = as_text(bytes);
  for (const std::int64_t size : sizes) {
    if (size < 0 || static_cast<std::uint64_t>(size) > rest.size()) {
      in.head.fail("a text is longer than its column");
    }
    tokens.texts.push_back(rest.substr(0, static_cast<std::size_t>(size)));
    rest.remove_prefix(static_cast<std::size_t>(size));
  }
  if (!rest.empty()) in.head.fail("a column has more bytes than texts");
  tokens.owned.push_back(std::move(bytes));
  return tokens;
}

Tokens decode_dictionary(ColumnReader& in, std::size_t count, const Contexts& contexts) {
  const std::uint64_t distinct = in.head.get_varint();
  if (distinct > count) in.head.fail("a dictionary is larger than its column");
  Tokens dictionary = decode_lines(in.take(), distinct, in.head);
  Tokens tokens;
  tokens.texts.reserve(count);
  for (const std::int64_t id : decode_integers(in, count, contexts)) {
    if (id < 0 || static_cast<std::uint64_t>(id) >= distinct) {
      in.head.fail("an id is beyond its dictionary");
    }
    tokens.texts.push_back(dictionary.texts[static_cast<std::size_t>(id)]);
  }
  tokens.owned = std::move(dictionary.owned);
  return tokens;
}

Tokens decode_prefixed(ColumnReader& in, std::size_t count, const Contexts& contexts,
                       unsigned depth) {
  const std::string_view prefix = in.head.get_string();
  Exceptions exceptions = decode_exceptions_at(in, count, depth + 1);
  const std::size_t regular = count - exceptions.indices.size();
  if (prefix.size() > kMaxColumnText / (regular + 1)) in.head.fail("a prefix is too long");
  TextBuilder text(regular);
  const std::vector<std::uint8_t> foretold = without(contexts, exceptions.indices);
  for (const std::int64_t number : decode_integers(in, regular, foretold)) {
    text.put(prefix);
    text.used(render_decimal({.mantissa = number}, text.room(kDecimalBytes)));
    text.end_token();
  }
  return merge(std::move(text).take(), std::move(exceptions));
}

Tokens decode_parts(ColumnReader& in, std::size_t count, const Contexts& contexts, unsigned depth) {
  const auto separator = in.head.get<char>();
  const std::uint64_t parts = in.head.get_varint();
  if (parts > kMaxParts || depth > 0) in.head.fail("too many parts");
  Exceptions exceptions = decode_exceptions_at(in, count, depth + 1);
  const std::size_t regular = count - exceptions.indices.size();
  const std::vector<std::uint8_t> foretold = without(contexts, exceptions.indices);
  std::vector<Tokens> columns;
  for (std::uint64_t i = 0; i < parts; ++i) {
    columns.push_back(decode_tokens_at(in, regular, {.contexts = foretold}, depth + 1));
  }
  TextBuilder text(regular);
  for (std::size_t i = 0; i < regular; ++i) {
    for (std::size_t part = 0; part < columns.size(); ++part) {
      if (part > 0) text.put(separator);
      text.put(columns[part].texts[i]);
    }
    text.end_token();
    if (text.size() > kMaxColumnText) in.head.fail("a column is too long");
  }
  return merge(std::move(text).take(), std::move(exceptions));
}

}  // namespace

char* TextBuilder::room(std::size_t size) {
  if (text_.size() < size_ + size) text_.resize(std::max(2 * text_.size(), size_ + size + 1024));
  return reinterpret_cast<char*>(text_.data()) + size_;
}

void TextBuilder::put(std::string_view text) {
  if (text.empty()) return;
  std::memcpy(room(text.size()), text.data(), text.size());
  size_ += text.size();
}

Tokens TextBuilder::take() && {
  Tokens tokens;
  tokens.texts.reserve(ends_.size());
  std::size_t start = 0;
  for (const std::size_t end : ends_) {
    tokens.texts.emplace_back(begin() + start, end - start);
    start = end;
  }
  tokens.owned.push_back(std::move(text_));
  return tokens;
}

std::vector<std::uint8_t> without(std::span<const std::uint8_t> contexts,
                                  std::span<const std::int64_t> indices) {
  std::vector<std::uint8_t> rest;
  if (contexts.empty()) return rest;
  rest.reserve(contexts.size() - indices.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    if (next < indices.size() && static_cast<std::size_t>(indices[next]) == i) {
      ++next;
    } else {
      rest.push_back(contexts[i]);
    }
  }
  return rest;
}

EncodedColumn encode_exceptions(std::span<const std::int64_t> indices, Texts texts,
                                const Sizer& sizer) {
  EncodedColumn column;
  column.writer().put_varint(indices.size());
  if (indices.empty()) return column;
  column.append(encode_integers(indices, sizer));
  column.append(as_texts(texts, dictionary_of(texts), {}, sizer));
  return column;
}

Exceptions decode_exceptions_at(ColumnReader& in, std::size_t count, unsigned depth) {
  Exceptions exceptions;
  const std::uint64_t number = in.head.get_varint();
  if (number > count) in.head.fail("more exceptions than tokens");
  if (number == 0) return exceptions;
  exceptions.indices = decode_integers(in, number);
  std::int64_t last = -1;
  for (const std::int64_t index : exceptions.indices) {
    if (index <= last || static_cast<std::uint64_t>(index) >= count) {
      in.head.fail("exceptions are not in order");
    }
    last = index;
  }
  exceptions.tokens = decode_tokens_at(in, number, {}, depth);
  return exceptions;
}

Exceptions decode_exceptions(ColumnReader& in, std::size_t count) {
  return decode_exceptions_at(in, count, 1);
}

EncodedColumn encode_tokens_at(Texts tokens, const Sizer& sizer, const TokenHints& hints,
                               unsigned depth) {
  const Dictionary dictionary = dictionary_of(tokens);
  std::size_t text_size = 0;
  for (const std::string_view token : tokens) text_size += token.size();
  if (dictionary.texts.size() <= 1 || text_size > kMaxColumnText) {
    return as_texts(tokens, dictionary, hints.contexts, sizer);
  }
  Smallest smallest(sizer);
  smallest.offer(as_texts(tokens, dictionary, hints.contexts, sizer));
  if (auto column = encode_numbers(tokens, hints, sizer)) smallest.offer(std::move(*column));
  if (auto column = as_prefixed(tokens, hints.contexts, sizer)) smallest.offer(std::move(*column));
  if (depth > 0) return std::move(smallest).take();
  if (auto column = encode_scientific(tokens, hints, sizer, depth)) {
    smallest.offer(std::move(*column));
  }
  for (const char separator : kSeparators) {
    if (auto column = as_parts(tokens, separator, hints.contexts, sizer, depth))
      smallest.offer(std::move(*column));
  }
  return std::move(smallest).take();
}

Tokens merge(Tokens regular, Exceptions exceptions) {
  if (exceptions.indices.empty()) return regular;
  Tokens all;
  all.texts.reserve(regular.texts.size() + exceptions.indices.size());
  auto next = regular.texts.begin();
  for (std::size_t i = 0; i < exceptions.indices.size(); ++i) {
    const auto before = static_cast<std::size_t>(exceptions.indices[i]) - all.texts.size();
    all.texts.insert(all.texts.end(), next, next + static_cast<std::ptrdiff_t>(before));
    next += static_cast<std::ptrdiff_t>(before);
    all.texts.push_back(exceptions.tokens.texts[i]);
  }
  all.texts.insert(all.texts.end(), next, regular.texts.end());
  all.owned = std::move(regular.owned);
  std::ranges::move(exceptions.tokens.owned, std::back_inserter(all.owned));
  return all;
}

EncodedColumn encode_tokens(Texts tokens, const Sizer& sizer, const TokenHints& hints) {
  return encode_tokens_at(tokens, sizer, hints, 0);
}

Tokens decode_tokens_at(ColumnReader& in, std::size_t count, const TokenHints& hints,
                        unsigned depth) {
  if (depth >= kMaxColumnDepth) in.head.fail("columns within columns are too deep");
  switch (static_cast<TokenKind>(in.head.get<std::uint8_t>())) {
    case TokenKind::constant: {
      Tokens tokens;
      tokens.texts.assign(count, in.head.get_string());
      return tokens;
    }
    case TokenKind::lines:
      return decode_lines(in.take(), count, in.head);
    case TokenKind::blobs:
      return decode_blobs(in, count);
    case TokenKind::dictionary:
      return decode_dictionary(in, count, hints.contexts);
    case TokenKind::prefixed:
      return decode_prefixed(in, count, hints.contexts, depth);
    case TokenKind::numbers:
      return decode_numbers(in, count, hints, depth);
    case TokenKind::parts:
      return decode_parts(in, count, hints.contexts, depth);
    case TokenKind::scientific:
      return decode_scientific(in, count, hints, depth);
  }
  in.head.fail("unknown kind of column");
}

Tokens decode_tokens(ColumnReader& in, std::size_t count, const TokenHints& hints) {
  return decode_tokens_at(in, count, hints, 0);
}

}  // namespace cnf::vcfs3
