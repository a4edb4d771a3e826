// SPDX-License-Identifier: Apache-2.0
// One BAM record: what RecordView::check accepts, every accessor and every way of showing it must
// stand.

#include <cstddef>
#include <cstdint>

#include "fuzz/bams3_records.h"
#include "fuzz/harness.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/hts_record.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/record_filter.h"
#include "cnf/formats/bams3/tags.h"

namespace {

namespace bams3 = cnf::bams3;
using cnf::fuzz::require;

void walk_tags(cnf::ByteSpan tags) {
  for (cnf::ByteSpan rest = tags; bams3::tag_size(rest) != 0;) {
    const std::size_t size = bams3::tag_size(rest);
    const std::size_t before = rest.size();
    const bams3::Tag tag = bams3::take_tag(rest);
    require(before - rest.size() == size, "take_tag and tag_size disagree");
    if (tag.type == 'Z') (void)tag.text().size();
    (void)tag.integer();
  }
  (void)bams3::find_text_tag(tags, "MD");  // the bytes behind the last tag included
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cnf::ByteSpan body = cnf::fuzz::bytes_of(data, size);
  if (!cnf::fuzz::returns({cnf::Errc::corrupt_data},
                          [&] { bams3::RecordView::check(body, "input"); })) {
    return 0;
  }
  const bams3::RecordView record(body);
  require(record.name().size() <= record.name_bytes(), "name() is longer than its field");
  require(record.seq().size() == (record.qual().size() + 1) / 2, "bases and qualities differ");
  require(record.end() > record.pos(), "end() is not behind pos()");
  require(record.reference_length() >= 0, "negative length on the reference");
  walk_tags(record.tags());

  const bams3::HtsHeader header = bams3::to_hts(cnf::fuzz::small_header());
  const bams3::RecordConditions conditions = cnf::fuzz::some_conditions();
  bams3::RecordFilter filter(conditions, *header);
  cnf::fuzz::view_record(record, *header, filter);
  return 0;
}
