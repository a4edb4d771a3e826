// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/record.h"

// htslib's own names
struct sam_hdr_t;  // NOLINT(readability-identifier-naming)
struct bam1_t;     // NOLINT(readability-identifier-naming)

namespace cnf::bams3 {

/// Frees what htslib allocated.
struct HtsDeleter {
  void operator()(sam_hdr_t* header) const noexcept;
  void operator()(bam1_t* record) const noexcept;
};
using HtsHeader = std::unique_ptr<sam_hdr_t, HtsDeleter>;
using HtsRecord = std::unique_ptr<bam1_t, HtsDeleter>;

/// The header as htslib holds it after reading the BAM: the text as it is, references from the
/// binary list.
[[nodiscard]] HtsHeader to_hts(const Header& header);
[[nodiscard]] HtsRecord make_hts_record();

/// A record as htslib holds it after reading it from a BAM: the name padded, and the CIGAR of more
/// than 65,535 operations moved from the CG tag to its place.
/// Throws Error internal if memory runs out.
void to_hts(RecordView record, bam1_t& out);

/// Throws Error corrupt_data, naming `subject`, if the record or its mate lies on a reference that
/// the header does not have; htslib would look behind the end of its list.
void check_references(const sam_hdr_t& header, RecordView record, std::string_view subject);

/// Appends the record's line as samtools view prints it, newline included.
/// Threads: one header may serve many, each with a record of its own.
void append_sam_line(const sam_hdr_t& header, const bam1_t& record, Buffer& out);

/// The same line as one JSON object and a newline: qname, flag, rname, pos (1-based), mapq, cigar,
/// rnext, pnext, tlen, seq, qual, and tags as {"NM": {"type": "i", "value": 0}, …}; what is no
/// UTF-8 becomes U+FFFD. Throws Error corrupt_data if a name or a tag holds a tab.
void append_json_line(const sam_hdr_t& header, const bam1_t& record, Buffer& out);

}  // namespace cnf::bams3
