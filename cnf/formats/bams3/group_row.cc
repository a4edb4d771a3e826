// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/group_row.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "cnf/core/index/interval.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/flagstat.h"
#include "cnf/formats/bams3/group.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {
namespace {

std::uint32_t sequence_of(std::int32_t ref) {
  return ref < 0 ? kUnplaced : static_cast<std::uint32_t>(ref);
}

/// Takes integers one after the other, each checked against what it may be at the most.
class Columns {
 public:
  Columns(std::span<const std::uint64_t> values, std::string_view subject)
      : values_(values), subject_(subject) {}
  std::uint64_t next(std::uint64_t most) {
    const std::uint64_t value = values_[at_++];
    if (value > most)
      throw Error(Errc::corrupt_data, "read index", subject_, "a group's entry is out of range");
    return value;
  }

 private:
  std::span<const std::uint64_t> values_;
  std::string_view subject_;
  std::size_t at_ = 0;
};

}  // namespace

std::uint64_t GroupRow::body_length() const noexcept {
  return std::accumulate(section_lengths.begin() + 1, section_lengths.end(), std::uint64_t{0});
}

std::vector<std::uint64_t> GroupRow::columns() const {
  std::vector<std::uint64_t> out = {mapped, unmapped, bases, raw_bytes};
  for (std::size_t failed = 0; failed < 2; ++failed) {
    for (std::size_t i = 0; i < Flagstat::kCounters; ++i) out.push_back(flagstat.at(failed, i));
  }
  for (const std::uint64_t value :
       {group, chunk, core_offset, core_length, std::uint64_t{core_crc32c}, body_offset}) {
    out.push_back(value);
  }
  out.insert(out.end(), section_lengths.begin() + 1, section_lengths.end());
  for (const std::uint64_t value :
       {group_records, group_bytes, std::uint64_t{min_mapq}, std::uint64_t{max_mapq}}) {
    out.push_back(value);
  }
  return out;
}

GroupRow GroupRow::from(const index::Interval& key, std::span<const std::uint64_t> columns,
                        std::string_view subject) {
  constexpr std::uint64_t kAnyLength = std::uint64_t{1} << 48;  // sums of a few stay far from 2^64
  if (columns.size() != kColumns) {
    throw Error(Errc::corrupt_data, "read index", subject,
                "a group's entry has another number of columns");
  }
  Columns in(columns, subject);
  GroupRow row;
  row.key = key;
  row.mapped = in.next(kMaxGroupRecords);
  row.unmapped = in.next(kMaxGroupRecords);
  row.bases = in.next(kMaxRecordBytes);
  row.raw_bytes = in.next(kMaxRecordBytes);
  for (std::size_t failed = 0; failed < 2; ++failed) {
    for (std::size_t i = 0; i < Flagstat::kCounters; ++i)
      row.flagstat.at(failed, i) = in.next(kMaxGroupRecords);
  }
  row.group = in.next(kAnyLength);
  row.chunk = in.next(kAnyLength);
  row.core_offset = in.next(kAnyLength);
  row.core_length = in.next(kMaxRecordBytes);
  row.core_crc32c = static_cast<std::uint32_t>(in.next(std::numeric_limits<std::uint32_t>::max()));
  row.body_offset = in.next(kAnyLength);
  for (std::size_t i = 1; i < kSections; ++i) row.section_lengths[i] = in.next(kMaxRecordBytes);
  row.group_records = in.next(kMaxGroupRecords);
  row.group_bytes = in.next(kMaxRecordBytes);
  row.min_mapq = static_cast<std::uint8_t>(in.next(255));
  row.max_mapq = static_cast<std::uint8_t>(in.next(255));
  return row;
}

Flagstat GroupRow::total_flagstat(std::span<const std::uint64_t> sums) {
  Flagstat total;
  for (std::size_t failed = 0; failed < 2; ++failed) {
    for (std::size_t i = 0; i < Flagstat::kCounters; ++i) {
      total.at(failed, i) = sums[4 + failed * Flagstat::kCounters + i];
    }
  }
  return total;
}

std::vector<GroupRow> rows_of(const GroupSummary& summary, std::uint64_t group, bool in_order) {
  GroupRow common;
  common.group = group;
  common.group_records = summary.records;
  common.group_bytes = summary.raw_bytes;
  common.min_mapq = summary.min_mapq;
  common.max_mapq = summary.max_mapq;

  std::vector<GroupRow> rows;
  if (in_order) {
    for (const ReferenceSpan& span : summary.spans) {
      GroupRow row = common;
      const std::uint32_t sequence = sequence_of(span.ref);
      row.key = span.ref < 0 ? index::Interval{sequence, 0, 0}
                             : index::Interval{sequence, span.start, span.end};
      row.mapped = span.mapped;
      row.unmapped = span.unmapped;
      rows.push_back(row);
      for (const auto& [start, end] : span.long_records) {
        rows.push_back(common);
        rows.back().key = {sequence, start, end};
      }
    }
  } else {
    rows.push_back(common);
    const auto number = static_cast<std::int64_t>(group);
    rows.back().key = {0, number, number + 1};
    for (const ReferenceSpan& span : summary.spans) {
      rows.back().mapped += span.mapped;
      rows.back().unmapped += span.unmapped;
    }
  }
  if (!rows.empty()) {
    rows.front().bases = summary.bases;
    rows.front().raw_bytes = summary.raw_bytes;
    rows.front().flagstat = summary.flagstat;
  }
  return rows;
}

}  // namespace cnf::bams3
