// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/arrow_stream.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <flatbuffers/flatbuffer_builder.h>

#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

// The tables of Arrow's Message.fbs and Schema.fbs are few and frozen, so their fields are written
// by number here, in place of code generated from the schemas.

namespace cnf::query {
namespace {

using flatbuffers::FlatBufferBuilder;
using Table32 = flatbuffers::Offset<void>;  // a table of any kind

constexpr std::int16_t kVersion5 = 4;
constexpr std::uint8_t kSchemaMessage = 1, kRecordBatchMessage = 3;
enum class ArrowType : std::uint8_t {
  integer = 2,
  floating_point = 3,
  large_binary = 19,
  large_utf8 = 20,
  large_list = 21,
};

/// A FieldNode or a Buffer: two 64-bit numbers in a row.
struct Pair {
  std::int64_t first;
  std::int64_t second;
};

// The vtable's place of a table's n-th field.
flatbuffers::voffset_t field(int number) {
  return flatbuffers::FieldIndexToOffset(static_cast<flatbuffers::voffset_t>(number));
}

struct TypeOf {
  ArrowType id{};
  Table32 table{};
};

Table32 end(FlatBufferBuilder& out, flatbuffers::uoffset_t start) { return {out.EndTable(start)}; }

Table32 int_type(FlatBufferBuilder& out, int bits, bool is_signed) {
  const auto start = out.StartTable();
  out.AddElement<std::int32_t>(field(0), bits, 0);
  out.AddElement<std::uint8_t>(field(1), is_signed ? 1 : 0, 0);
  return end(out, start);
}

Table32 float_type(FlatBufferBuilder& out, std::int16_t precision) {
  const auto start = out.StartTable();
  out.AddElement<std::int16_t>(field(0), precision, 0);
  return end(out, start);
}

Table32 empty_table(FlatBufferBuilder& out) { return end(out, out.StartTable()); }

TypeOf type_of(FlatBufferBuilder& out, Type type) {
  const int bits = static_cast<int>(width(type)) * 8;
  switch (type) {
    case Type::int8:
    case Type::int16:
    case Type::int32:
    case Type::int64:
      return {ArrowType::integer, int_type(out, bits, true)};
    case Type::uint8:
    case Type::uint16:
    case Type::uint32:
    case Type::uint64:
      return {ArrowType::integer, int_type(out, bits, false)};
    case Type::float32:
      return {ArrowType::floating_point, float_type(out, 1)};
    case Type::float64:
      return {ArrowType::floating_point, float_type(out, 2)};
    case Type::utf8:
      return {ArrowType::large_utf8, empty_table(out)};
    case Type::binary:
      return {ArrowType::large_binary, empty_table(out)};
    case Type::list_uint32:
      return {ArrowType::large_list, empty_table(out)};
  }
  throw Error(Errc::internal, "write Arrow", "a column", "its type is none");
}

Table32 field_table(FlatBufferBuilder& out, const std::string& name, Type type, bool nullable) {
  std::vector<Table32> items;
  if (type == Type::list_uint32) items.push_back(field_table(out, "item", Type::uint32, false));
  const auto children = out.CreateVector(items);
  const auto text = out.CreateString(name);
  const TypeOf arrow = type_of(out, type);
  const auto start = out.StartTable();
  out.AddOffset(field(0), text);
  out.AddElement<std::uint8_t>(field(1), nullable ? 1 : 0, 0);
  out.AddElement<std::uint8_t>(field(2), static_cast<std::uint8_t>(arrow.id), 0);
  out.AddOffset(field(3), arrow.table);
  out.AddOffset(field(5), children);
  return end(out, start);
}

/// A message around `header`, framed as the stream has it.
void send(FlatBufferBuilder& out, std::uint8_t kind, Table32 header, std::int64_t body,
          const ArrowStreamWriter::Sink& sink) {
  const auto start = out.StartTable();
  out.AddElement<std::int64_t>(field(3), body, 0);
  out.AddOffset(field(2), header);
  out.AddElement<std::int16_t>(field(0), kVersion5, 0);
  out.AddElement<std::uint8_t>(field(1), kind, 0);
  out.Finish(end(out, start));
  const std::size_t padded = (std::size_t{out.GetSize()} + 7) / 8 * 8;
  Buffer message;
  ByteWriter writer(message);
  writer.put(std::uint32_t{0xFFFFFFFF});
  writer.put(static_cast<std::uint32_t>(padded));
  writer.put_bytes(std::as_bytes(std::span(out.GetBufferPointer(), out.GetSize())));
  while (message.size() < padded + 8) writer.put(std::uint8_t{0});
  sink(message);
}

/// The buffers of a record batch, one behind the other, each from a multiple of eight on.
class Body {
 public:
  void add(ByteSpan bytes) {
    places_.push_back({static_cast<std::int64_t>(size_), static_cast<std::int64_t>(bytes.size())});
    parts_.push_back(bytes);
    size_ += (bytes.size() + 7) / 8 * 8;
  }
  [[nodiscard]] const std::vector<Pair>& places() const { return places_; }
  [[nodiscard]] std::int64_t size() const { return static_cast<std::int64_t>(size_); }
  void send(const ArrowStreamWriter::Sink& sink) const {
    static constexpr std::array<std::byte, 8> kZeros{};
    for (const ByteSpan part : parts_) {
      if (part.empty()) continue;
      sink(part);
      if (part.size() % 8 != 0) sink(std::span(kZeros).first(8 - part.size() % 8));
    }
  }

 private:
  std::vector<ByteSpan> parts_;
  std::vector<Pair> places_;
  std::size_t size_ = 0;
};

std::int64_t nulls_of(const Column& column) {
  if (column.validity().empty()) return 0;
  std::int64_t nulls = 0;
  for (std::size_t row = 0; row < column.rows(); ++row) nulls += column.is_null(row) ? 1 : 0;
  return nulls;
}

void add_column(const Column& column, std::vector<Pair>& nodes, Body& body) {
  const auto rows = static_cast<std::int64_t>(column.rows());
  nodes.push_back({rows, nulls_of(column)});
  body.add(column.validity());
  if (column.has_offsets()) body.add(std::as_bytes(std::span(column.offsets())));
  if (column.type() == Type::list_uint32) {
    nodes.push_back({static_cast<std::int64_t>(column.values().size() / sizeof(std::uint32_t)), 0});
    body.add({});
  }
  body.add(column.values());
}

std::vector<ArrowStreamWriter::Field> fields_of(const Table& table) {
  std::vector<ArrowStreamWriter::Field> fields;
  for (const Column& column : table.columns()) fields.push_back({column.name(), column.type()});
  return fields;
}

}  // namespace

void ArrowStreamWriter::begin(std::vector<Field> fields) {
  FlatBufferBuilder out;
  std::vector<Table32> tables;
  for (const Field& column : fields)
    tables.push_back(field_table(out, column.name, column.type, true));
  const auto list = out.CreateVector(tables);
  const auto start = out.StartTable();
  out.AddElement<std::int16_t>(field(0), 0, 1);  // little-endian
  out.AddOffset(field(1), list);
  send(out, kSchemaMessage, end(out, start), 0, sink_);
  fields_ = std::move(fields);
}

void ArrowStreamWriter::write(const Table& table) {
  std::vector<Field> fields = fields_of(table);
  if (!fields_) begin(fields);
  if (fields != *fields_) {
    throw Error(Errc::invalid_argument, "write Arrow", "a table",
                "its columns are not those of the stream");
  }
  std::vector<Pair> nodes;
  Body body;
  for (const Column& column : table.columns()) add_column(column, nodes, body);
  FlatBufferBuilder out;
  const auto node_list = out.CreateVectorOfStructs(nodes);
  const auto buffer_list = out.CreateVectorOfStructs(body.places());
  const auto start = out.StartTable();
  out.AddElement<std::int64_t>(field(0), static_cast<std::int64_t>(table.rows()), 0);
  out.AddOffset(field(1), node_list);
  out.AddOffset(field(2), buffer_list);
  send(out, kRecordBatchMessage, end(out, start), body.size(), sink_);
  body.send(sink_);
}

void ArrowStreamWriter::finish() {
  if (!fields_) begin({});
  Buffer mark;
  ByteWriter writer(mark);
  writer.put(std::uint32_t{0xFFFFFFFF});
  writer.put(std::uint32_t{0});
  sink_(mark);
}

}  // namespace cnf::query
