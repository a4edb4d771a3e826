// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/names.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/bams3/exceptions.h"
#include "cnf/formats/bams3/mates.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {
namespace {

// Encodings of `name_column`.
constexpr std::uint8_t kConstant = 0;  // the one text that all have
constexpr std::uint8_t kText = 1;      // a NUL after each
constexpr std::uint8_t kNumber = 2;    // decimal without leading zeros: a varint each
constexpr std::uint8_t kDelta = 3;     // the same: zigzag difference to the one before
constexpr std::uint8_t kPadded = 4;    // digits of one width, told first: a varint each

constexpr std::size_t kMaxShapes = 16;  // names of more kinds than this are kept as text
constexpr std::size_t kMaxDigits = 18;  // what fits 63 bits

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// How a name is cut: pieces of digits and of anything else take turns.
struct Shape {
  std::uint8_t pieces = 0;
  bool digits_first = false;
  auto operator<=>(const Shape&) const = default;
  [[nodiscard]] std::uint8_t code() const {
    return static_cast<std::uint8_t>((unsigned{pieces} << 1U) | (digits_first ? 1U : 0U));
  }
};
constexpr std::size_t kMaxPieces = 127;

void cut(std::string_view name, std::vector<std::string_view>& pieces) {
  pieces.clear();
  for (std::size_t i = 0; i < name.size();) {
    const std::size_t start = i;
    while (i < name.size() && is_digit(name[i]) == is_digit(name[start])) ++i;
    pieces.push_back(name.substr(start, i - start));
  }
}

std::uint64_t to_number(std::string_view digits) {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

using Column = std::vector<std::string_view>;

bool is_numeric(const Column& column) {
  return std::ranges::all_of(column, [](std::string_view piece) {
    return is_digit(piece[0]) && piece.size() <= kMaxDigits &&
           (piece[0] != '0' || piece.size() == 1);
  });
}
bool is_padded(const Column& column) {
  const std::size_t width = column[0].size();
  return width <= kMaxDigits && std::ranges::all_of(column, [width](std::string_view piece) {
           return is_digit(piece[0]) && piece.size() == width;
         });
}

// Differences pay when they take fewer bits than the numbers themselves: true for names in order.
std::uint8_t number_encoding(const Column& column) {
  std::uint64_t plain_bits = 0;
  std::uint64_t delta_bits = 0;
  std::uint64_t last = 0;
  for (const std::string_view piece : column) {
    const std::uint64_t value = to_number(piece);
    plain_bits += static_cast<std::uint64_t>(std::bit_width(value));
    delta_bits +=
        static_cast<std::uint64_t>(std::bit_width(zigzag(static_cast<std::int64_t>(value - last))));
    last = value;
  }
  return delta_bits < plain_bits ? kDelta : kNumber;
}

void encode_column(const Column& column, std::uint32_t key, StreamWriter& out) {
  if (std::ranges::all_of(column, [&](std::string_view piece) { return piece == column[0]; })) {
    out.add(StreamId::name_column, kConstant, key).append(as_bytes(column[0]));
    return;
  }
  const bool numeric = is_numeric(column);
  const bool padded = !numeric && is_padded(column);
  const std::uint8_t encoding = numeric ? number_encoding(column) : padded ? kPadded : kText;
  ByteWriter writer(out.add(StreamId::name_column, encoding, key));
  if (padded) writer.put_varint(column[0].size());
  std::uint64_t last = 0;
  for (const std::string_view piece : column) {
    if (encoding == kText) {
      writer.put_bytes(as_bytes(piece));
      writer.put('\0');
      continue;
    }
    const std::uint64_t value = to_number(piece);
    if (encoding == kDelta) {
      writer.put_zigzag(static_cast<std::int64_t>(value - last));
      last = value;
    } else {
      writer.put_varint(value);
    }
  }
}

/// Gives the pieces of one column, one after the other.
class ColumnDecoder {
 public:
  ColumnDecoder(const StreamReader& in, std::uint32_t key)
      : bytes_(in.get(StreamId::name_column, key)), reader_(bytes_, in.subject()) {
    const StreamEntry* entry = in.find(StreamId::name_column, key);
    if (entry == nullptr) reader_.fail("a column of names is missing");
    encoding_ = entry->encoding;
    if (encoding_ > kPadded) reader_.fail("unknown encoding");
    if (encoding_ == kPadded) width_ = reader_.get_varint();
    if (width_ > kMaxDigits) reader_.fail("number too wide");
  }
  ColumnDecoder(const ColumnDecoder&) = delete;
  ColumnDecoder& operator=(const ColumnDecoder&) = delete;

  void append_to(std::string& name) {
    switch (encoding_) {
      case kConstant:
        name += as_text(bytes_);
        return;
      case kText: {
        const ByteSpan piece = reader_.get_until_nul();
        name += as_text(piece.first(piece.size() - 1));
        return;
      }
      case kDelta:
        last_ += static_cast<std::uint64_t>(reader_.get_zigzag());
        append_number(last_, name);
        return;
      default:
        append_number(reader_.get_varint(), name);
    }
  }

 private:
  void append_number(std::uint64_t value, std::string& name) const {
    char digits[24];
    const char* end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
    const auto length = static_cast<std::size_t>(end - digits);
    if (length < width_) name.append(width_ - length, '0');
    name.append(digits, length);
  }

  Buffer bytes_;
  ByteReader reader_;
  std::uint8_t encoding_ = kConstant;
  std::uint64_t width_ = 0;
  std::uint64_t last_ = 0;
};

std::uint32_t column_key(std::size_t shape, std::size_t piece) {
  return static_cast<std::uint32_t>((shape << 8U) | piece);
}

std::vector<std::string_view> stored_names(const RecordBatch& batch, const MateColumns& mates,
                                           const Exceptions& exceptions) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!mates.shares_name(i) && !exceptions.has_name(i)) names.push_back(batch[i].name());
  }
  return names;
}

/// The columns of names of each shape; empty if there are too many shapes or pieces.
struct CutNames {
  std::vector<Shape> shapes;
  std::vector<std::uint8_t> shape_ids;
  std::map<std::uint32_t, Column> columns;  // by column_key
};
std::optional<CutNames> cut_all(const std::vector<std::string_view>& names) {
  CutNames result;
  std::vector<std::string_view> pieces;
  for (const std::string_view name : names) {
    cut(name, pieces);
    if (pieces.size() > kMaxPieces) return std::nullopt;
    const Shape shape{static_cast<std::uint8_t>(pieces.size()), !name.empty() && is_digit(name[0])};
    auto found = std::ranges::find(result.shapes, shape);
    if (found == result.shapes.end()) {
      if (result.shapes.size() == kMaxShapes) return std::nullopt;
      found = result.shapes.insert(found, shape);
    }
    const auto id = static_cast<std::size_t>(found - result.shapes.begin());
    result.shape_ids.push_back(static_cast<std::uint8_t>(id));
    for (std::size_t k = 0; k < pieces.size(); ++k)
      result.columns[column_key(id, k)].push_back(pieces[k]);
  }
  return result;
}

/// Gives stored names one after the other, whichever way they were stored.
class NameDecoder {
 public:
  explicit NameDecoder(const StreamReader& in)
      : text_(in.get(StreamId::name_text)),
        shapes_(in.get(StreamId::name_shape)),
        text_reader_(text_, in.subject()),
        shape_reader_(shapes_, in.subject()),
        as_columns_(in.find(StreamId::name_shape) != nullptr) {
    if (!as_columns_) return;
    const std::uint64_t count = shape_reader_.get_count();
    if (count > kMaxShapes) shape_reader_.fail("too many shapes of names");
    columns_.resize(count);
    for (std::size_t shape = 0; shape < count; ++shape) {
      const auto code = shape_reader_.get<std::uint8_t>();
      for (std::size_t k = 0; k < code >> 1U; ++k) {
        columns_[shape].push_back(std::make_unique<ColumnDecoder>(in, column_key(shape, k)));
      }
    }
  }

  std::string_view next() {
    name_.clear();
    if (!as_columns_) {
      const ByteSpan name = text_reader_.get_until_nul();
      name_ = as_text(name.first(name.size() - 1));
    } else {
      const std::size_t shape = columns_.size() == 1 ? 0U : shape_reader_.get<std::uint8_t>();
      if (shape >= columns_.size()) shape_reader_.fail("unknown shape of name");
      for (const auto& column : columns_[shape]) column->append_to(name_);
    }
    if (name_.size() > 254) shape_reader_.fail("name too long");
    return name_;
  }

 private:
  Buffer text_;
  Buffer shapes_;
  ByteReader text_reader_;
  ByteReader shape_reader_;
  bool as_columns_;
  std::vector<std::vector<std::unique_ptr<ColumnDecoder>>> columns_;
  std::string name_;
};

}  // namespace

void Names::add(std::string_view name) {
  places_.push_back({text_.size(), name.size()});
  text_.append(as_bytes(name));
}

void encode_names(const RecordBatch& batch, const MateColumns& mates, const Exceptions& exceptions,
                  StreamWriter& out) {
  const std::vector<std::string_view> names = stored_names(batch, mates, exceptions);
  if (names.empty()) return;
  const std::optional<CutNames> cut_names = cut_all(names);
  if (!cut_names) {
    ByteWriter writer(out.add(StreamId::name_text));
    for (const std::string_view name : names) {
      writer.put_bytes(as_bytes(name));
      writer.put('\0');
    }
    return;
  }
  Buffer& shapes = out.add(StreamId::name_shape);
  ByteWriter writer(shapes);
  writer.put_varint(cut_names->shapes.size());
  for (const Shape& shape : cut_names->shapes) writer.put(shape.code());
  if (cut_names->shapes.size() > 1) shapes.append(std::as_bytes(std::span(cut_names->shape_ids)));
  for (const auto& [key, column] : cut_names->columns) encode_column(column, key, out);
}

Names decode_names(const MateColumns& mates, const Exceptions& exceptions, const StreamReader& in) {
  Names names;
  NameDecoder decoder(in);
  for (std::size_t i = 0; i < mates.link.size(); ++i) {
    if (mates.shares_name(i)) {
      names.add_same_as(static_cast<std::size_t>(mates.link[i]));
    } else {
      names.add(exceptions.has_name(i) ? std::string_view() : decoder.next());
    }
  }
  return names;
}

}  // namespace cnf::bams3
