// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/arrow.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"

namespace cnf::query {
namespace {

constexpr std::int64_t kNullable = 2;  // ARROW_FLAG_NULLABLE

/// Consumers may refuse null pointers even for buffers without bytes.
alignas(64) constexpr std::byte kNoBytes[64] = {};

[[nodiscard]] const void* pointer(const Buffer& buffer) noexcept {
  return buffer.empty() ? kNoBytes : buffer.data();
}

/// https://arrow.apache.org/docs/format/CDataInterface.html#data-type-description-format-strings
[[nodiscard]] const char* format_of(Type type) noexcept {
  switch (type) {
    case Type::int8:
      return "c";
    case Type::int16:
      return "s";
    case Type::int32:
      return "i";
    case Type::int64:
      return "l";
    case Type::uint8:
      return "C";
    case Type::uint16:
      return "S";
    case Type::uint32:
      return "I";
    case Type::uint64:
      return "L";
    case Type::float32:
      return "f";
    case Type::float64:
      return "g";
    case Type::utf8:
      return "U";
    case Type::binary:
      return "Z";
    case Type::list_uint32:
      return "+L";
  }
  return "n";
}

/// What a struct's private_data points to. Children live in it, so they stay where they are until
/// their parent is released, also when a consumer has moved their contents out (release is null
/// then).
template <typename Struct>
struct Holder {
  explicit Holder(std::size_t count) : children(count, Struct{}), pointers(count) {
    for (std::size_t i = 0; i < count; ++i) pointers[i] = &children[i];
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  ~Holder() {
    for (Struct& child : children) {
      if (child.release != nullptr) child.release(&child);
    }
  }

  std::vector<Struct> children;
  std::vector<Struct*> pointers;
};

struct SchemaHolder : Holder<ArrowSchema> {
  SchemaHolder(std::string name_in, std::size_t count) : Holder(count), name(std::move(name_in)) {}
  std::string name;
};

/// A column is shared by an array and the items below it: a consumer may keep either alone.
struct ArrayHolder : Holder<ArrowArray> {
  ArrayHolder(std::shared_ptr<const Column> column_in, std::size_t count)
      : Holder(count), column(std::move(column_in)) {}
  std::shared_ptr<const Column> column;
  std::vector<const void*> buffers;
};

/// Called from C: it must not throw, and does not.
template <typename Struct, typename Private>
void release(Struct* released) {
  const std::unique_ptr<Private> owned(static_cast<Private*>(released->private_data));
  released->release = nullptr;
}

[[nodiscard]] ArrowSchema finish(std::unique_ptr<SchemaHolder> holder, const char* format,
                                 std::int64_t flags) noexcept {
  ArrowSchema out{};
  out.format = format;
  out.name = holder->name.c_str();
  out.flags = flags;
  out.n_children = static_cast<std::int64_t>(holder->pointers.size());
  out.children = holder->pointers.empty() ? nullptr : holder->pointers.data();
  out.release = release<ArrowSchema, SchemaHolder>;
  out.private_data = holder.release();
  return out;
}

[[nodiscard]] ArrowArray finish(std::unique_ptr<ArrayHolder> holder, std::size_t length,
                                std::int64_t nulls) noexcept {
  ArrowArray out{};
  out.length = static_cast<std::int64_t>(length);
  out.null_count = nulls;
  out.n_buffers = static_cast<std::int64_t>(holder->buffers.size());
  out.n_children = static_cast<std::int64_t>(holder->pointers.size());
  out.buffers = holder->buffers.data();
  out.children = holder->pointers.empty() ? nullptr : holder->pointers.data();
  out.release = release<ArrowArray, ArrayHolder>;
  out.private_data = holder.release();
  return out;
}

[[nodiscard]] ArrowSchema schema_of(const Column& column) {
  const bool is_list = column.type() == Type::list_uint32;
  auto holder = std::make_unique<SchemaHolder>(column.name(), is_list ? 1 : 0);
  if (is_list) {
    holder->children[0] = finish(std::make_unique<SchemaHolder>("item", 0), "I", 0);
  }
  return finish(std::move(holder), format_of(column.type()),
                column.validity().empty() ? 0 : kNullable);
}

[[nodiscard]] std::int64_t count_nulls(const Column& column) noexcept {
  if (column.validity().empty()) return 0;
  std::int64_t nulls = 0;
  for (std::size_t row = 0; row < column.rows(); ++row) nulls += column.is_null(row) ? 1 : 0;
  return nulls;
}

[[nodiscard]] ArrowArray array_of(const std::shared_ptr<const Column>& column) {
  const bool is_list = column->type() == Type::list_uint32;
  auto holder = std::make_unique<ArrayHolder>(column, is_list ? 1 : 0);
  const void* validity = column->validity().empty() ? nullptr : column->validity().data();
  holder->buffers.push_back(validity);
  if (column->has_offsets()) holder->buffers.push_back(column->offsets().data());
  if (is_list) {
    auto items = std::make_unique<ArrayHolder>(column, 0);
    items->buffers = {nullptr, pointer(column->values())};
    holder->children[0] =
        finish(std::move(items), column->values().size() / sizeof(std::uint32_t), 0);
  } else {
    holder->buffers.push_back(pointer(column->values()));
  }
  const std::int64_t nulls = count_nulls(*column);
  return finish(std::move(holder), column->rows(), nulls);
}

}  // namespace

void export_arrow(Table table, ArrowSchema* schema, ArrowArray* array) {
  const std::size_t rows = table.rows();
  std::vector<Column> columns = std::move(table).release();
  auto schemas = std::make_unique<SchemaHolder>("", columns.size());
  auto arrays = std::make_unique<ArrayHolder>(nullptr, columns.size());
  arrays->buffers = {nullptr};  // a struct has a validity bitmap only, and no row of it is null
  for (std::size_t i = 0; i < columns.size(); ++i) {
    schemas->children[i] = schema_of(columns[i]);
    arrays->children[i] = array_of(std::make_shared<const Column>(std::move(columns[i])));
  }
  *schema = finish(std::move(schemas), "+s", 0);
  *array = finish(std::move(arrays), rows, 0);
}

}  // namespace cnf::query
