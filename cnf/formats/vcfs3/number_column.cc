// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/columns.h"
#include "cnf/formats/vcfs3/decimal.h"
#include "cnf/formats/vcfs3/integer_column.h"
#include "cnf/formats/vcfs3/quotients.h"
#include "cnf/formats/vcfs3/token_column.h"
#include "cnf/formats/vcfs3/token_column_internal.h"

namespace cnf::vcfs3 {
namespace {

/// How many elements a token has.
enum class Arity : std::uint8_t { one = 0, given = 1, expected = 2 };

/// How integers are numbers again.
///
/// fixed: the number of digits is told once. stripped: so many digits, zeros at the end left out.
/// each: every number has its own. split: one number of digits below 1, another from there on.
/// quotients: numerators of one denominator.
enum class Style : std::uint8_t { fixed = 0, stripped = 1, each = 2, split = 3, quotients = 4 };

struct Elements {
  std::vector<std::string_view> texts;
  std::vector<std::int64_t> arities;
};

using Contexts = std::span<const std::uint8_t>;

/// Each element has its token's context.
std::vector<std::uint8_t> element_contexts(Contexts contexts,
                                           std::span<const std::int64_t> arities) {
  std::vector<std::uint8_t> result;
  for (std::size_t i = 0; i < contexts.size(); ++i) {
    result.insert(result.end(), static_cast<std::size_t>(arities[i]), contexts[i]);
  }
  return result;
}

std::optional<Elements> elements_of(std::span<const std::string_view> tokens) {
  Elements result;
  for (std::string_view token : tokens) {
    const std::size_t before = result.texts.size();
    for (;;) {
      const std::size_t end = token.find(',');
      result.texts.push_back(token.substr(0, end));
      if (end == std::string_view::npos) break;
      token.remove_prefix(end + 1);
    }
    result.arities.push_back(static_cast<std::int64_t>(result.texts.size() - before));
    if (result.texts.size() > kMaxElements) return std::nullopt;
  }
  return result;
}

EncodedColumn encode_arities(const Elements& elements, std::span<const std::int64_t> expected,
                             const Sizer& sizer) {
  EncodedColumn column;
  if (elements.texts.size() == elements.arities.size()) {
    column.writer().put(static_cast<std::uint8_t>(Arity::one));
    return column;
  }
  column.writer().put(static_cast<std::uint8_t>(expected.empty() ? Arity::given : Arity::expected));
  std::vector<std::int64_t> differences = elements.arities;
  for (std::size_t i = 0; i < expected.size(); ++i) differences[i] -= expected[i];
  column.append(encode_integers(differences, sizer));
  return column;
}

EncodedColumn start(Style style) {
  EncodedColumn column;
  column.writer().put(static_cast<std::uint8_t>(style));
  return column;
}

std::optional<EncodedColumn> as_stripped(std::span<const Decimal> numbers, std::uint8_t scale,
                                         Contexts contexts, const Sizer& sizer) {
  std::vector<std::int64_t> values;
  for (const Decimal& number : numbers) {
    const std::int64_t power = power_of_ten(static_cast<unsigned>(scale - number.digits));
    if (number.digits > 0 && number.mantissa % 10 == 0) return std::nullopt;
    if (std::abs(number.mantissa) > power_of_ten(kMaxDecimalDigits) / power) return std::nullopt;
    values.push_back(number.mantissa * power);
  }
  EncodedColumn column = start(Style::stripped);
  column.writer().put(scale);
  column.append(encode_integers(values, sizer, contexts));
  return column;
}

bool is_below_one(const Decimal& number) {
  return std::abs(number.mantissa) < power_of_ten(number.digits);
}

/// Numbers below 1 have one number of digits and others another. Mantissas of the latter begin
/// where those of the former end, so that one tells which it is.
std::optional<EncodedColumn> as_split(std::span<const Decimal> numbers, Contexts contexts,
                                      const Sizer& sizer) {
  const auto below = std::ranges::find_if(numbers, is_below_one);
  const auto above = std::ranges::find_if_not(numbers, is_below_one);
  if (below == numbers.end() || above == numbers.end()) return std::nullopt;
  const std::int64_t shift = power_of_ten(below->digits) - power_of_ten(above->digits);
  std::vector<std::int64_t> values;
  for (const Decimal& number : numbers) {
    const bool is_below = is_below_one(number);
    if (number.digits != (is_below ? below->digits : above->digits)) return std::nullopt;
    const std::int64_t sign = number.mantissa < 0 ? -1 : 1;
    values.push_back(number.mantissa + (is_below ? 0 : sign * shift));
  }
  EncodedColumn column = start(Style::split);
  column.writer().put(below->digits);
  column.writer().put(above->digits);
  column.append(encode_integers(values, sizer, contexts));
  return column;
}

EncodedColumn as_mantissas(std::span<const Decimal> numbers, bool has_one_scale, Contexts contexts,
                           const Sizer& sizer) {
  std::vector<std::int64_t> mantissas;
  std::vector<std::int64_t> digits;
  for (const Decimal& number : numbers) {
    mantissas.push_back(number.mantissa);
    digits.push_back(number.digits);
  }
  EncodedColumn column = start(has_one_scale ? Style::fixed : Style::each);
  if (has_one_scale) {
    column.writer().put(numbers[0].digits);
  } else {
    column.append(encode_integers(digits, sizer, contexts));
  }
  column.append(encode_integers(mantissas, sizer, contexts));
  return column;
}

EncodedColumn encode_values(std::span<const Decimal> numbers, Contexts contexts,
                            const Sizer& sizer) {
  const auto [least, most] = std::ranges::minmax(numbers, {}, &Decimal::digits);
  const bool has_one_scale = least.digits == most.digits;
  if (has_one_scale) return as_mantissas(numbers, true, contexts, sizer);
  Smallest smallest(sizer);
  smallest.offer(as_mantissas(numbers, false, contexts, sizer));
  if (auto column = as_stripped(numbers, most.digits, contexts, sizer))
    smallest.offer(std::move(*column));
  if (auto column = as_split(numbers, contexts, sizer)) smallest.offer(std::move(*column));
  return std::move(smallest).take();
}

EncodedColumn with_exceptions(const Elements& elements, const TokenHints& hints,
                              std::span<const std::int64_t> indices, EncodedColumn values,
                              const Sizer& sizer) {
  EncodedColumn column;
  column.writer().put(static_cast<std::uint8_t>(TokenKind::numbers));
  column.writer().put_varint(elements.texts.size());
  column.append(encode_arities(elements, hints.expected, sizer));
  std::vector<std::string_view> texts;
  texts.reserve(indices.size());
  for (const std::int64_t index : indices) {
    texts.push_back(elements.texts[static_cast<std::size_t>(index)]);
  }
  column.append(encode_exceptions(indices, texts, sizer));
  column.append(std::move(values));
  return column;
}

std::optional<EncodedColumn> as_decimals(const Elements& elements, const TokenHints& hints,
                                         const Sizer& sizer) {
  std::vector<Decimal> numbers;
  std::vector<std::int64_t> indices;
  std::size_t missing = 0;
  for (std::size_t i = 0; i < elements.texts.size(); ++i) {
    if (const auto number = parse_decimal(elements.texts[i])) {
      numbers.push_back(*number);
    } else {
      indices.push_back(static_cast<std::int64_t>(i));
      if (elements.texts[i] == ".") ++missing;
    }
  }
  if (numbers.empty() || indices.size() - missing > numbers.size()) return std::nullopt;
  const std::vector<std::uint8_t> contexts =
      without(element_contexts(hints.contexts, elements.arities), indices);
  return with_exceptions(elements, hints, indices, encode_values(numbers, contexts, sizer), sizer);
}

std::optional<EncodedColumn> as_quotients(const Elements& elements, const TokenHints& hints,
                                          const Sizer& sizer) {
  const auto common = find_common_quotient(elements.texts);
  if (!common) return std::nullopt;
  std::vector<std::int64_t> numerators;
  std::vector<std::int64_t> indices;
  for (std::size_t i = 0; i < elements.texts.size(); ++i) {
    if (const auto numerator =
            numerator_of(elements.texts[i], common->denominator, common->style)) {
      numerators.push_back(*numerator);
    } else {
      indices.push_back(static_cast<std::int64_t>(i));
    }
  }
  EncodedColumn values = start(Style::quotients);
  values.writer().put_varint(static_cast<std::uint64_t>(common->denominator));
  values.writer().put(static_cast<std::uint8_t>(common->style.kind));
  values.writer().put(common->style.precision);
  values.append(encode_integers(
      numerators, sizer, without(element_contexts(hints.contexts, elements.arities), indices)));
  return with_exceptions(elements, hints, indices, std::move(values), sizer);
}

/// Numbers of a column, one after the other, as text.
class NumberDecoder {
 public:
  NumberDecoder(ColumnReader& in, std::size_t count, Contexts contexts) {
    const auto style = in.head.get<std::uint8_t>();
    if (style > static_cast<std::uint8_t>(Style::quotients)) in.head.fail("unknown kind of number");
    style_ = static_cast<Style>(style);
    if (style_ == Style::quotients) {
      denominator_ = static_cast<std::int64_t>(in.head.get_varint());
      const auto kind = in.head.get<std::uint8_t>();
      quotient_.precision = in.head.get<std::uint8_t>();
      if (kind > static_cast<std::uint8_t>(QuotientStyle::Kind::scientific) ||
          quotient_.precision > kMaxQuotientPrecision) {
        in.head.fail("unknown kind of quotient");
      }
      quotient_.kind = static_cast<QuotientStyle::Kind>(kind);
    } else if (style_ == Style::each) {
      each_ = decode_integers(in, count, contexts);
      for (const std::int64_t digits : each_) check_digits(digits, in.head);
    } else {
      digits_ = get_digits(in.head);
      if (style_ == Style::split) above_ = get_digits(in.head);
    }
    values_ = decode_integers(in, count, contexts);
  }

  void put_next(TextBuilder& out) {
    const std::int64_t value = values_[next_];
    if (style_ == Style::quotients) {
      out.used(render_quotient(value, denominator_, quotient_, out.room(kQuotientBytes)));
    } else {
      out.used(render_decimal(number(value), out.room(kDecimalBytes)));
    }
    ++next_;
  }

 private:
  static void check_digits(std::int64_t digits, const ByteReader& head) {
    if (digits < 0 || digits > kMaxDecimalDigits) head.fail("a number has too many digits");
  }
  static std::uint8_t get_digits(ByteReader& head) {
    const auto digits = head.get<std::uint8_t>();
    check_digits(digits, head);
    return digits;
  }

  [[nodiscard]] Decimal number(std::int64_t value) const {
    switch (style_) {
      case Style::each:
        return {value, static_cast<std::uint8_t>(each_[next_])};
      case Style::stripped: {
        Decimal number{value, digits_};
        for (; number.digits > 0 && number.mantissa % 10 == 0; --number.digits) {
          number.mantissa /= 10;
        }
        return number;
      }
      case Style::split: {
        const std::int64_t limit = power_of_ten(digits_);
        if (value > -limit && value < limit) return {value, digits_};
        const std::int64_t shift = power_of_ten(above_) - limit;  // values are beyond the limit
        return {value < 0 ? value - shift : value + shift, above_};
      }
      default:
        return {value, digits_};
    }
  }

  Style style_ = Style::fixed;
  std::uint8_t digits_ = 0;
  std::uint8_t above_ = 0;
  std::int64_t denominator_ = 0;
  QuotientStyle quotient_;
  std::vector<std::int64_t> each_;
  std::vector<std::int64_t> values_;
  std::size_t next_ = 0;
};

std::vector<std::int64_t> decode_arities(ColumnReader& in, std::size_t count, std::size_t elements,
                                         std::span<const std::int64_t> expected) {
  const auto arity = in.head.get<std::uint8_t>();
  if (arity > static_cast<std::uint8_t>(Arity::expected)) in.head.fail("unknown kind of arity");
  std::vector<std::int64_t> arities;
  if (arity == static_cast<std::uint8_t>(Arity::one)) {
    arities.assign(count, 1);
  } else {
    arities = decode_integers(in, count);
  }
  std::uint64_t left = elements;
  for (std::size_t i = 0; i < count; ++i) {
    if (arity == static_cast<std::uint8_t>(Arity::expected)) {
      if (expected.size() != count) in.head.fail("nothing says how many numbers there are");
      arities[i] = static_cast<std::int64_t>(static_cast<std::uint64_t>(arities[i]) +
                                             static_cast<std::uint64_t>(expected[i]));
    }
    if (arities[i] < 1 || static_cast<std::uint64_t>(arities[i]) > left) {
      in.head.fail("tokens have more numbers than there are");
    }
    left -= static_cast<std::uint64_t>(arities[i]);
  }
  if (left > 0) in.head.fail("there are more numbers than tokens have");
  return arities;
}

}  // namespace

std::optional<EncodedColumn> encode_numbers(std::span<const std::string_view> tokens,
                                            const TokenHints& hints, const Sizer& sizer) {
  const std::optional<Elements> elements = elements_of(tokens);
  if (!elements) return std::nullopt;
  std::optional<EncodedColumn> decimals = as_decimals(*elements, hints, sizer);
  std::optional<EncodedColumn> quotients = as_quotients(*elements, hints, sizer);
  if (!decimals || !quotients) return decimals ? std::move(decimals) : std::move(quotients);
  return sizer.size(*quotients) < sizer.size(*decimals) ? std::move(quotients)
                                                        : std::move(decimals);
}

Tokens decode_numbers(ColumnReader& in, std::size_t count, const TokenHints& hints,
                      unsigned depth) {
  const std::uint64_t elements = in.head.get_varint();
  if (elements > kMaxElements) in.head.fail("too many numbers");
  const std::vector<std::int64_t> arities = decode_arities(in, count, elements, hints.expected);
  const Exceptions exceptions = decode_exceptions_at(in, elements, depth + 1);
  if (!hints.contexts.empty() && hints.contexts.size() != count) {
    in.head.fail("nothing foretells these values");
  }
  NumberDecoder numbers(in, elements - exceptions.indices.size(),
                        without(element_contexts(hints.contexts, arities), exceptions.indices));
  TextBuilder text(count);
  std::size_t element = 0;
  std::size_t exception = 0;
  for (const std::int64_t arity : arities) {
    for (std::int64_t i = 0; i < arity; ++i, ++element) {
      if (i > 0) text.put(',');
      if (exception < exceptions.indices.size() &&
          static_cast<std::size_t>(exceptions.indices[exception]) == element) {
        text.put(exceptions.tokens.texts[exception++]);
      } else {
        numbers.put_next(text);
      }
    }
    text.end_token();
    if (text.size() > kMaxColumnText) in.head.fail("a column is too long");
  }
  return std::move(text).take();
}

}  // namespace cnf::vcfs3
