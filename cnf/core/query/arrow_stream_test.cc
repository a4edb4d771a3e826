// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/query/arrow_stream.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <flatbuffers/flatbuffers.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cnf/core/query/table.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"

namespace cnf::query {
namespace {

using FlatTable = flatbuffers::Table;
template <typename T>
using FlatVector = flatbuffers::Vector<T>;
template <typename T>
using Offset = flatbuffers::Offset<T>;

flatbuffers::voffset_t field(int number) {
  return flatbuffers::FieldIndexToOffset(static_cast<flatbuffers::voffset_t>(number));
}

/// A message of a stream, taken apart as Arrow's specification says.
struct Message {
  std::uint8_t kind = 0;
  const FlatTable* header = nullptr;
  std::string_view body;
};

std::vector<Message> messages_of(const std::string& stream) {
  std::vector<Message> messages;
  ByteReader in(as_bytes(stream), "stream");
  while (true) {
    EXPECT_EQ(in.get<std::uint32_t>(), 0xFFFFFFFFU);
    const auto size = in.get<std::uint32_t>();
    if (size == 0) break;
    EXPECT_EQ((in.offset() + size) % 8, 0U);
    const ByteSpan bytes = in.get_bytes(size);
    const auto* root = flatbuffers::GetRoot<FlatTable>(bytes.data());
    EXPECT_EQ(root->GetField<std::int16_t>(field(0), 0), 4);
    Message message;
    message.kind = root->GetField<std::uint8_t>(field(1), 0);
    message.header = root->GetPointer<const FlatTable*>(field(2));
    message.body = as_text(
        in.get_bytes(static_cast<std::uint64_t>(root->GetField<std::int64_t>(field(3), 0))));
    messages.push_back(message);
  }
  EXPECT_TRUE(in.at_end());
  return messages;
}

struct Pair {
  std::int64_t first, second;
};

std::vector<std::string_view> buffers_of(const Message& batch) {
  std::vector<std::string_view> buffers;
  for (const Pair* place : *batch.header->GetPointer<const FlatVector<const Pair*>*>(field(2))) {
    EXPECT_EQ(place->first % 8, 0);
    buffers.push_back(batch.body.substr(static_cast<std::size_t>(place->first),
                                        static_cast<std::size_t>(place->second)));
  }
  return buffers;
}

Table variants() {
  Column id("id", Type::utf8);
  for (const char* text : {"rs1", "", "rs22"}) id.append(text);
  Column pos("pos", Type::int64);
  pos.append_values(std::span<const std::int64_t>({5, 6, 7}));
  pos.validity().resize(1);
  pos.validity().data()[0] = std::byte{0b101};
  Column carriers("carriers", Type::list_uint32);
  carriers.append(std::vector<std::uint32_t>{1, 2});
  carriers.append(std::vector<std::uint32_t>{});
  carriers.append(std::vector<std::uint32_t>{9});
  Table table(3);
  table.add(std::move(id));
  table.add(std::move(pos));
  table.add(std::move(carriers));
  return table;
}

class ArrowStream : public ::testing::Test {
 protected:
  std::string stream_;
  ArrowStreamWriter writer_{[this](ByteSpan bytes) { stream_ += as_text(bytes); }};
};

TEST_F(ArrowStream, CarriesTheSchemaThenEveryTable) {
  writer_.write(variants());
  writer_.write(variants());
  writer_.finish();
  const std::vector<Message> messages = messages_of(stream_);
  ASSERT_EQ(messages.size(), 3U);
  EXPECT_EQ(messages[0].kind, 1);
  EXPECT_EQ(messages[1].kind, 3);

  const auto* fields =
      messages[0].header->GetPointer<const FlatVector<Offset<FlatTable>>*>(field(1));
  std::vector<std::string> names;
  std::vector<int> types;
  for (const FlatTable* each : *fields) {
    names.push_back(each->GetPointer<const flatbuffers::String*>(field(0))->str());
    types.push_back(each->GetField<std::uint8_t>(field(2), 0));
  }
  EXPECT_THAT(names, ::testing::ElementsAre("id", "pos", "carriers"));
  EXPECT_THAT(types, ::testing::ElementsAre(20, 2, 21));
  const auto* items = fields->Get(2)->GetPointer<const FlatVector<Offset<FlatTable>>*>(field(5));
  ASSERT_EQ(items->size(), 1U);

  EXPECT_EQ(messages[1].header->GetField<std::int64_t>(field(0), 0), 3);
  std::vector<std::int64_t> nodes;
  for (const Pair* node :
       *messages[1].header->GetPointer<const FlatVector<const Pair*>*>(field(1))) {
    nodes.push_back(node->first);
    nodes.push_back(node->second);
  }
  EXPECT_THAT(nodes, ::testing::ElementsAre(3, 0, 3, 1, 3, 0, 3, 0));
  const std::vector<std::string_view> buffers = buffers_of(messages[2]);
  ASSERT_EQ(buffers.size(), 9U);  // text: 3; numbers: 2; a list: 2, its items: 2
  EXPECT_EQ(buffers[2], "rs1rs22");
  EXPECT_EQ(buffers[3], std::string_view("\x05", 1));
  EXPECT_EQ(buffers[4], std::string_view("\5\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0", 24));
  EXPECT_EQ(buffers[8], std::string_view("\1\0\0\0\2\0\0\0\x09\0\0\0", 12));
}

TEST_F(ArrowStream, OfNoTablesHasItsSchema) {
  writer_.begin({{"id", Type::utf8}});
  writer_.finish();
  const std::vector<Message> messages = messages_of(stream_);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].kind, 1);
}

TEST_F(ArrowStream, RefusesATableOfOtherColumns) {
  writer_.begin({{"id", Type::utf8}});
  EXPECT_THROW(writer_.write(variants()), Error);
}

}  // namespace
}  // namespace cnf::query
