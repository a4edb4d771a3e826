// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/header.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"

namespace cnf::bams3 {
namespace {

constexpr int kLevel = 9;
constexpr std::uint64_t kAlwaysAllowed = std::uint64_t{16} << 20;
// A varint each for the length of the name and for the reference's length.
constexpr std::size_t kMinReferenceBytes = 2;

// Where the text's @HD line stands, its line end excluded; nullopt if there is none. The text ends
// at its first NUL, as for htslib.
struct Line {
  std::size_t begin = 0;
  std::size_t end = 0;
};
std::optional<Line> find_hd(std::string_view text) {
  text = text.substr(0, text.find('\0'));
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t newline = std::min(text.find('\n', begin), text.size());
    std::size_t end = newline;
    if (end > begin && text[end - 1] == '\r') --end;
    const std::string_view line = text.substr(begin, end - begin);
    if (line == "@HD" || line.starts_with("@HD\t")) return Line{begin, end};
    begin = newline + 1;
  }
  return std::nullopt;
}

// The field `key` ("SO:") of a header line, its tab included; nullopt if there is none.
std::optional<Line> find_field(std::string_view text, Line line, std::string_view key) {
  for (std::size_t tab = text.find('\t', line.begin); tab < line.end;) {
    const std::size_t next = std::min(text.find('\t', tab + 1), line.end);
    if (text.substr(tab + 1, next - tab - 1).starts_with(key)) return Line{tab, next};
    tab = next;
  }
  return std::nullopt;
}

void erase_field(std::string& text, std::string_view key) {
  const auto field = find_field(text, find_hd(text).value(), key);
  if (field) text.erase(field->begin, field->end - field->begin);
}

bool expands_too_much(std::uint64_t raw, std::uint64_t compressed) {
  return raw > kAlwaysAllowed && (raw - kAlwaysAllowed) / Header::kMaxExpansion > compressed;
}

Buffer payload_of(const Header& header) {
  Buffer payload;
  ByteWriter out(payload);
  out.put_string(header.text);
  out.put_varint(header.references.size());
  for (const Reference& reference : header.references) {
    out.put_string(reference.name);
    out.put_varint(reference.length);
  }
  return payload;
}

Header parse_payload(ByteSpan payload, std::string_view subject) {
  ByteReader in(payload, subject);
  Header header;
  header.text = in.get_string();
  const std::uint64_t count = in.get_count(kMinReferenceBytes);
  if (count > std::numeric_limits<std::int32_t>::max())
    in.fail("more references than BAM can hold");
  header.references.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    Reference reference{.name = std::string(in.get_string())};
    if (reference.name.find('\0') != std::string::npos) in.fail("a reference's name holds a NUL");
    const std::uint64_t length = in.get_varint();
    if (length > std::numeric_limits<std::uint32_t>::max()) in.fail("a reference is too long");
    reference.length = static_cast<std::uint32_t>(length);
    header.references.push_back(std::move(reference));
  }
  if (!in.at_end()) in.fail("bytes follow the last reference");
  return header;
}

}  // namespace

std::string Header::declared_order() const {
  const auto line = find_hd(text);
  if (!line) return {};
  const auto field = find_field(text, *line, "SO:");
  constexpr std::size_t kBeforeValue = 4;  // "\tSO:"
  return field ? text.substr(field->begin + kBeforeValue, field->end - field->begin - kBeforeValue)
               : std::string();
}

void Header::declare_order(std::string_view order) {
  const std::string value = "\tSO:" + std::string(order);
  const auto line = find_hd(text);
  if (!line) {
    text.insert(0, "@HD\tVN:1.6" + value + "\n");
    return;
  }
  if (const auto field = find_field(text, *line, "SO:")) {
    text.replace(field->begin, field->end - field->begin, value);
  } else {
    text.insert(line->end, value);
  }
  erase_field(text, "GO:");
  erase_field(text, "SS:");
}

Buffer Header::to_bam() const {
  Buffer bytes;
  ByteWriter out(bytes);
  out.put_bytes(as_bytes(std::string_view("BAM\1", 4)));
  out.put(static_cast<std::uint32_t>(text.size()));
  out.put_bytes(as_bytes(text));
  out.put(static_cast<std::uint32_t>(references.size()));
  for (const Reference& reference : references) {
    out.put(static_cast<std::uint32_t>(reference.name.size() + 1));
    out.put_bytes(as_bytes(reference.name));
    out.put(std::uint8_t{0});
    out.put(reference.length);
  }
  return bytes;
}

Buffer Header::encode() const {
  const Buffer payload = payload_of(*this);
  Buffer compressed;
  compress::make_codec({.algorithm = "zstd", .level = kLevel})->compress(payload, compressed);
  const bool worth_it =
      compressed.size() < payload.size() && !expands_too_much(payload.size(), compressed.size());
  Buffer encoded;
  ByteWriter out(encoded);
  out.put(static_cast<std::uint8_t>(worth_it ? compress::CodecId::zstd : compress::CodecId::none));
  out.put_varint(payload.size());
  out.put_bytes(worth_it ? compressed : payload);
  return encoded;
}

Header Header::decode(ByteSpan encoded, std::string_view subject) {
  ByteReader in(encoded, subject);
  const compress::CodecId codec = compress::codec_id(in.get<std::uint8_t>(), subject);
  const std::uint64_t size = in.get_varint();
  if (expands_too_much(size, in.remaining())) in.fail("the header claims an impossible size");
  Buffer payload(size);
  compress::decompress(codec, in.get_bytes(in.remaining()), payload.span(), subject);
  return parse_payload(payload, subject);
}

hts::SequenceNames reference_names(const Header& header) {
  hts::SequenceNames names;
  for (const Reference& reference : header.references) names.add(reference.name);
  return names;
}

}  // namespace cnf::bams3
