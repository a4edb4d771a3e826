// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cnf/core/util/buffer.h"

namespace cnf::query {

/// Types of columns, each with Arrow's memory layout of the same name.
enum class Type : std::uint8_t {
  int8,
  int16,
  int32,
  int64,
  uint8,
  uint16,
  uint32,
  uint64,
  float32,
  float64,
  utf8,         ///< int64 offsets (rows + 1) into bytes: Arrow's large_utf8.
  binary,       ///< The same without a text's promise: large_binary.
  list_uint32,  ///< int64 offsets (rows + 1) into uint32 items: large_list<uint32>.
};
[[nodiscard]] std::string_view to_string(Type type) noexcept;
/// Bytes of one value, or of one item of a text or list.
[[nodiscard]] std::size_t width(Type type) noexcept;

template <typename T>
inline constexpr Type kTypeOf = [] {
  if constexpr (std::is_same_v<T, std::int8_t>) {
    return Type::int8;
  } else if constexpr (std::is_same_v<T, std::int16_t>) {
    return Type::int16;
  } else if constexpr (std::is_same_v<T, std::int32_t>) {
    return Type::int32;
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return Type::int64;
  } else if constexpr (std::is_same_v<T, std::uint8_t>) {
    return Type::uint8;
  } else if constexpr (std::is_same_v<T, std::uint16_t>) {
    return Type::uint16;
  } else if constexpr (std::is_same_v<T, std::uint32_t>) {
    return Type::uint32;
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    return Type::uint64;
  } else if constexpr (std::is_same_v<T, float>) {
    return Type::float32;
  } else {
    static_assert(std::is_same_v<T, double>);
    return Type::float64;
  }
}();

/// One column. Fixed-width values lie in `values`; texts and lists have `offsets` as well. No nulls
/// unless `validity` (Arrow's bitmap, least significant bit first, rows rounded up to whole bytes)
/// is not empty; what lies under a null is unspecified.
///
/// Move-only. Threads: as a std::vector. Calls that name another type than the column's throw Error
/// invalid_argument.
class Column {
 public:
  Column(std::string name, Type type);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] Type type() const noexcept { return type_; }
  [[nodiscard]] std::size_t rows() const noexcept;
  [[nodiscard]] bool has_offsets() const noexcept { return type_ >= Type::utf8; }
  /// Bytes of memory that its rows take.
  [[nodiscard]] std::uint64_t memory() const noexcept;

  /// The values of a fixed-width column.
  template <typename T>
  [[nodiscard]] std::span<const T> as() const {
    require(kTypeOf<T>);
    return {reinterpret_cast<const T*>(values_.data()), values_.size() / sizeof(T)};
  }
  /// Makes a fixed-width column of `rows` indeterminate values and returns them to be filled.
  template <typename T>
  [[nodiscard]] std::span<T> fill(std::size_t rows) {
    require(kTypeOf<T>);
    values_.resize(rows * sizeof(T));
    return {reinterpret_cast<T*>(values_.data()), rows};
  }
  /// Appends values to a fixed-width column.
  template <typename T>
  void append_values(std::span<const T> values) {
    require(kTypeOf<T>);
    values_.append(std::as_bytes(values));
  }

  /// Makes room for `rows` more texts or lists with `items` bytes or items in all.
  void reserve(std::size_t rows, std::size_t items);
  /// Appends a value to a utf8 or binary column.
  void append(ByteSpan value);
  void append(std::string_view value) { append(as_bytes(value)); }
  /// Appends a list to a list_uint32 column.
  void append(std::span<const std::uint32_t> items);
  /// Appends as many texts as there are lengths, which lie in `bytes` one behind the other: two
  /// passes over memory, however many rows. Throws Error invalid_argument, and leaves the column as
  /// it was, unless the lengths add up to exactly `bytes`.
  void append_all(ByteSpan bytes, std::span<const std::uint32_t> lengths);
  /// The same for lists; a length counts items.
  void append_all(std::span<const std::uint32_t> items, std::span<const std::uint32_t> lengths);

  /// The bytes (or the items' bytes) of one row of a column with offsets.
  [[nodiscard]] ByteSpan bytes(std::size_t row) const noexcept;
  [[nodiscard]] std::string_view text(std::size_t row) const noexcept {
    return as_text(bytes(row));
  }
  [[nodiscard]] std::span<const std::uint32_t> items(std::size_t row) const noexcept;
  [[nodiscard]] bool is_null(std::size_t row) const noexcept;

  /// The column's memory, as Arrow lays it out, for those who fill or export it whole.
  [[nodiscard]] Buffer& values() noexcept { return values_; }
  [[nodiscard]] const Buffer& values() const noexcept { return values_; }
  [[nodiscard]] std::vector<std::int64_t>& offsets() noexcept { return offsets_; }
  [[nodiscard]] const std::vector<std::int64_t>& offsets() const noexcept { return offsets_; }
  [[nodiscard]] Buffer& validity() noexcept { return validity_; }
  [[nodiscard]] const Buffer& validity() const noexcept { return validity_; }

  /// The rows at `rows`, in that order. Throws Error invalid_argument if one is past the end.
  [[nodiscard]] Column take(std::span<const std::uint32_t> rows) const;

 private:
  void require(Type type) const;
  void append_lengths(std::size_t items, std::span<const std::uint32_t> lengths);

  std::string name_;
  Type type_;
  Buffer values_;
  std::vector<std::int64_t> offsets_;
  Buffer validity_;
};

/// Rows by column. Move-only, as its columns are.
class Table {
 public:
  /// The first column that is added says how many rows there are.
  Table() = default;
  /// A table may have rows and no columns: a count.
  explicit Table(std::size_t rows) : rows_(rows) {}

  [[nodiscard]] std::size_t rows() const noexcept { return rows_.value_or(0); }
  [[nodiscard]] std::span<const Column> columns() const noexcept { return columns_; }
  /// Bytes of memory that its columns take.
  [[nodiscard]] std::uint64_t memory() const noexcept;
  /// Throws Error invalid_argument if its number of rows is another than the table's, or its
  /// offsets or its validity are not those of so many rows, or the table has a column of that name.
  void add(Column column);
  /// Throws Error invalid_argument if there is none of that name; find answers nullptr.
  [[nodiscard]] const Column& column(std::string_view name) const;
  [[nodiscard]] const Column* find(std::string_view name) const noexcept;

  /// The rows at `rows`, in that order. Throws Error invalid_argument if one is past the end.
  [[nodiscard]] Table take(std::span<const std::uint32_t> rows) const;
  /// The columns of these names, in that order, without a copy; the table is empty after it. Throws
  /// Error invalid_argument if one is missing or named twice.
  [[nodiscard]] Table project(std::span<const std::string> names) &&;
  /// The columns themselves; the table is empty after it.
  [[nodiscard]] std::vector<Column> release() &&;

 private:
  std::vector<Column> columns_;
  std::optional<std::size_t> rows_;
};

}  // namespace cnf::query
