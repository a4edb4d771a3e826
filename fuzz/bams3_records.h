// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "fuzz/harness.h"
#include <htslib/sam.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/group.h"
#include "cnf/formats/bams3/header.h"
#include "cnf/formats/bams3/hts_record.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/record_filter.h"

namespace cnf::fuzz {

/// A header of three references for records that have none of their own.
inline bams3::Header small_header() {
  return {.text = "@HD\tVN:1.6\n@RG\tID:a\n",
          .references = {{"chr1", 1'000'000}, {"chr2", 500}, {"HLA-A*01:01", 3'000}}};
}

/// What `cnf bams3 view` does with a record it has decoded: every form, and conditions.
inline void view_record(bams3::RecordView record, const sam_hdr_t& header,
                        bams3::RecordFilter& filter) {
  if (!returns({Errc::corrupt_data}, [&] { bams3::check_references(header, record, "input"); })) {
    return;
  }
  const bams3::HtsRecord as_hts = bams3::make_hts_record();
  bams3::to_hts(record, *as_hts);
  Buffer lines;
  returns({Errc::corrupt_data, Errc::invalid_argument},
          [&] { (void)filter.matches(record, *as_hts); });
  returns({Errc::corrupt_data}, [&] { bams3::append_sam_line(header, *as_hts, lines); });
  returns({Errc::corrupt_data}, [&] { bams3::append_json_line(header, *as_hts, lines); });
}

inline bams3::RecordConditions some_conditions() {
  return {.read_groups = {"a", "b"},
          .tag = "NM",
          .tag_values = {"1"},
          .names = {"r1"},
          .expression = "qlen > 3 || [NM] > 1 && rname =~ \"chr\""};
}

/// Decodes all of a group and then every second record of it, and views each. Throws what the
/// decoder throws.
inline void read_group(bams3::GroupDecoder& group) {
  const std::size_t records = group.core().size();
  require(records == group.directory().records, "core() has another number of records");
  require(group.summary().records == records, "summary() has another number of records");
  std::vector<std::uint32_t> selection(records);
  std::iota(selection.begin(), selection.end(), 0U);
  Buffer all;
  std::vector<std::int64_t> ends;
  group.append_records(selection, all, ends);
  require(ends.size() == records, "append_records() has another number of records");

  const bams3::HtsHeader header = bams3::to_hts(small_header());
  const bams3::RecordConditions conditions = some_conditions();
  bams3::RecordFilter filter(conditions, *header);
  Buffer every_second;
  std::vector<std::uint32_t> even;
  std::size_t start = 0;
  for (std::uint32_t i = 0; i < records; ++i) {
    const ByteSpan whole = all.span().subspan(start, static_cast<std::size_t>(ends[i]) - start);
    start = static_cast<std::size_t>(ends[i]);
    view_record(bams3::RecordView(whole.subspan(4)), *header, filter);
    if (i % 2 == 0) {
      even.push_back(i);
      every_second.append(whole);
    }
  }
  Buffer some;
  ends.clear();
  group.append_records(even, some, ends);
  require(as_text(some) == as_text(every_second), "a selection gives other bytes than all");
}

}  // namespace cnf::fuzz
