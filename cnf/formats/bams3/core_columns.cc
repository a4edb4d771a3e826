// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/core_columns.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {
namespace {

// Encodings of `flag` and `length`.
constexpr std::uint8_t kPlain = 0;       // a varint each
constexpr std::uint8_t kDictionary = 1;  // up to 256 values, then a byte each
// Encodings of `cigar_dictionary`.
constexpr std::uint8_t kById = 0;  // distinct CIGARs, by frequency; cigar_ids has a varint each
constexpr std::uint8_t kPerRecord = 1;  // every record's own; there are no cigar_ids

template <typename T>
void encode_small_set(StreamId id, std::span<const T> values, StreamWriter& out) {
  std::unordered_map<T, std::uint32_t> counts;
  for (const T value : values) {
    ++counts[value];
    if (counts.size() > 256) break;
  }
  if (counts.size() > 256) {
    Buffer& bytes = out.add(id, kPlain);
    ByteWriter writer(bytes);
    for (const T value : values) writer.put_varint(value);
    return;
  }
  std::vector<std::pair<T, std::uint32_t>> order(counts.begin(), counts.end());
  std::ranges::sort(order, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  Buffer& bytes = out.add(id, kDictionary);
  ByteWriter writer(bytes);
  writer.put_varint(order.size());
  std::unordered_map<T, std::uint8_t> ids;
  for (const auto& [value, count] : order) {
    ids.emplace(value, static_cast<std::uint8_t>(ids.size()));
    writer.put_varint(value);
  }
  const MutableByteSpan place = bytes.extend(values.size());
  std::ranges::transform(values, place.begin(), [&](T value) { return std::byte{ids.at(value)}; });
}

template <typename T>
std::vector<T> decode_small_set(StreamId id, const StreamReader& in) {
  const std::size_t records = in.directory().records;
  const Buffer bytes = in.get(id);
  ByteReader reader(bytes, in.subject());
  const auto get_value = [&reader] {
    const std::uint64_t value = reader.get_varint();
    if (value > std::numeric_limits<T>::max()) reader.fail("value out of range");
    return static_cast<T>(value);
  };
  std::vector<T> values(records);
  if (records == 0) return values;
  const StreamEntry* entry = in.find(id);
  if (entry == nullptr) reader.fail("a core stream is missing");
  if (entry->encoding == kPlain) {
    for (T& value : values) value = get_value();
    return values;
  }
  if (entry->encoding != kDictionary) reader.fail("unknown encoding");
  std::vector<T> dictionary(reader.get_count());
  for (T& value : dictionary) value = get_value();
  const ByteSpan ids = reader.get_bytes(records);
  for (std::size_t i = 0; i < records; ++i) {
    const auto index = std::to_integer<std::size_t>(ids[i]);
    if (index >= dictionary.size()) reader.fail("id beyond its dictionary");
    values[i] = dictionary[index];
  }
  return values;
}

void encode_references(const CoreColumns& columns, StreamWriter& out) {
  ByteWriter writer(out.add(StreamId::reference));
  for (std::size_t i = 0; i < columns.size();) {
    const std::size_t start = i;
    while (i < columns.size() && columns.ref[i] == columns.ref[start]) ++i;
    writer.put_zigzag(columns.ref[start]);
    writer.put_varint(i - start);
  }
}

// Positions follow each other within a run of one reference and start anew with the next.
void encode_positions(const CoreColumns& columns, StreamWriter& out) {
  ByteWriter writer(out.add(StreamId::position));
  std::int64_t last = 0;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0 && columns.ref[i] != columns.ref[i - 1]) last = 0;
    writer.put_zigzag(columns.pos[i] - last);
    last = columns.pos[i];
  }
}

void put_cigar(std::span<const std::uint32_t> elements, ByteWriter& writer) {
  writer.put_varint(elements.size());
  for (const std::uint32_t element : elements) writer.put_varint(element);
}

void encode_cigars(const CoreColumns& columns, StreamWriter& out) {
  const std::size_t distinct = columns.cigar_spans.size();
  if (distinct * 2 > columns.size() && columns.size() > 1) {
    ByteWriter writer(out.add(StreamId::cigar_dictionary, kPerRecord));
    for (std::size_t i = 0; i < columns.size(); ++i) put_cigar(columns.cigar(i), writer);
    return;
  }
  std::vector<std::uint32_t> counts(distinct, 0);
  for (const std::uint32_t id : columns.cigar_ids) ++counts[id];
  std::vector<std::uint32_t> order(distinct);
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order,
                           [&](std::uint32_t a, std::uint32_t b) { return counts[a] > counts[b]; });
  std::vector<std::uint32_t> rank(distinct);
  ByteWriter dictionary(out.add(StreamId::cigar_dictionary, kById));
  dictionary.put_varint(distinct);
  for (std::uint32_t i = 0; i < distinct; ++i) {
    rank[order[i]] = i;
    const std::uint32_t start = columns.cigar_starts[order[i]];
    put_cigar(std::span(columns.cigar_elements)
                  .subspan(start, columns.cigar_starts[order[i] + 1] - start),
              dictionary);
  }
  ByteWriter ids(out.add(StreamId::cigar_ids));
  for (const std::uint32_t id : columns.cigar_ids) ids.put_varint(rank[id]);
}

void add_span(CoreColumns& columns) {
  std::int64_t span = 0;
  for (std::size_t i = columns.cigar_starts[columns.cigar_spans.size()];
       i < columns.cigar_elements.size(); ++i) {
    const std::uint32_t element = columns.cigar_elements[i];
    if (consumes_reference(cigar_op(element))) span += cigar_length(element);
  }
  columns.cigar_spans.push_back(span);
  columns.cigar_starts.push_back(static_cast<std::uint32_t>(columns.cigar_elements.size()));
}

void get_cigar(ByteReader& reader, CoreColumns& columns) {
  const std::uint64_t count = reader.get_count();
  if (count > std::numeric_limits<std::uint16_t>::max()) reader.fail("too many CIGAR operations");
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t element = reader.get_varint();
    if (element > std::numeric_limits<std::uint32_t>::max())
      reader.fail("CIGAR operation out of range");
    columns.cigar_elements.push_back(static_cast<std::uint32_t>(element));
  }
  add_span(columns);
}

void decode_cigars(const StreamReader& in, CoreColumns& columns) {
  columns.cigar_starts.push_back(0);
  const std::size_t records = in.directory().records;
  columns.cigar_ids.resize(records);
  if (records == 0) return;
  const Buffer bytes = in.get(StreamId::cigar_dictionary);
  ByteReader reader(bytes, in.subject());
  const StreamEntry* entry = in.find(StreamId::cigar_dictionary);
  if (entry == nullptr) reader.fail("a core stream is missing");
  if (entry->encoding == kPerRecord) {
    for (std::size_t i = 0; i < records; ++i) {
      get_cigar(reader, columns);
      columns.cigar_ids[i] = static_cast<std::uint32_t>(i);
    }
    return;
  }
  if (entry->encoding != kById) reader.fail("unknown encoding");
  const std::uint64_t distinct = reader.get_count();
  for (std::uint64_t i = 0; i < distinct; ++i) get_cigar(reader, columns);
  const Buffer id_bytes = in.get(StreamId::cigar_ids);
  ByteReader ids(id_bytes, in.subject());
  for (std::uint32_t& id : columns.cigar_ids) {
    const std::uint64_t value = ids.get_varint();
    if (value >= distinct) ids.fail("id beyond its dictionary");
    id = static_cast<std::uint32_t>(value);
  }
}

void decode_places(const StreamReader& in, CoreColumns& columns) {
  const std::size_t records = in.directory().records;
  const Buffer ref_bytes = in.get(StreamId::reference);
  ByteReader refs(ref_bytes, in.subject());
  columns.ref.reserve(records);
  while (columns.ref.size() < records) {
    const std::int64_t ref = refs.get_zigzag();
    const std::uint64_t run = refs.get_varint();
    if (ref < -1 || ref > std::numeric_limits<std::int32_t>::max())
      refs.fail("reference out of range");
    if (run == 0 || run > records - columns.ref.size())
      refs.fail("run of references beyond the group");
    columns.ref.insert(columns.ref.end(), run, static_cast<std::int32_t>(ref));
  }
  const Buffer pos_bytes = in.get(StreamId::position);
  ByteReader positions(pos_bytes, in.subject());
  columns.pos.resize(records);
  std::int64_t last = 0;
  for (std::size_t i = 0; i < records; ++i) {
    if (i > 0 && columns.ref[i] != columns.ref[i - 1]) last = 0;
    const std::int64_t delta = positions.get_zigzag();
    constexpr std::int64_t kReach = std::int64_t{1} << 32;
    if (delta < -kReach || delta > kReach) positions.fail("position out of range");
    last += delta;
    // Below -1 too, which samtools lets pass.
    if (last < std::numeric_limits<std::int32_t>::min() ||
        last > std::numeric_limits<std::int32_t>::max())
      positions.fail("position out of range");
    columns.pos[i] = static_cast<std::int32_t>(last);
  }
}

}  // namespace

CoreColumns core_columns(const RecordBatch& batch) {
  CoreColumns columns;
  columns.cigar_starts.push_back(0);
  std::unordered_map<std::string_view, std::uint32_t> ids;  // views into the batch
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const RecordView record = batch[i];
    columns.ref.push_back(record.ref());
    columns.pos.push_back(record.pos());
    columns.flag.push_back(record.flag());
    columns.mapq.push_back(record.mapq());
    columns.length.push_back(record.seq_length());
    const ByteSpan field = record.cigar_field();
    const auto [place, is_new] =
        ids.emplace(as_text(field), static_cast<std::uint32_t>(columns.cigar_spans.size()));
    if (is_new) {
      for (std::size_t k = 0; k < record.cigar_count(); ++k)
        columns.cigar_elements.push_back(record.cigar(k));
      add_span(columns);
    }
    columns.cigar_ids.push_back(place->second);
  }
  return columns;
}

void encode_core(const CoreColumns& columns, StreamWriter& out) {
  encode_references(columns, out);
  encode_positions(columns, out);
  encode_small_set<std::uint16_t>(StreamId::flag, columns.flag, out);
  out.add(StreamId::mapq).append(std::as_bytes(std::span(columns.mapq)));
  encode_small_set<std::uint32_t>(StreamId::length, columns.length, out);
  encode_cigars(columns, out);
}

CoreColumns decode_core(const StreamReader& in) {
  CoreColumns columns;
  decode_places(in, columns);
  columns.flag = decode_small_set<std::uint16_t>(StreamId::flag, in);
  columns.length = decode_small_set<std::uint32_t>(StreamId::length, in);
  const Buffer mapq = in.get(StreamId::mapq);
  ByteReader reader(mapq, in.subject());
  const ByteSpan bytes = reader.get_bytes(in.directory().records);
  columns.mapq.resize(bytes.size());
  std::ranges::transform(bytes, columns.mapq.begin(),
                         [](std::byte b) { return std::to_integer<std::uint8_t>(b); });
  decode_cigars(in, columns);
  return columns;
}

}  // namespace cnf::bams3
