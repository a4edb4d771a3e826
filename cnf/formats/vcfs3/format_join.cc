// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/format_cells.h"
#include "cnf/formats/vcfs3/format_columns_internal.h"
#include "cnf/formats/vcfs3/format_tile.h"

namespace cnf::vcfs3 {
namespace {

[[noreturn]] void throw_corrupt(std::string_view subject, std::string_view why) {
  throw Error(Errc::corrupt_data, "decode", subject, why);
}

/// Text that grows in steps, so that characters cost a store and not a call.
class TextWriter {
 public:
  explicit TextWriter(std::string_view subject) : subject_(subject) {}

  /// Room for `size` characters, of which advance() takes some.
  [[nodiscard]] char* reserve(std::size_t size) {
    if (text_.size() - used_ < size) grow(size);
    return reinterpret_cast<char*>(text_.data()) + used_;
  }
  void advance_to(const char* end) noexcept {
    used_ = static_cast<std::size_t>(end - reinterpret_cast<const char*>(text_.data()));
  }
  void put(char c) {
    char* const at = reserve(1);
    *at = c;
    advance_to(at + 1);
  }
  void put(std::string_view text) {
    char* const at = reserve(text.size());
    std::ranges::copy(text, at);
    advance_to(at + text.size());
  }
  [[nodiscard]] std::size_t size() const noexcept { return used_; }
  [[nodiscard]] Buffer finish() {
    text_.resize(used_);
    return std::move(text_);
  }

 private:
  void grow(std::size_t size) {
    if (used_ + size > kMaxFormatText) throw_corrupt(subject_, "its text is too long");
    text_.resize(std::max(used_ + size, std::min<std::size_t>(used_ * 2 + 4096, kMaxFormatText)));
  }

  std::string_view subject_;
  Buffer text_;
  std::size_t used_ = 0;
};

/// The longest number: a sign, "0.", kMaxDecimals digits; or nine digits and a point.
constexpr std::size_t kLongestNumber = kMaxDecimals + 10;

char* print(std::uint32_t magnitude, std::uint32_t decimals, char* out) noexcept {
  std::array<char, kLongestNumber> digits{};
  std::size_t count = 0;
  do {
    digits[count++] = static_cast<char>('0' + magnitude % 10);
    magnitude /= 10;
  } while (magnitude != 0);
  while (count <= decimals) digits[count++] = '0';
  while (count > decimals) *out++ = digits[--count];
  if (decimals == 0) return out;
  *out++ = '.';
  while (count > 0) *out++ = digits[--count];
  return out;
}

/// Prints the fields of a column one after another.
class ColumnPrinter {
 public:
  ColumnPrinter(const FieldColumn& column, std::size_t samples, std::string_view subject)
      : column_(column),
        subject_(subject),
        has_decimals_(column.has_decimals()),
        last_of_sample_(column.text_codes.empty() ? 0 : samples, kNone) {}

  void print_next(std::size_t sample, TextWriter& out) {
    const std::uint32_t arity = column_.arities[field_++];
    for (std::uint32_t e = 0; e < arity; ++e) {
      if (e != 0) out.put(',');
      const std::size_t place = std::min<std::size_t>(e, kOwnPlaces);
      const std::size_t i = cursors_[place]++;
      const std::uint32_t symbol = column_.places[place][i];
      if (symbol >= kNumberSymbol) {
        print_number(symbol - kNumberSymbol, has_decimals_ ? column_.decimals[place][i] : 0, out);
      } else if (symbol == kMissingSymbol) {
        out.put('.');
      } else {
        out.put(next_text(sample));
      }
    }
  }

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  void print_number(std::uint32_t value, std::uint32_t decimals, TextWriter& out) const {
    char* at = out.reserve(kLongestNumber + 1);
    if (column_.has_signs) {
      if ((value & 1U) != 0) *at++ = '-';
      value >>= 1U;
    }
    out.advance_to(print(value, decimals, at));
  }

  std::string_view next_text(std::size_t sample) {
    const std::uint32_t code = column_.text_codes[text_++];
    std::uint32_t index = 0;
    if (code == kNewText) {
      index = seen_++;
    } else if (code == kPreviousText) {
      index = last_;
    } else if (code == kSamplesOwnText) {
      index = last_of_sample_[sample];
    } else {
      index = code - kFirstTextCode;
    }
    if (index >= seen_ || index >= column_.texts.size()) {
      throw_corrupt(subject_, "a field refers to a text that is not there");
    }
    last_ = index;
    last_of_sample_[sample] = index;
    return column_.texts[index];
  }

  const FieldColumn& column_;
  std::string_view subject_;
  bool has_decimals_;
  std::array<std::size_t, kPlaces> cursors_ = {};
  std::size_t field_ = 0, text_ = 0;
  std::uint32_t seen_ = 0, last_ = kNone;
  std::vector<std::uint32_t> last_of_sample_;
};

}  // namespace

bool FieldColumn::has_decimals() const noexcept {
  return std::ranges::any_of(decimals, [](const auto& place) { return !place.empty(); });
}

std::vector<std::uint32_t> FieldColumn::text_cells() const {
  std::vector<std::uint32_t> result;
  std::array<std::size_t, kPlaces> cursors = {};
  for (std::size_t i = 0; i < cells.size(); ++i) {
    for (std::uint32_t e = 0; e < arities[i]; ++e) {
      const std::size_t place = std::min<std::size_t>(e, kOwnPlaces);
      if (places[place][cursors[place]++] == kTextSymbol) result.push_back(cells[i]);
    }
  }
  return result;
}

std::size_t fields_of(const FieldLayout& layout, std::uint32_t lacking) noexcept {
  const std::size_t named = layout.columns.size();
  return lacking > named ? named + 1 : named - lacking;
}

FormatCells join_fields(const FieldTable& table, const FieldLayouts& layouts,
                        std::string_view subject) {
  const std::size_t records = table.active.size();
  FormatCells out{.records = records, .samples = table.samples};
  out.offsets.reserve(records * table.samples + 1);
  out.offsets.push_back(0);
  std::vector<ColumnPrinter> printers;
  printers.reserve(table.columns.size());
  for (const FieldColumn& column : table.columns) {
    printers.emplace_back(column, table.samples, subject);
  }
  TextWriter text(subject);
  std::size_t cell = 0;
  for (std::size_t r = 0; r < records; ++r) {
    const FieldLayout* const layout =
        table.active[r] == 0 ? nullptr : &layouts.layouts[layouts.of_record[r]];
    for (std::size_t s = 0; s < table.samples; ++s) {
      const std::size_t fields = layout == nullptr ? 0 : fields_of(*layout, table.lacking[cell++]);
      for (std::size_t f = 0; f < fields; ++f) {
        if (f != 0 || layout->genotype_first) text.put(':');
        printers[f < layout->columns.size() ? layout->columns[f] : 0].print_next(s, text);
      }
      out.offsets.push_back(static_cast<std::uint32_t>(text.size()));
    }
  }
  out.text = text.finish();
  return out;
}

}  // namespace cnf::vcfs3
