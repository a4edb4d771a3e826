// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/table.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::query {
namespace {

struct TypeInfo {
  std::string_view name;
  std::size_t width;
};
constexpr std::array<TypeInfo, 13> kTypes{{{"int8", 1},
                                           {"int16", 2},
                                           {"int32", 4},
                                           {"int64", 8},
                                           {"uint8", 1},
                                           {"uint16", 2},
                                           {"uint32", 4},
                                           {"uint64", 8},
                                           {"float32", 4},
                                           {"float64", 8},
                                           {"utf8", 1},
                                           {"binary", 1},
                                           {"list_uint32", 4}}};

[[nodiscard]] const TypeInfo& info(Type type) noexcept {
  return kTypes[static_cast<std::size_t>(type)];
}

[[noreturn]] void refuse(std::string_view doing, std::string_view column, std::string_view why) {
  throw Error(Errc::invalid_argument, doing, column, why);
}

[[nodiscard]] bool bit(ByteSpan bitmap, std::size_t row) noexcept {
  return (std::to_integer<unsigned>(bitmap[row / 8]) >> (row % 8) & 1U) != 0;
}

[[nodiscard]] std::size_t bitmap_bytes(std::size_t rows) noexcept { return (rows + 7) / 8; }

/// memcpy with a width the compiler knows: one load and one store a row.
template <std::size_t kWidth>
void gather(const std::byte* from, std::span<const std::uint32_t> rows, std::byte* to) noexcept {
  for (const std::uint32_t row : rows) {
    std::memcpy(to, from + std::size_t{row} * kWidth, kWidth);
    to += kWidth;
  }
}

void gather_fixed(const Column& from, std::span<const std::uint32_t> rows, Column& to) {
  const std::size_t bytes = width(from.type());
  to.values().resize(rows.size() * bytes);
  const std::byte* source = from.values().data();
  std::byte* target = to.values().data();
  switch (bytes) {
    case 1:
      return gather<1>(source, rows, target);
    case 2:
      return gather<2>(source, rows, target);
    case 4:
      return gather<4>(source, rows, target);
    default:
      return gather<8>(source, rows, target);
  }
}

/// Rows that follow one another, as filters mostly leave them, are copied in one piece.
void gather_offsets(const Column& from, std::span<const std::uint32_t> rows, Column& to) {
  const std::size_t bytes = width(from.type());
  const std::span<const std::int64_t> old = from.offsets();
  std::vector<std::int64_t>& offsets = to.offsets();
  offsets.resize(rows.size() + 1);
  std::int64_t end = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    end += old[rows[i] + std::size_t{1}] - old[rows[i]];
    offsets[i + 1] = end;
  }
  to.values().resize(static_cast<std::size_t>(end) * bytes);
  std::byte* target = to.values().data();
  for (std::size_t i = 0; i < rows.size();) {
    std::size_t next = i + 1;
    while (next < rows.size() && rows[next] == rows[next - 1] + std::size_t{1}) ++next;
    const auto begin = static_cast<std::size_t>(old[rows[i]]);
    const auto size = static_cast<std::size_t>(old[rows[next - 1] + std::size_t{1}]) - begin;
    if (size != 0) std::memcpy(target, from.values().data() + begin * bytes, size * bytes);
    target += size * bytes;
    i = next;
  }
}

void gather_validity(const Column& from, std::span<const std::uint32_t> rows, Column& to) {
  if (from.validity().empty()) return;
  to.validity().resize(bitmap_bytes(rows.size()));
  std::ranges::fill(to.validity().span(), std::byte{0});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const unsigned valid = from.is_null(rows[i]) ? 0U : 1U;
    to.validity().data()[i / 8] |= static_cast<std::byte>(valid << (i % 8));
  }
}

void check_rows(std::span<const std::uint32_t> rows, std::size_t limit, std::string_view subject) {
  std::uint32_t largest = 0;
  for (const std::uint32_t row : rows) largest = std::max(largest, row);
  if (!rows.empty() && largest >= limit) {
    refuse("take rows of", subject,
           "row " + std::to_string(largest) + " of " + std::to_string(limit));
  }
}

/// Without an early exit, so that it becomes a vector loop.
[[nodiscard]] bool descends(std::span<const std::int64_t> offsets) noexcept {
  bool found = false;
  for (std::size_t i = 1; i < offsets.size(); ++i) found |= offsets[i] < offsets[i - 1];
  return found;
}

[[nodiscard]] std::uint64_t sum(std::span<const std::uint32_t> lengths) noexcept {
  return std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0});
}

}  // namespace

std::string_view to_string(Type type) noexcept { return info(type).name; }
std::size_t width(Type type) noexcept { return info(type).width; }

Column::Column(std::string name, Type type) : name_(std::move(name)), type_(type) {
  if (has_offsets()) offsets_.push_back(0);
}

void Column::require(Type type) const {
  if (type == type_) return;
  refuse("use column", name_,
         "it holds " + std::string(to_string(type_)) + ", not " + std::string(to_string(type)));
}

std::size_t Column::rows() const noexcept {
  if (!has_offsets()) return values_.size() / width(type_);
  return offsets_.empty() ? 0 : offsets_.size() - 1;
}

std::uint64_t Column::memory() const noexcept {
  return values_.size() + offsets_.size() * sizeof(std::int64_t) + validity_.size();
}

void Column::reserve(std::size_t rows, std::size_t items) {
  if (has_offsets()) offsets_.reserve(offsets_.size() + rows);
  values_.reserve(values_.size() + (has_offsets() ? items : rows) * width(type_));
}

void Column::append(ByteSpan value) {
  if (type_ != Type::binary) require(Type::utf8);
  values_.append(value);
  offsets_.push_back(static_cast<std::int64_t>(values_.size()));
}

void Column::append(std::span<const std::uint32_t> items) {
  require(Type::list_uint32);
  values_.append(std::as_bytes(items));
  offsets_.push_back(static_cast<std::int64_t>(values_.size() / sizeof(std::uint32_t)));
}

void Column::append_lengths(std::size_t items, std::span<const std::uint32_t> lengths) {
  if (const std::uint64_t want = sum(lengths); want != items) {
    refuse("append to column", name_,
           "lengths add up to " + std::to_string(want) + " of " + std::to_string(items));
  }
  const std::size_t before = offsets_.size();
  offsets_.resize(before + lengths.size());
  std::int64_t end = offsets_[before - 1];
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    end += lengths[i];
    offsets_[before + i] = end;
  }
}

void Column::append_all(ByteSpan bytes, std::span<const std::uint32_t> lengths) {
  if (type_ != Type::binary) require(Type::utf8);
  append_lengths(bytes.size(), lengths);
  values_.append(bytes);
}

void Column::append_all(std::span<const std::uint32_t> items,
                        std::span<const std::uint32_t> lengths) {
  require(Type::list_uint32);
  append_lengths(items.size(), lengths);
  values_.append(std::as_bytes(items));
}

ByteSpan Column::bytes(std::size_t row) const noexcept {
  const std::size_t item = width(type_);
  const auto begin = static_cast<std::size_t>(offsets_[row]) * item;
  const auto end = static_cast<std::size_t>(offsets_[row + 1]) * item;
  return values_.span().subspan(begin, end - begin);
}

std::span<const std::uint32_t> Column::items(std::size_t row) const noexcept {
  const ByteSpan raw = bytes(row);
  return {reinterpret_cast<const std::uint32_t*>(raw.data()), raw.size() / sizeof(std::uint32_t)};
}

bool Column::is_null(std::size_t row) const noexcept {
  return !validity_.empty() && !bit(validity_.span(), row);
}

Column Column::take(std::span<const std::uint32_t> rows) const {
  check_rows(rows, this->rows(), name_);
  Column out(name_, type_);
  if (has_offsets()) {
    gather_offsets(*this, rows, out);
  } else {
    gather_fixed(*this, rows, out);
  }
  gather_validity(*this, rows, out);
  return out;
}

std::uint64_t Table::memory() const noexcept {
  std::uint64_t bytes = 0;
  for (const Column& column : columns_) bytes += column.memory();
  return bytes;
}

void Table::add(Column column) {
  const std::size_t count = column.rows();
  if (rows_ && count != *rows_) {
    refuse("add column", column.name(),
           "it has " + std::to_string(count) + " rows, the table " + std::to_string(*rows_));
  }
  if (find(column.name()) != nullptr) refuse("add column", column.name(), "there is one already");
  if (!column.validity().empty() && column.validity().size() != bitmap_bytes(count)) {
    refuse("add column", column.name(), "its validity bitmap is not that of its rows");
  }
  if (column.has_offsets()) {
    const std::span<const std::int64_t> offsets = column.offsets();
    const auto items = static_cast<std::int64_t>(column.values().size() / width(column.type()));
    if (offsets.empty() || offsets.front() != 0 || offsets.back() != items || descends(offsets)) {
      refuse("add column", column.name(), "its offsets do not span its values");
    }
  }
  columns_.push_back(std::move(column));
  rows_ = count;
}

const Column* Table::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(columns_, name, &Column::name);
  return found == columns_.end() ? nullptr : &*found;
}

const Column& Table::column(std::string_view name) const {
  const Column* found = find(name);
  if (found == nullptr) refuse("use column", name, "the table has none of that name");
  return *found;
}

Table Table::take(std::span<const std::uint32_t> rows) const {
  check_rows(rows, this->rows(), "table");
  Table out(rows.size());
  for (const Column& column : columns_) out.add(column.take(rows));
  return out;
}

Table Table::project(std::span<const std::string> names) && {
  Table out(rows());
  std::vector<Column> columns = std::move(*this).release();
  for (const std::string& name : names) {
    const auto found = std::ranges::find(columns, name, &Column::name);
    if (found == columns.end()) refuse("use column", name, "the table has none of that name");
    out.add(std::move(*found));
  }
  return out;
}

std::vector<Column> Table::release() && {
  rows_.reset();
  return std::exchange(columns_, {});
}

}  // namespace cnf::query
