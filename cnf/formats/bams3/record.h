// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"

namespace cnf::bams3 {

/// Flags of an alignment record (SAMv1, section 1.4.2).
namespace flag {
inline constexpr std::uint16_t kPaired = 0x1, kProperPair = 0x2, kUnmapped = 0x4,
                               kMateUnmapped = 0x8, kReverse = 0x10, kMateReverse = 0x20,
                               kRead1 = 0x40, kRead2 = 0x80, kSecondary = 0x100, kQcFail = 0x200,
                               kDuplicate = 0x400, kSupplementary = 0x800;
}  // namespace flag

/// CIGAR operations as BAM numbers them: length << 4 | operation.
enum class CigarOp : std::uint8_t {
  match,
  insertion,
  deletion,
  skip,
  soft_clip,
  hard_clip,
  padding,
  equal,
  mismatch
};
[[nodiscard]] constexpr CigarOp cigar_op(std::uint32_t element) noexcept {
  return static_cast<CigarOp>(element & 0xfU);
}
[[nodiscard]] constexpr std::uint32_t cigar_length(std::uint32_t element) noexcept {
  return element >> 4U;
}
/// M, D, N, = and X move along the reference; M, I, S, = and X along the read.
[[nodiscard]] constexpr bool consumes_reference(CigarOp op) noexcept {
  return (0x18dU >> static_cast<unsigned>(op)) & 1U;
}
[[nodiscard]] constexpr bool consumes_query(CigarOp op) noexcept {
  return (0x193U >> static_cast<unsigned>(op)) & 1U;
}

/// One alignment record in BAM's binary form (SAMv1, section 4.2), without the leading block_size.
///
/// A view: the bytes must outlive it, and parse() must have accepted them before any accessor runs.
class RecordView {
 public:
  static constexpr std::size_t kFixedBytes = 32;

  explicit RecordView(ByteSpan body) noexcept : body_(body) {}

  /// Checks every length inside `body`, tags included, and what else samtools 1.16 insists on; what
  /// it lets pass also passes here: a name without a NUL, CIGAR operations above 8, positions below
  /// -1, and one to three bytes after the last tag that are no tag. Throws Error corrupt_data,
  /// naming `subject`.
  static void check(ByteSpan body, std::string_view subject);

  [[nodiscard]] ByteSpan body() const noexcept { return body_; }
  [[nodiscard]] std::int32_t ref() const noexcept { return load<std::int32_t>(0); }  ///< -1: none.
  [[nodiscard]] std::int32_t pos() const noexcept {
    return load<std::int32_t>(4);
  }  ///< 0-based; -1: none.
  [[nodiscard]] std::uint8_t name_bytes() const noexcept {
    return load<std::uint8_t>(8);
  }  ///< With its NUL.
  [[nodiscard]] std::uint8_t mapq() const noexcept { return load<std::uint8_t>(9); }
  [[nodiscard]] std::uint16_t bin() const noexcept { return load<std::uint16_t>(10); }
  [[nodiscard]] std::uint16_t cigar_count() const noexcept { return load<std::uint16_t>(12); }
  [[nodiscard]] std::uint16_t flag() const noexcept { return load<std::uint16_t>(14); }
  [[nodiscard]] std::uint32_t seq_length() const noexcept {
    return load<std::uint32_t>(16);
  }  ///< Bases.
  [[nodiscard]] std::int32_t next_ref() const noexcept { return load<std::int32_t>(20); }
  [[nodiscard]] std::int32_t next_pos() const noexcept { return load<std::int32_t>(24); }
  [[nodiscard]] std::int32_t tlen() const noexcept { return load<std::int32_t>(28); }

  /// The name's field as it stands, its NUL (and any that follow) included.
  [[nodiscard]] ByteSpan name_field() const noexcept {
    return body_.subspan(kFixedBytes, name_bytes());
  }
  /// The name up to its first NUL.
  [[nodiscard]] std::string_view name() const noexcept;
  /// The CIGAR field: little-endian u32 elements.
  [[nodiscard]] ByteSpan cigar_field() const noexcept {
    return body_.subspan(cigar_offset(), std::size_t{4} * cigar_count());
  }
  /// Element `index` of the CIGAR field. Where a record has more than 65,535 operations this is the
  /// placeholder (all bases clipped, one skip) and the CG tag holds them.
  [[nodiscard]] std::uint32_t cigar(std::size_t index) const noexcept {
    return load<std::uint32_t>(cigar_offset() + 4 * index);
  }
  /// Bases, two a byte, high nibble first, in "=ACMGRSVTWYHKDBN".
  [[nodiscard]] ByteSpan seq() const noexcept {
    return body_.subspan(seq_offset(), (std::size_t{seq_length()} + 1) / 2);
  }
  [[nodiscard]] ByteSpan qual() const noexcept {
    return body_.subspan(qual_offset(), seq_length());
  }
  [[nodiscard]] ByteSpan tags() const noexcept {
    return body_.subspan(qual_offset() + seq_length());
  }

  /// The CIGAR elements that count, u32 each: the CIGAR field, or the CG tag's where the field is
  /// the placeholder of a record with more than 65,535 operations (SAMv1, section 4.2.2).
  [[nodiscard]] ByteSpan alignment_cigar() const noexcept;
  /// Reference bases that the CIGAR covers; 0 without one.
  [[nodiscard]] std::int64_t reference_length() const noexcept;
  /// Where the record ends on the reference, exclusive, as htslib's bam_endpos has it: at least
  /// pos + 1, and just that for a read that is flagged unmapped.
  [[nodiscard]] std::int64_t end() const noexcept;

 private:
  template <typename T>
  [[nodiscard]] T load(std::size_t offset) const noexcept {
    T value;
    std::memcpy(&value, body_.data() + offset, sizeof(T));
    return value;
  }
  [[nodiscard]] std::size_t cigar_offset() const noexcept { return kFixedBytes + name_bytes(); }
  [[nodiscard]] std::size_t seq_offset() const noexcept {
    return cigar_offset() + std::size_t{4} * cigar_count();
  }
  [[nodiscard]] std::size_t qual_offset() const noexcept {
    return seq_offset() + (std::size_t{seq_length()} + 1) / 2;
  }

  ByteSpan body_;
};

/// Bytes of the first tag of `tags`: name, type and value; 0 at the end, which is where fewer than
/// four bytes are left. Only for tags that RecordView::check has accepted.
[[nodiscard]] std::size_t tag_size(ByteSpan tags) noexcept;

/// Some records, one behind the other in one run of memory, each body prefixed by its u32
/// block_size as in an uncompressed BAM stream.
class RecordBatch {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return starts_.size(); }
  [[nodiscard]] bool empty() const noexcept { return starts_.empty(); }
  /// Bytes of all records, block sizes included.
  [[nodiscard]] std::size_t bytes() const noexcept { return committed_; }
  [[nodiscard]] ByteSpan span() const noexcept { return data_.span().first(committed_); }
  /// Valid until the batch changes.
  [[nodiscard]] RecordView operator[](std::size_t index) const noexcept;
  /// Bases of all records.
  [[nodiscard]] std::uint64_t bases() const noexcept { return bases_; }

  /// Makes room for a record of `body_bytes`; the caller fills the bytes returned, checks them with
  /// RecordView::check, and then calls commit() — or not, and the next extend() takes the room
  /// back.
  [[nodiscard]] MutableByteSpan extend(std::size_t body_bytes);
  void commit();
  void add(RecordView record);
  /// Takes the last record out again.
  void remove_last() noexcept;
  void clear() noexcept;
  void reserve(std::size_t bytes) { data_.reserve(bytes); }

 private:
  Buffer data_;
  std::vector<std::size_t> starts_;
  std::size_t committed_ = 0;  // bytes of data_ that belong to finished records
  std::uint64_t bases_ = 0;
};

/// The bin of [start, end) in the binning scheme of BAM's index (SAMv1, section 5.3), cut to the 16
/// bits that the record has for it, as htslib writes it.
[[nodiscard]] std::uint16_t reg2bin(std::int64_t start, std::int64_t end) noexcept;

}  // namespace cnf::bams3
