// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/hts_record.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <htslib/kstring.h>
#include <htslib/sam.h>
#include <nlohmann/json.hpp>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/tags.h"

namespace cnf::bams3 {
namespace {

[[noreturn]] void out_of_memory() {
  throw Error(Errc::internal, "convert", "record", "out of memory");
}

/// Memory that htslib will free with free().
template <typename T>
T* allocate(std::size_t count) {
  auto* memory = static_cast<T*>(
      std::calloc(std::max<std::size_t>(count, 1), sizeof(T)));  // NOLINT: htslib frees it
  if (memory == nullptr) out_of_memory();
  return memory;
}

/// The CIGAR that a CG tag holds, where the record's own field is the placeholder for it (SAMv1,
/// section 4.2.2), and where the tag stands.
struct LongCigar {
  ByteSpan elements;
  std::size_t tag_start;
  std::size_t tag_end;
};
std::optional<LongCigar> find_long_cigar(RecordView record) {
  if (record.cigar_count() == 0 || record.ref() < 0 || record.pos() < 0) return std::nullopt;
  const std::uint32_t first = record.cigar(0);
  if (cigar_op(first) != CigarOp::soft_clip || cigar_length(first) != record.seq_length())
    return std::nullopt;
  const ByteSpan all = record.tags();
  for (ByteSpan rest = all; !rest.empty();) {
    const std::size_t start = all.size() - rest.size();
    const Tag tag = take_tag(rest);
    if (!tag.is("CG")) continue;
    if (tag.type != 'B' || tag.subtype != 'I') return std::nullopt;
    const ByteSpan elements = tag.value.subspan(4);
    constexpr std::size_t kMostElements = std::size_t{1} << 29U;
    if (elements.size() / 4 < record.cigar_count() || elements.size() / 4 >= kMostElements)
      return std::nullopt;
    return LongCigar{elements, start, all.size() - rest.size()};
  }
  return std::nullopt;
}

std::vector<std::string_view> split(std::string_view line, char separator) {
  std::vector<std::string_view> fields;
  while (true) {
    const std::size_t end = line.find(separator);
    fields.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return fields;
    line.remove_prefix(end + 1);
  }
}

std::string sam_line(const sam_hdr_t& header, const bam1_t& record) {
  kstring_t text = KS_INITIALIZE;
  const int result = sam_format1(&header, &record, &text);
  std::string line(text.s != nullptr ? text.s : "", text.l);
  ks_free(&text);
  if (result < 0)
    throw Error(Errc::corrupt_data, "format record", line, "it cannot be written as SAM");
  return line;
}

// A line is taken apart at its tabs, which nothing in a record may hold; htslib writes them all the
// same.
[[noreturn]] void refuse_tabs(std::string_view line) {
  throw Error(Errc::corrupt_data, "format record", line.substr(0, line.find('\t')),
              "a name or a tag of it holds a tab", "use SAM or BAM, which pass it on");
}

nlohmann::ordered_json tag_value(std::string_view type, std::string_view text,
                                 std::string_view line) {
  if (type == "i") {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) refuse_tabs(line);
    return value;
  }
  return std::string(text);
}

}  // namespace

void HtsDeleter::operator()(sam_hdr_t* header) const noexcept { sam_hdr_destroy(header); }
void HtsDeleter::operator()(bam1_t* record) const noexcept { bam_destroy1(record); }

HtsHeader to_hts(const Header& header) {
  HtsHeader result(sam_hdr_init());
  if (!result) out_of_memory();
  result->l_text = header.text.size();
  result->text = allocate<char>(header.text.size() + 1);
  std::ranges::copy(header.text, result->text);
  const std::size_t count = header.references.size();
  result->target_len = allocate<std::uint32_t>(count);
  result->target_name = allocate<char*>(count);
  for (const Reference& reference : header.references) {
    const auto at = static_cast<std::size_t>(result->n_targets);
    result->target_name[at] = allocate<char>(reference.name.size() + 1);
    std::ranges::copy(reference.name, result->target_name[at]);
    result->target_len[at] = reference.length;
    ++result->n_targets;
  }
  return result;
}

HtsRecord make_hts_record() {
  HtsRecord record(bam_init1());
  if (!record) out_of_memory();
  return record;
}

void to_hts(RecordView record, bam1_t& out) {
  const std::optional<LongCigar> long_cigar = find_long_cigar(record);
  const ByteSpan cigar = long_cigar ? long_cigar->elements : record.cigar_field();
  const ByteSpan tags = record.tags();
  const ByteSpan tags_before = long_cigar ? tags.first(long_cigar->tag_start) : tags;
  const ByteSpan tags_behind = long_cigar ? tags.subspan(long_cigar->tag_end) : ByteSpan();
  const std::size_t padding = (4 - record.name_bytes() % 4U) % 4U;
  const std::size_t size = record.name_bytes() + padding + cigar.size() + record.seq().size() +
                           record.qual().size() + tags_before.size() + tags_behind.size();
  if (out.m_data < size) {
    auto* data =
        static_cast<std::uint8_t*>(std::realloc(out.data, size));  // NOLINT: htslib frees it
    if (data == nullptr) out_of_memory();
    out.data = data;
    out.m_data = static_cast<std::uint32_t>(size);
  }
  out.core.pos = record.pos();
  out.core.tid = record.ref();
  out.core.bin = record.bin();
  out.core.qual = record.mapq();
  out.core.l_extranul = static_cast<std::uint8_t>(padding);
  out.core.flag = record.flag();
  out.core.l_qname = static_cast<std::uint16_t>(record.name_bytes() + padding);
  out.core.n_cigar = static_cast<std::uint32_t>(cigar.size() / 4);
  out.core.l_qseq = static_cast<std::int32_t>(record.seq_length());
  out.core.mtid = record.next_ref();
  out.core.mpos = record.next_pos();
  out.core.isize = record.tlen();
  out.l_data = static_cast<int>(size);
  std::uint8_t* at = out.data;
  const auto put = [&at](ByteSpan bytes) {
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    at += bytes.size();
  };
  put(record.name_field());
  at = std::fill_n(at, padding, std::uint8_t{0});
  put(cigar);
  put(record.seq());
  put(record.qual());
  put(tags_before);
  put(tags_behind);
}

void check_references(const sam_hdr_t& header, RecordView record, std::string_view subject) {
  for (const std::int32_t ref : {record.ref(), record.next_ref()}) {
    if (ref < -1 || ref >= header.n_targets) {
      throw Error(Errc::corrupt_data, "read record", subject,
                  fmt::format("it names reference {} of {}", ref, header.n_targets));
    }
  }
}

void append_sam_line(const sam_hdr_t& header, const bam1_t& record, Buffer& out) {
  out.append(as_bytes(sam_line(header, record)));
  out.append(as_bytes("\n"));
}

void append_json_line(const sam_hdr_t& header, const bam1_t& record, Buffer& out) {
  const std::string line = sam_line(header, record);
  const std::vector<std::string_view> fields = split(line, '\t');
  static constexpr std::array<std::string_view, 11> kNames = {
      "qname", "flag", "rname", "pos", "mapq", "cigar", "rnext", "pnext", "tlen", "seq", "qual"};
  nlohmann::ordered_json object;
  for (std::size_t i = 0; i < kNames.size() && i < fields.size(); ++i) {
    const bool is_number = i == 1 || i == 3 || i == 4 || i == 7 || i == 8;
    object[std::string(kNames[i])] = tag_value(is_number ? "i" : "Z", fields[i], line);
  }
  nlohmann::ordered_json tags = nlohmann::ordered_json::object();
  for (std::size_t i = kNames.size(); i < fields.size(); ++i) {
    const std::string_view field = fields[i];  // "NM:i:0"
    if (field.size() < 5 || field[2] != ':' || field[4] != ':') refuse_tabs(line);
    const std::string_view type = field.substr(3, 1);
    tags[std::string(field.substr(0, 2))] = {{"type", std::string(type)},
                                             {"value", tag_value(type, field.substr(5), line)}};
  }
  object["tags"] = std::move(tags);
  out.append(
      as_bytes(object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)));
  out.append(as_bytes("\n"));
}

}  // namespace cnf::bams3
