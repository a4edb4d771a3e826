// SPDX-License-Identifier: Apache-2.0
// The encoder: the parts are BAM records; those that RecordView::check accepts must come back from
// a row group as they went in.

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/group.h"
#include "cnf/formats/bams3/group_row.h"
#include "cnf/formats/bams3/record.h"

namespace {

namespace bams3 = cnf::bams3;
using cnf::fuzz::require;

bams3::RecordBatch batch_of(cnf::ByteSpan input) {
  bams3::RecordBatch batch;
  for (const cnf::ByteSpan part : cnf::fuzz::split_parts(input)) {
    if (cnf::fuzz::returns({cnf::Errc::corrupt_data},
                           [&] { bams3::RecordView::check(part, "input"); })) {
      batch.add(bams3::RecordView(part));
    }
  }
  return batch;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bams3::RecordBatch batch = batch_of(cnf::fuzz::bytes_of(data, size));
  if (batch.empty()) return 0;
  const bams3::EncodedGroup encoded =
      bams3::encode_group(batch, *cnf::compress::make_codec({.algorithm = "zstd", .level = 1}));
  (void)bams3::rows_of(encoded.summary, 0, true);

  bams3::SectionBytes sections{};
  for (std::size_t i = 1; i < bams3::kSections; ++i) sections[i] = encoded.sections[i];
  bams3::GroupDecoder group(encoded.core, sections, "encoded");
  require(group.summary().flagstat == encoded.summary.flagstat, "flagstat changed");
  std::vector<std::uint32_t> selection(batch.size());
  std::iota(selection.begin(), selection.end(), 0U);
  cnf::Buffer decoded;
  std::vector<std::int64_t> ends;
  group.append_records(selection, decoded, ends);
  require(cnf::as_text(decoded) == cnf::as_text(batch.span()), "records changed");
  return 0;
}
