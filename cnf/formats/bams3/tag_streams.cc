// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/consensus.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"
#include "cnf/formats/bams3/tags.h"

namespace cnf::bams3 {
namespace {

// A column's key: the tag's two letters, its type, and the subtype of an array. Arrays are never
// derived, so the last byte says "derived" for the other types.
constexpr std::uint32_t kDerived = 1U << 24U;

std::uint32_t key_of(const Tag& tag) {
  return tag.name[0] | (std::uint32_t{tag.name[1]} << 8U) |
         (std::uint32_t{static_cast<std::uint8_t>(tag.type)} << 16U) |
         (std::uint32_t{static_cast<std::uint8_t>(tag.subtype)} << 24U);
}
// Derived tags take no bytes of a column, so their number in a layout is bounded for itself.
constexpr std::ptrdiff_t kMaxDerived = 16;
char type_of(std::uint32_t key) { return static_cast<char>((key >> 16U) & 0xffU); }
char subtype_of(std::uint32_t key) { return static_cast<char>(key >> 24U); }
bool is_derived(std::uint32_t key) { return type_of(key) != 'B' && (key >> 24U) != 0; }
// Up to three bytes behind the last tag, which samtools passes over: a column of their own.
bool is_rest(std::uint32_t key) { return key >= 1 && key <= 3; }
bool is_named(std::uint32_t key, std::string_view two) {
  return (key & 0xffU) == static_cast<std::uint8_t>(two[0]) &&
         ((key >> 8U) & 0xffU) == static_cast<std::uint8_t>(two[1]);
}

std::string cigar_text(std::span<const std::uint32_t> cigar) {
  if (cigar.empty()) return "*";
  std::string text;
  for (const std::uint32_t element : cigar) {
    text += std::to_string(cigar_length(element));
    text += "MIDNSHP=XB??????"[element & 0xfU];
  }
  return text;
}

/// What MD, NM, MC and MQ of one record are by the rules; each found out when first asked.
class Derivation {
 public:
  Derivation(const TagContext& context, std::size_t record) : context_(context), record_(record) {}

  /// The text that a derivable Z tag must have; nullopt if the rules give none.
  std::optional<std::string> text(std::uint32_t key) {
    if (is_named(key, "MD"))
      return has_differences() ? std::optional(differences_->md) : std::nullopt;
    if (is_named(key, "MC") && mate()) return cigar_text(context_.core.cigar(*mate()));
    return std::nullopt;
  }
  std::optional<std::int64_t> integer(std::uint32_t key) {
    if (is_named(key, "NM"))
      return has_differences() ? std::optional(differences_->nm) : std::nullopt;
    if (is_named(key, "MQ") && mate()) return context_.core.mapq[*mate()];
    return std::nullopt;
  }

 private:
  [[nodiscard]] std::optional<std::size_t> mate() const {
    const std::int32_t link = context_.mates.link[record_];
    return link < 0 ? std::nullopt : std::optional(static_cast<std::size_t>(link));
  }
  bool has_differences() {
    if (!differences_ && is_aligned(context_.core, record_)) {
      differences_ =
          differences(context_.core, record_, context_.bases.of(record_), context_.consensus);
    }
    return differences_.has_value();
  }

  const TagContext& context_;
  std::size_t record_;
  std::optional<Differences> differences_;
};

bool is_derivable(const Tag& tag, std::uint32_t key, Derivation& derivation) {
  if (tag.type == 'Z') return derivation.text(key) == tag.text();
  if (const auto value = tag.integer()) return derivation.integer(key) == *value;
  return false;
}

void put_value(const Tag& tag, Buffer& column) {
  ByteWriter writer(column);
  const auto integer = tag.integer();
  if (integer && tag_value_bytes(tag.type) > 1) {
    writer.put_zigzag(*integer);
  } else if (tag.type == 'B') {
    writer.put_varint((tag.value.size() - 4) /
                      std::max<std::size_t>(tag_value_bytes(tag.subtype), 1));
    writer.put_bytes(tag.value.subspan(4));
  } else {
    writer.put_bytes(tag.value);
  }
}

void put_integer(char type, std::int64_t value, Buffer& out) {
  // Two's complement, little-endian: the low bytes are the value in any width.
  std::memcpy(out.extend(tag_value_bytes(type)).data(), &value, tag_value_bytes(type));
}

bool fits(char type, std::int64_t value) {
  switch (type) {
    case 's':
      return value >= -32768 && value <= 32767;
    case 'S':
      return value >= 0 && value <= 65535;
    case 'i':
      return value >= -2147483648LL && value <= 2147483647LL;
    case 'I':
      return value >= 0 && value <= 4294967295LL;
    case 'c':
      return value >= -128 && value <= 127;
    case 'C':
      return value >= 0 && value <= 255;
    default:
      return false;
  }
}

bool is_known_type(std::uint32_t key) {
  const char type = type_of(key);
  if (type == 'B') {
    const char subtype = subtype_of(key);
    return tag_value_bytes(subtype) > 0 && subtype != 'A' && subtype != 'd';
  }
  return type == 'Z' || type == 'H' || tag_value_bytes(type) > 0;
}

}  // namespace

void encode_tags(const RecordBatch& batch, const TagContext& context, StreamWriter& out) {
  std::map<std::uint32_t, Buffer> columns;
  std::map<std::vector<std::uint32_t>, std::uint32_t> layouts;
  std::vector<std::uint32_t> counts;
  std::vector<std::uint32_t> ids;
  std::vector<std::uint32_t> layout;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    layout.clear();
    Derivation derivation(context, i);
    std::ptrdiff_t derived = 0;
    for (ByteSpan rest = batch[i].tags(); !rest.empty();) {
      const Tag tag = take_tag(rest);
      const std::uint32_t key = key_of(tag);
      if (derived < kMaxDerived && is_derivable(tag, key, derivation)) {
        ++derived;
        layout.push_back(key | kDerived);
      } else {
        layout.push_back(key);
        put_value(tag, columns[key]);
      }
    }
    const auto place = layouts.emplace(layout, static_cast<std::uint32_t>(counts.size())).first;
    if (place->second == counts.size()) counts.push_back(0);
    ++counts[place->second];
    ids.push_back(place->second);
  }
  if (layouts.size() == 1 && layouts.begin()->first.empty()) return;

  std::vector<const std::vector<std::uint32_t>*> by_id(layouts.size());
  for (const auto& [keys, id] : layouts) by_id[id] = &keys;
  std::vector<std::uint32_t> order(layouts.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order,
                           [&](std::uint32_t a, std::uint32_t b) { return counts[a] > counts[b]; });
  std::vector<std::uint32_t> rank(order.size());
  ByteWriter dictionary(out.add(StreamId::tag_layouts));
  dictionary.put_varint(order.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    rank[order[i]] = i;
    dictionary.put_varint(by_id[order[i]]->size());
    for (const std::uint32_t key : *by_id[order[i]]) dictionary.put(key);
  }
  ByteWriter id_writer(out.add(StreamId::tag_layout_ids));
  for (const std::uint32_t id : ids) id_writer.put_varint(rank[id]);
  for (auto& [key, bytes] : columns) out.add(StreamId::tag_column, 0, key) = std::move(bytes);
}

struct TagDecoder::Impl {
  struct Column {
    Buffer bytes;
    std::unique_ptr<ByteReader> reader;  // null for a derived column
  };
  struct Field {
    std::uint32_t key;
    ByteReader* reader;
  };

  Impl(const TagContext& tag_context, const StreamReader& in)
      : context(tag_context),
        subject(in.subject()),
        layout_bytes(in.get(StreamId::tag_layouts)),
        id_bytes(in.get(StreamId::tag_layout_ids)),
        ids(id_bytes, subject) {
    if (layout_bytes.empty()) return;
    ByteReader reader(layout_bytes, subject);
    layouts.resize(reader.get_count());
    for (auto& layout : layouts) {
      layout.resize(reader.get_count(4));
      for (Field& field : layout) {
        field.key = reader.get<std::uint32_t>();
        const bool is_known =
            is_rest(field.key) ? &field == &layout.back() : is_known_type(field.key);
        if (!is_known) reader.fail("unknown type of tag");
        field.reader = is_derived(field.key) ? nullptr : column(field.key, in);
      }
      const auto derived = std::ranges::count(layout, nullptr, &Field::reader);
      if (derived > kMaxDerived) reader.fail("too many derived tags");
    }
  }

  ByteReader* column(std::uint32_t key, const StreamReader& in) {
    Column& result = columns[key];
    if (!result.reader) {
      result.bytes = in.get(StreamId::tag_column, key);
      result.reader = std::make_unique<ByteReader>(result.bytes, subject);
    }
    return result.reader.get();
  }

  void next(Buffer* out) {
    const std::size_t record = done++;
    if (layouts.empty()) return;
    const std::uint64_t id = ids.get_varint();
    if (id >= layouts.size()) ids.fail("id beyond its dictionary");
    Derivation derivation(context, record);
    for (const Field& field : layouts[id]) {
      if (out != nullptr && !is_rest(field.key)) put_name(field.key, *out);
      if (field.reader == nullptr) {
        if (out != nullptr) put_derived(field.key, derivation, *out);
      } else {
        copy_value(field, out);
      }
    }
  }

  static void put_name(std::uint32_t key, Buffer& out) {
    const MutableByteSpan place = out.extend(type_of(key) == 'B' ? 4 : 3);
    std::memcpy(place.data(), &key, place.size());
  }

  void put_derived(std::uint32_t key, Derivation& derivation, Buffer& out) const {
    if (type_of(key) == 'Z') {
      if (const auto text = derivation.text(key)) {
        ByteWriter writer(out);
        writer.put_bytes(as_bytes(*text));
        writer.put('\0');
        return;
      }
    } else if (const auto value = derivation.integer(key); value && fits(type_of(key), *value)) {
      put_integer(type_of(key), *value, out);
      return;
    }
    throw Error(Errc::corrupt_data, "decode tags", subject, "a tag cannot be derived");
  }

  static void copy_value(const Field& field, Buffer* out) {
    const char type = type_of(field.key);
    ByteReader& reader = *field.reader;
    ByteSpan value;
    if (type == 'Z' || type == 'H') {
      value = reader.get_until_nul();
    } else if (type == 'B') {
      const std::size_t width = tag_value_bytes(subtype_of(field.key));
      const std::uint64_t count = reader.get_count(width);
      value = reader.get_bytes(count * width);
      if (out != nullptr) ByteWriter(*out).put(static_cast<std::uint32_t>(count));
    } else if (is_rest(field.key)) {
      value = reader.get_bytes(field.key);
    } else if (type == 'f' || type == 'd' || tag_value_bytes(type) == 1) {
      value = reader.get_bytes(tag_value_bytes(type));
    } else {
      const std::int64_t integer = reader.get_zigzag();
      if (!fits(type, integer)) reader.fail("integer beyond its type");
      if (out != nullptr) put_integer(type, integer, *out);
      return;
    }
    if (out != nullptr) out->append(value);
  }

  const TagContext context;
  std::string subject;
  Buffer layout_bytes;
  Buffer id_bytes;
  ByteReader ids;
  std::vector<std::vector<Field>> layouts;
  std::unordered_map<std::uint32_t, Column> columns;
  std::size_t done = 0;
};

TagDecoder::TagDecoder(const TagContext& context, const StreamReader& in)
    : impl_(std::make_unique<Impl>(context, in)) {}
TagDecoder::~TagDecoder() = default;
TagDecoder::TagDecoder(TagDecoder&&) noexcept = default;
void TagDecoder::next(Buffer& out) { impl_->next(&out); }
void TagDecoder::skip() { impl_->next(nullptr); }

}  // namespace cnf::bams3
