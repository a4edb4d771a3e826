// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/formats/bams3/core_columns.h"
#include "cnf/formats/bams3/flagstat.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {

/// The records of one reference in a group, as the index tells them.
struct ReferenceSpan {
  std::int32_t ref = -1;
  std::int64_t start = 0;      ///< Least position.
  std::int64_t end = 0;        ///< Greatest end, long records aside.
  std::uint64_t mapped = 0;    ///< Records without flag 0x4.
  std::uint64_t unmapped = 0;  ///< Records with it.
  /// Records that reach far beyond the others, [start, end) each; they have index entries of their
  /// own.
  std::vector<std::pair<std::int64_t, std::int64_t>> long_records;
};

/// What the index says of a group besides where it lies.
struct GroupSummary {
  std::uint64_t records = 0;
  std::uint64_t bases = 0;
  std::uint64_t raw_bytes = 0;
  std::uint8_t min_mapq = 0;
  std::uint8_t max_mapq = 0;
  Flagstat flagstat;
  std::vector<ReferenceSpan> spans;  ///< In the order in which references first appear.
};

/// A row group as it is stored: the A part (directory and core streams) and the four sections of B.
struct EncodedGroup {
  GroupSummary summary;
  Buffer core;
  std::array<Buffer, kSections> sections;  ///< [core] stays empty.
};

/// Encodes the records of a group. Pure. Throws Error unsupported for a record over
/// kMaxRecordBytes.
[[nodiscard]] EncodedGroup encode_group(const RecordBatch& batch, const compress::Codec& codec);

/// Decodes a row group, as far as it is asked to. Throws Error corrupt_data, naming `subject`.
/// Threads: one at a time. The bytes must outlive it.
class GroupDecoder {
 public:
  /// \param core     the whole A part.
  /// \param sections the sections of B; those that were not fetched are empty spans without data.
  GroupDecoder(ByteSpan core, SectionBytes sections, std::string subject);
  ~GroupDecoder();
  GroupDecoder(GroupDecoder&&) noexcept;
  GroupDecoder& operator=(GroupDecoder&&) = delete;

  [[nodiscard]] const GroupDirectory& directory() const noexcept;
  [[nodiscard]] const CoreColumns& core();
  /// The index's claims recomputed from the core streams (all but the long records).
  [[nodiscard]] GroupSummary summary();

  /// Appends the records at `selection` (ascending), each as in a BAM stream: block_size, body.
  /// `offsets` gets the end of each in `out`. Needs all sections.
  void append_records(std::span<const std::uint32_t> selection, Buffer& out,
                      std::vector<std::int64_t>& offsets);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cnf::bams3
