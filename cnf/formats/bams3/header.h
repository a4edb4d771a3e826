// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/hts/region.h"

namespace cnf::bams3 {

/// A reference sequence (contig) as the binary header lists it.
struct Reference {
  std::string name;
  std::uint32_t length = 0;  ///< In bases.
  bool operator==(const Reference&) const = default;
};

/// A BAM header, exactly: the text's bytes (whatever they are: no newline at the end, CRLF, NULs,
/// no
/// @SQ) and the binary list of references, which need not agree with it. A reference's name ends at
/// its first NUL, as htslib has it.
struct Header {
  /// Payloads are believed to expand to 16 MiB and this many times their compressed size, no more.
  static constexpr std::uint64_t kMaxExpansion = 1024;

  std::string text;
  std::vector<Reference> references;

  bool operator==(const Header&) const = default;

  /// The sort order that the text's @HD line declares ("coordinate", …); empty if none.
  [[nodiscard]] std::string declared_order() const;
  /// Sets SO: of the @HD line and takes its GO: and SS: away, for they qualify the order that was;
  /// adds "@HD VN:1.6 SO:…" in front if there is no such line. As samtools sort does, except that
  /// every other byte stays.
  void declare_order(std::string_view order);

  /// As an uncompressed BAM stream begins: magic, text, references.
  [[nodiscard]] Buffer to_bam() const;
  /// As a dataset stores it (SPEC.md, "Header object"), and back: a codec (u8, compress::CodecId),
  /// the payload's size (varint), then the payload, compressed: text (varint size, bytes),
  /// references (varint count; each a name as varint size and bytes, and a length as varint). The
  /// codec is none. decode throws Error corrupt_data, naming `subject`; what it allocates is
  /// bounded by `encoded`.
  [[nodiscard]] Buffer encode() const;
  [[nodiscard]] static Header decode(ByteSpan encoded, std::string_view subject);
};

/// Finds references by name; of equal names the first counts.
[[nodiscard]] hts::SequenceNames reference_names(const Header& header);

}  // namespace cnf::bams3
