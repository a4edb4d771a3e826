// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/arrow.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/query/table.h"

namespace cnf::query {
namespace {

/// What a consumer does with both structs in the end. The sanitizers see leaks and double frees.
class Exported {
 public:
  explicit Exported(Table table) { export_arrow(std::move(table), &schema, &array); }
  Exported(const Exported&) = delete;
  Exported& operator=(const Exported&) = delete;
  ~Exported() {
    if (schema.release != nullptr) schema.release(&schema);
    if (array.release != nullptr) array.release(&array);
  }

  ArrowSchema schema{};
  ArrowArray array{};
};

template <typename T>
Column numbers(std::string name, const std::vector<T>& values) {
  Column column(std::move(name), kTypeOf<T>);
  column.append_values(std::span<const T>(values));
  return column;
}

template <typename T>
T value(const ArrowArray& array, int buffer, std::size_t at) {
  T out;
  std::memcpy(&out, static_cast<const std::byte*>(array.buffers[buffer]) + at * sizeof(T),
              sizeof(T));
  return out;
}

Table alignments() {
  Column name("name", Type::utf8);
  for (const char* text : {"r1", "", "r22"}) name.append(text);
  Column cigar("cigar", Type::list_uint32);
  cigar.append(std::vector<std::uint32_t>{100U << 4U});
  cigar.append(std::vector<std::uint32_t>{});
  cigar.append(std::vector<std::uint32_t>{5U << 4U | 4U, 95U << 4U});
  Column score("AS", Type::int32);
  score.append_values(std::span<const std::int32_t>({7, 0, -7}));
  score.validity().resize(1);
  score.validity().data()[0] = std::byte{0b101};
  Table table;
  table.add(numbers<std::int64_t>("pos", {100, 200, 300}));
  table.add(std::move(name));
  table.add(std::move(cigar));
  table.add(std::move(score));
  return table;
}

TEST(Arrow, ATableIsAStructArrayOfItsColumns) {
  const Exported out(alignments());
  EXPECT_STREQ(out.schema.format, "+s");
  EXPECT_EQ(out.array.length, 3);
  EXPECT_EQ(out.array.offset, 0);
  EXPECT_EQ(out.array.null_count, 0);
  EXPECT_EQ(out.array.n_buffers, 1);
  EXPECT_EQ(out.array.buffers[0], nullptr);
  EXPECT_EQ(out.array.dictionary, nullptr);
  ASSERT_EQ(out.schema.n_children, 4);
  ASSERT_EQ(out.array.n_children, 4);
  const struct {
    const char* name;
    const char* format;
    std::int64_t flags;
    std::int64_t buffers;
  } want[] = {{"pos", "l", 0, 2}, {"name", "U", 0, 3}, {"cigar", "+L", 0, 2}, {"AS", "i", 2, 2}};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_STREQ(out.schema.children[i]->name, want[i].name);
    EXPECT_STREQ(out.schema.children[i]->format, want[i].format);
    EXPECT_EQ(out.schema.children[i]->flags, want[i].flags);
    EXPECT_EQ(out.array.children[i]->n_buffers, want[i].buffers);
    EXPECT_EQ(out.array.children[i]->length, 3);
  }
}

TEST(Arrow, BuffersHoldWhatTheColumnsHeld) {
  const Exported out(alignments());
  const ArrowArray& pos = *out.array.children[0];
  EXPECT_EQ(value<std::int64_t>(pos, 1, 2), 300);
  const ArrowArray& name = *out.array.children[1];
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(value<std::int64_t>(name, 1, i), (std::vector<std::int64_t>{0, 2, 2, 5}[i]));
  }
  EXPECT_EQ(std::string(static_cast<const char*>(name.buffers[2]), 5), "r1r22");
  const ArrowArray& cigar = *out.array.children[2];
  ASSERT_EQ(cigar.n_children, 1);
  ASSERT_EQ(out.schema.children[2]->n_children, 1);
  EXPECT_STREQ(out.schema.children[2]->children[0]->format, "I");
  EXPECT_EQ(value<std::int64_t>(cigar, 1, 3), 3);
  EXPECT_EQ(cigar.children[0]->length, 3);
  EXPECT_EQ(value<std::uint32_t>(*cigar.children[0], 1, 1), 5U << 4U | 4U);
  const ArrowArray& score = *out.array.children[3];
  EXPECT_EQ(score.null_count, 1);
  EXPECT_EQ(value<std::uint8_t>(score, 0, 0), 0b101);
}

TEST(Arrow, NothingIsCopied) {
  Table table = alignments();
  const void* values = table.column("pos").values().data();
  const void* offsets = table.column("name").offsets().data();
  const void* items = table.column("cigar").values().data();
  const Exported out(std::move(table));
  EXPECT_EQ(out.array.children[0]->buffers[1], values);
  EXPECT_EQ(out.array.children[1]->buffers[1], offsets);
  EXPECT_EQ(out.array.children[2]->children[0]->buffers[1], items);
}

TEST(Arrow, EveryTypeHasItsFormat) {
  const struct {
    Type type;
    const char* format;
  } rows[] = {{Type::int8, "c"},        {Type::uint8, "C"},  {Type::int16, "s"},
              {Type::uint16, "S"},      {Type::int32, "i"},  {Type::uint32, "I"},
              {Type::int64, "l"},       {Type::uint64, "L"}, {Type::float32, "f"},
              {Type::float64, "g"},     {Type::utf8, "U"},   {Type::binary, "Z"},
              {Type::list_uint32, "+L"}};
  for (const auto& row : rows) {
    Table table;
    table.add(Column("x", row.type));
    const Exported out(std::move(table));
    EXPECT_STREQ(out.schema.children[0]->format, row.format);
    // Without rows there are still pointers, but for the bitmap.
    const ArrowArray& array = *out.array.children[0];
    EXPECT_EQ(array.length, 0);
    for (std::int64_t i = 1; i < array.n_buffers; ++i) EXPECT_NE(array.buffers[i], nullptr);
  }
}

TEST(Arrow, ACountHasALengthAndNoChildren) {
  const Exported out(Table(42));
  EXPECT_EQ(out.array.length, 42);
  EXPECT_EQ(out.array.n_children, 0);
  EXPECT_EQ(out.schema.n_children, 0);
}

TEST(Arrow, ReleaseMarksTheStructReleased) {
  Exported out(alignments());
  out.schema.release(&out.schema);
  EXPECT_EQ(out.schema.release, nullptr);
  out.array.release(&out.array);
  EXPECT_EQ(out.array.release, nullptr);
}

TEST(Arrow, AChildThatWasMovedOutOutlivesItsParent) {
  // The specification: copy the child, mark it released in place, then release the parent.
  Exported out(alignments());
  const ArrowArray& list = *out.array.children[2];
  ArrowArray items = *list.children[0];
  list.children[0]->release = nullptr;
  ArrowArray names = *out.array.children[1];
  out.array.children[1]->release = nullptr;
  ArrowSchema schema = *out.schema.children[1];
  out.schema.children[1]->release = nullptr;
  out.array.release(&out.array);
  out.schema.release(&out.schema);
  EXPECT_EQ(value<std::uint32_t>(items, 1, 0), 100U << 4U);
  EXPECT_EQ(std::string(static_cast<const char*>(names.buffers[2]), 5), "r1r22");
  EXPECT_STREQ(schema.name, "name");
  items.release(&items);
  names.release(&names);
  schema.release(&schema);
}

}  // namespace
}  // namespace cnf::query
