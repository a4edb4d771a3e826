// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "cnf/core/util/buffer.h"

namespace cnf::query {

/// Types of columns, each with Arrow's memory layout of the same name.
enum class Type : std::uint8_t {
  int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, float64,
  utf8,         ///< int64 offsets (rows + 1) into bytes: Arrow's large_utf8.
  binary,       ///< The same without a text's promise: large_binary.
  list_uint32,  ///< int64 offsets (rows + 1) into uint32 items: large_list<uint32>.
};
[[nodiscard]] std::string_view to_string(Type type) noexcept;

template <typename T>
inline constexpr Type kTypeOf = [] {
  if constexpr (std::is_same_v<T, std::int8_t>) return Type::int8;
  else if constexpr (std::is_same_v<T, std::int16_t>) return Type::int16;
  else if constexpr (std::is_same_v<T, std::int32_t>) return Type::int32;
  else if constexpr (std::is_same_v<T, std::int64_t>) return Type::int64;
  else if constexpr (std::is_same_v<T, std::uint8_t>) return Type::uint8;
  else if constexpr (std::is_same_v<T, std::uint16_t>) return Type::uint16;
  else if constexpr (std::is_same_v<T, std::uint32_t>) return Type::uint32;
  else if constexpr (std::is_same_v<T, std::uint64_t>) return Type::uint64;
  else if constexpr (std::is_same_v<T, float>) return Type::float32;
  else { static_assert(std::is_same_v<T, double>); return Type::float64; }
}();

/// One column. Fixed-width values lie in `values`; texts and lists have `offsets` as well. No nulls
/// unless `validity` (Arrow's bitmap, least significant bit first) is not empty.
class Column {
 public:
  Column(std::string name, Type type) : name_(std::move(name)), type_(type) {
    if (has_offsets()) offsets_.push_back(0);
  }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] Type type() const noexcept { return type_; }
  [[nodiscard]] std::size_t rows() const noexcept;
  [[nodiscard]] bool has_offsets() const noexcept { return type_ >= Type::utf8; }

  /// The values of a fixed-width column; throws Error invalid_argument if T is not its type.
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
  /// Appends a value to a utf8 or binary column.
  void append(ByteSpan value);
  void append(std::string_view value) { append(as_bytes(value)); }
  /// Appends a list to a list_uint32 column.
  void append(std::span<const std::uint32_t> items);
  /// The bytes (or the items' bytes) of one row of a column with offsets.
  [[nodiscard]] ByteSpan bytes(std::size_t row) const noexcept;
  [[nodiscard]] std::string_view text(std::size_t row) const noexcept { return as_text(bytes(row)); }
  [[nodiscard]] std::span<const std::uint32_t> items(std::size_t row) const noexcept;

  /// The column's memory, as Arrow lays it out, for those who fill or export it whole.
  [[nodiscard]] Buffer& values() noexcept { return values_; }
  [[nodiscard]] const Buffer& values() const noexcept { return values_; }
  [[nodiscard]] std::vector<std::int64_t>& offsets() noexcept { return offsets_; }
  [[nodiscard]] const std::vector<std::int64_t>& offsets() const noexcept { return offsets_; }

  /// The rows at `rows`, in that order.
  [[nodiscard]] Column take(std::span<const std::uint32_t> rows) const;

 private:
  void require(Type type) const;

  std::string name_;
  Type type_;
  Buffer values_;
  std::vector<std::int64_t> offsets_;
};

/// Rows by column. Move-only, as its columns are.
class Table {
 public:
  Table() = default;
  /// A table may have rows and no columns: a count.
  explicit Table(std::size_t rows) : rows_(rows) {}

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::span<const Column> columns() const noexcept { return columns_; }
  /// Throws Error invalid_argument if its number of rows is another than the table's.
  void add(Column column);
  /// Throws Error invalid_argument if there is none of that name; find answers nullptr.
  [[nodiscard]] const Column& column(std::string_view name) const;
  [[nodiscard]] const Column* find(std::string_view name) const noexcept;

  [[nodiscard]] Table take(std::span<const std::uint32_t> rows) const;

 private:
  std::vector<Column> columns_;
  std::size_t rows_ = 0;
};

}  // namespace cnf::query
