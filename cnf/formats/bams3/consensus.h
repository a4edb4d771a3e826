// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/formats/bams3/core_columns.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {

/// Bases as BAM's nibbles: "=ACMGRSVTWYHKDBN".
inline constexpr std::string_view kNibbleLetters = "=ACMGRSVTWYHKDBN";
/// The nibble of a letter; 15 (N) for what is none.
[[nodiscard]] std::uint8_t nibble_of(char letter) noexcept;
/// 0 to 3 for A, C, G, T; 4 for anything else.
[[nodiscard]] std::uint8_t two_bits_of(std::uint8_t nibble) noexcept;
[[nodiscard]] constexpr std::uint8_t nibble_of_two_bits(unsigned bits) noexcept {
  return static_cast<std::uint8_t>(1U << bits);
}

/// True if the record's bases are told as differences from the consensus: it is mapped and its
/// CIGAR spells as many bases as it has.
[[nodiscard]] bool is_aligned(const CoreColumns& core, std::size_t record) noexcept;

/// The reference as a group's own records show it, in pages of 64 bases where they cover it.
class Consensus {
 public:
  static constexpr std::int64_t kPageBases = 64;
  static constexpr std::uint8_t kUnknown = 0;

  Consensus() = default;
  /// All pages that the aligned records' M, =, X and D operations touch, D only where
  /// `spells_deletions` is true of the record; every base unknown.
  Consensus(const CoreColumns& core,
            const std::function<bool(std::size_t record)>& spells_deletions);

  /// The nibble of each reference base of [position, position + size) into `out`; unknown and
  /// uncovered ones are kUnknown. Sequential calls are fast.
  void read(std::int32_t ref, std::int64_t position, std::span<std::uint8_t> out) const noexcept;
  /// Sets the base where it is unknown; uncovered positions are passed over.
  void learn(std::int32_t ref, std::int64_t position, std::uint8_t nibble) noexcept;
  /// Counts a base of a read for positions that stay unknown; see settle().
  void vote(std::int32_t ref, std::int64_t position, std::uint8_t nibble);
  /// Decides unknown bases by vote, and those without one as A, which is what a reader will see.
  void settle();

  [[nodiscard]] bool empty() const noexcept { return pages_.empty(); }
  void encode(StreamWriter& out) const;
  /// Throws Error corrupt_data.
  [[nodiscard]] static Consensus decode(const StreamReader& in);

 private:
  // Index of the base in bases_, or -1.
  [[nodiscard]] std::int64_t find(std::int32_t ref, std::int64_t position) const noexcept;

  std::vector<std::uint64_t> pages_;  // ref << 32 | page number, ascending
  std::vector<std::uint8_t> bases_;   // a nibble each, kPageBases a page
  std::vector<std::uint8_t> votes_;   // four counters a base, made by the first vote
  mutable std::size_t cursor_ = 0;    // the page found last
};

/// Walks an aligned record over the consensus: calls on_match(query offset, reference offset,
/// length) for M, =, X, on_insert(query offset, length) for I and S, on_delete(reference offset,
/// length) for D. Offsets are within the read and from the record's position.
template <typename Match, typename Insert, typename Delete>
void walk_cigar(std::span<const std::uint32_t> cigar, Match&& on_match, Insert&& on_insert,
                Delete&& on_delete) {
  std::size_t query = 0;
  std::int64_t reference = 0;
  for (const std::uint32_t element : cigar) {
    const CigarOp op = cigar_op(element);
    const std::uint32_t length = cigar_length(element);
    if (consumes_query(op) && consumes_reference(op)) {
      on_match(query, reference, length);
    } else if (consumes_query(op)) {
      on_insert(query, length);
    } else if (op == CigarOp::deletion) {
      on_delete(reference, length);
    }
    if (consumes_query(op)) query += length;
    if (consumes_reference(op)) reference += length;
  }
}

/// Reference bases that the D operations of a CIGAR cover.
[[nodiscard]] std::uint64_t deleted_bases(std::span<const std::uint32_t> cigar) noexcept;

/// The MD text and the NM count of an aligned record, by the rules of samtools calmd. The text is
/// cut short where deletions are much longer than the record: hostile input claims them with few
/// bytes.
struct Differences {
  std::string md;
  std::int64_t nm = 0;
};
/// \param bases  the read's nibbles, one a byte.
[[nodiscard]] Differences differences(const CoreColumns& core, std::size_t record,
                                      std::span<const std::uint8_t> bases,
                                      const Consensus& consensus);

/// Teaches the consensus what a record's MD says of the reference; false (and nothing learnt) if
/// the text does not fit the record.
bool learn_from_md(const CoreColumns& core, std::size_t record, std::span<const std::uint8_t> bases,
                   std::string_view md, Consensus& consensus);

}  // namespace cnf::bams3
