// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/exceptions.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/bams3/core_columns.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {
namespace {

bool is_plain_name(ByteSpan field) {
  const auto first_nul = std::ranges::find(field, std::byte{0});
  return first_nul == field.end() - 1;
}

std::size_t get_record(ByteReader& reader, std::size_t& next, std::size_t records) {
  const std::uint64_t gap = reader.get_varint();
  if (next >= records || gap >= records - next) reader.fail("record beyond the group");
  const std::size_t record = next + gap;
  next = record + 1;
  return record;
}

}  // namespace

std::uint16_t expected_bin(const CoreColumns& core, std::size_t record) noexcept {
  return reg2bin(core.pos[record], core.end(record));
}

Exceptions find_exceptions(const RecordBatch& batch, const CoreColumns& core) {
  Exceptions exceptions;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const RecordView record = batch[i];
    if (record.bin() != expected_bin(core, i)) {
      const bool extends = !exceptions.bins.empty() && exceptions.bins.back().bin == record.bin() &&
                           exceptions.bins.back().first + exceptions.bins.back().count == i;
      if (extends) {
        ++exceptions.bins.back().count;
      } else {
        exceptions.bins.push_back({i, 1, record.bin()});
      }
    }
    if (!is_plain_name(record.name_field())) {
      exceptions.names.emplace(i, Buffer::copy_of(record.name_field()));
    }
    if (record.seq_length() % 2 == 1) {
      const auto spare = std::to_integer<std::uint8_t>(record.seq().back() & std::byte{0xf});
      if (spare != 0) exceptions.padding.emplace(i, spare);
    }
  }
  return exceptions;
}

void encode_exceptions(const Exceptions& exceptions, StreamWriter& out) {
  if (exceptions.bins.empty() && exceptions.names.empty() && exceptions.padding.empty()) return;
  ByteWriter writer(out.add(StreamId::exceptions));
  std::size_t next = 0;
  writer.put_varint(exceptions.bins.size());
  for (const auto& run : exceptions.bins) {
    writer.put_varint(run.first - next);
    writer.put_varint(run.count);
    writer.put(run.bin);
    next = run.first + run.count;
  }
  next = 0;
  writer.put_varint(exceptions.names.size());
  for (const auto& [record, field] : exceptions.names) {
    writer.put_varint(record - next);
    writer.put_string(as_text(field));
    next = record + 1;
  }
  next = 0;
  writer.put_varint(exceptions.padding.size());
  for (const auto& [record, nibble] : exceptions.padding) {
    writer.put_varint(record - next);
    writer.put(nibble);
    next = record + 1;
  }
}

Exceptions decode_exceptions(const StreamReader& in) {
  Exceptions exceptions;
  if (in.find(StreamId::exceptions) == nullptr) return exceptions;
  const std::size_t records = in.directory().records;
  const Buffer bytes = in.get(StreamId::exceptions);
  ByteReader reader(bytes, in.subject());
  std::size_t next = 0;
  for (std::uint64_t left = reader.get_count(4); left > 0; --left) {
    const std::size_t first = get_record(reader, next, records);
    const std::uint64_t count = reader.get_varint();
    if (count == 0 || count > records - first) reader.fail("run beyond the group");
    exceptions.bins.push_back({first, count, reader.get<std::uint16_t>()});
    next = first + count;
  }
  next = 0;
  for (std::uint64_t left = reader.get_count(2); left > 0; --left) {
    const std::size_t record = get_record(reader, next, records);
    const std::string_view field = reader.get_string();
    if (field.empty() || field.size() > 255) reader.fail("name field of impossible length");
    exceptions.names.emplace(record, Buffer::copy_of(as_bytes(field)));
  }
  next = 0;
  for (std::uint64_t left = reader.get_count(2); left > 0; --left) {
    const std::size_t record = get_record(reader, next, records);
    const auto nibble = reader.get<std::uint8_t>();
    if (nibble > 15) reader.fail("padding is no nibble");
    exceptions.padding.emplace(record, nibble);
  }
  return exceptions;
}

}  // namespace cnf::bams3
