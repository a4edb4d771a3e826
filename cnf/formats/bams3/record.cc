// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/record.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::bams3 {
namespace {

// samtools prints, and so checks, tags only while at least a name, a type and one byte are left.
constexpr std::size_t kMinTagBytes = 4;
// A tag's name and type; a B tag's subtype and count follow.
constexpr std::size_t kTagHeadBytes = 3;
constexpr std::size_t kArrayHeadBytes = 5;

std::uint32_t load_u32(const std::byte* from) noexcept {
  std::uint32_t value = 0;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

std::size_t scalar_size(char type) noexcept {
  switch (type) {
    case 'A':
    case 'c':
    case 'C':
      return 1;
    case 's':
    case 'S':
      return 2;
    case 'i':
    case 'I':
    case 'f':
      return 4;
    case 'd':  // in no specification, but samtools has always read and written it
      return 8;
    default:
      return 0;
  }
}

std::size_t element_size(char subtype) noexcept {
  return subtype == 'A' || subtype == 'd' ? 0 : scalar_size(subtype);
}

[[noreturn]] void fail(std::string_view subject, const std::string& why) {
  throw Error(Errc::corrupt_data, "read", subject, why, "the file is damaged: make it again");
}

std::string tag_name(ByteSpan tag) { return "tag " + std::string(as_text(tag.first(2))); }

// Bytes of the first tag; `tags` holds at least kMinTagBytes.
std::size_t checked_tag_size(ByteSpan tags, std::string_view subject) {
  const char type = static_cast<char>(tags[2]);
  const ByteSpan value = tags.subspan(kTagHeadBytes);
  if (type == 'Z' || type == 'H') {
    const auto nul = std::find(value.begin(), value.end(), std::byte{0});
    if (nul == value.end()) fail(subject, tag_name(tags) + " has no NUL at its end");
    return kTagHeadBytes + static_cast<std::size_t>(nul - value.begin()) + 1;
  }
  if (type == 'B') {
    const std::size_t element = element_size(static_cast<char>(value[0]));
    if (element == 0) fail(subject, tag_name(tags) + " is an array of an unknown type");
    if (value.size() < kArrayHeadBytes ||
        (value.size() - kArrayHeadBytes) / element < load_u32(value.data() + 1)) {
      fail(subject, tag_name(tags) + " is an array that goes past the end of the record");
    }
    return kTagHeadBytes + kArrayHeadBytes + element * load_u32(value.data() + 1);
  }
  const std::size_t size = scalar_size(type);
  if (size == 0) fail(subject, tag_name(tags) + " has an unknown type");
  if (value.size() < size) fail(subject, tag_name(tags) + " goes past the end of the record");
  return kTagHeadBytes + size;
}

// The elements of the CG tag that stand for a placeholder CIGAR, if there is such a tag. The tags
// are known to be sound. As htslib's bam_tag2cigar decides it.
std::optional<ByteSpan> long_cigar(const RecordView& record) noexcept {
  ByteSpan tags = record.tags();
  for (std::size_t size = tag_size(tags); size != 0; size = tag_size(tags)) {
    if (as_text(tags.first(2)) == "CG") {
      const std::string_view type = as_text(tags.subspan(2, 2));
      if (type != "BI" && type != "Bi") return std::nullopt;
      const std::uint32_t count = load_u32(tags.data() + 4);
      if (count < record.cigar_count() || count >= (1U << 29U)) return std::nullopt;
      return tags.subspan(kTagHeadBytes + kArrayHeadBytes, std::size_t{4} * count);
    }
    tags = tags.subspan(size);
  }
  return std::nullopt;
}

struct Lengths {
  std::int64_t reference = 0;
  std::int64_t query = 0;
};

Lengths cigar_lengths(ByteSpan elements) noexcept {
  Lengths lengths;
  for (std::size_t at = 0; at < elements.size(); at += 4) {
    const std::uint32_t element = load_u32(elements.data() + at);
    const CigarOp op = cigar_op(element);
    if (consumes_reference(op)) lengths.reference += cigar_length(element);
    if (consumes_query(op)) lengths.query += cigar_length(element);
  }
  return lengths;
}

void check_tags(ByteSpan tags, std::string_view subject) {
  while (tags.size() >= kMinTagBytes) tags = tags.subspan(checked_tag_size(tags, subject));
}

}  // namespace

void RecordView::check(ByteSpan body, std::string_view subject) {
  if (body.size() < kFixedBytes) fail(subject, "the record is shorter than its fixed fields");
  // htslib keeps a record's bytes in an int32, with up to three NULs more after the name.
  if (body.size() > std::numeric_limits<std::int32_t>::max() - 3U) fail(subject, "record too long");
  const RecordView record(body);
  if (record.name_bytes() == 0) fail(subject, "l_read_name is 0");
  if (record.seq_length() > std::numeric_limits<std::int32_t>::max()) {
    fail(subject, "l_seq is negative");
  }
  if (record.qual_offset() + record.seq_length() > body.size()) {
    fail(subject, "name, CIGAR, SEQ and QUAL are longer than the record");
  }
  if (record.ref() < -1 || record.next_ref() < -1) fail(subject, "refID is below -1");
  check_tags(record.tags(), subject);
  if (record.cigar_count() == 0 || record.seq_length() == 0 || record.flag() & flag::kUnmapped) {
    return;
  }
  if (cigar_lengths(record.alignment_cigar()).query != std::int64_t{record.seq_length()}) {
    fail(subject, "CIGAR and SEQ have different lengths");
  }
}

std::string_view RecordView::name() const noexcept {
  const std::string_view field = as_text(name_field());
  return field.substr(0, field.find('\0'));
}

ByteSpan RecordView::alignment_cigar() const noexcept {
  const ByteSpan field = body_.subspan(cigar_offset(), 4U * std::size_t{cigar_count()});
  if (field.empty() || ref() < 0 || pos() < 0) return field;
  const std::uint32_t first = cigar(0);
  if (cigar_op(first) != CigarOp::soft_clip || cigar_length(first) != seq_length()) return field;
  return long_cigar(*this).value_or(field);
}

std::int64_t RecordView::reference_length() const noexcept {
  return cigar_lengths(alignment_cigar()).reference;
}

std::int64_t RecordView::end() const noexcept {
  const std::int64_t length = flag() & flag::kUnmapped ? 0 : reference_length();
  return std::int64_t{pos()} + std::max<std::int64_t>(length, 1);
}

std::size_t tag_size(ByteSpan tags) noexcept {
  if (tags.size() < kMinTagBytes) return 0;
  const char type = static_cast<char>(tags[2]);
  if (type == 'Z' || type == 'H') {
    const void* nul = std::memchr(tags.data() + kTagHeadBytes, 0, tags.size() - kTagHeadBytes);
    return static_cast<std::size_t>(static_cast<const std::byte*>(nul) - tags.data()) + 1;
  }
  if (type == 'B') {
    return kTagHeadBytes + kArrayHeadBytes +
           element_size(static_cast<char>(tags[3])) * load_u32(tags.data() + 4);
  }
  return kTagHeadBytes + scalar_size(type);
}

RecordView RecordBatch::operator[](std::size_t index) const noexcept {
  const std::size_t start = starts_[index];
  return RecordView(
      data_.span().subspan(start + sizeof(std::uint32_t), load_u32(data_.data() + start)));
}

MutableByteSpan RecordBatch::extend(std::size_t body_bytes) {
  data_.resize(committed_);
  const auto block_size = static_cast<std::uint32_t>(body_bytes);
  data_.append(std::as_bytes(std::span(&block_size, 1)));
  return data_.extend(body_bytes);
}

void RecordBatch::commit() {
  starts_.push_back(committed_);
  committed_ = data_.size();
  bases_ += (*this)[size() - 1].seq_length();
}

void RecordBatch::add(RecordView record) {
  const ByteSpan body = record.body();
  std::memcpy(extend(body.size()).data(), body.data(), body.size());
  commit();
}

void RecordBatch::remove_last() noexcept {
  bases_ -= (*this)[size() - 1].seq_length();
  committed_ = starts_.back();
  starts_.pop_back();
}

void RecordBatch::clear() noexcept {
  data_.clear();
  starts_.clear();
  committed_ = 0;
  bases_ = 0;
}

std::uint16_t reg2bin(std::int64_t start, std::int64_t end) noexcept {
  constexpr int kLevels = 5;
  std::int64_t first_bin = ((1 << (3 * kLevels)) - 1) / 7;  // of the finest level, of 16 kbp bins
  int shift = 14;
  --end;
  for (int level = kLevels; level > 0; --level) {
    if (start >> shift == end >> shift) {
      return static_cast<std::uint16_t>(first_bin + (start >> shift));
    }
    shift += 3;
    first_bin -= std::int64_t{1} << (3 * (level - 1));
  }
  return 0;
}

}  // namespace cnf::bams3
