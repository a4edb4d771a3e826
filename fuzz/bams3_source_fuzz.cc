// SPDX-License-Identifier: Apache-2.0
// Alignment files: the input as a file in memory. CRAM is passed over: its decoder is all htslib's.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "fuzz/harness.h"
#include "fuzz/memory_file.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/source.h"

namespace {

namespace bams3 = cnf::bams3;
using cnf::fuzz::require;

void read_all(bams3::RecordSource& source) {
  constexpr std::size_t kHeld = std::size_t{1} << 20;
  const std::size_t references = source.header().references.size();
  const auto is_known = [&](std::int32_t ref) {
    return ref == -1 || (ref >= 0 && static_cast<std::size_t>(ref) < references);
  };
  bams3::RecordBatch batch;
  while (source.next(batch)) {
    const bams3::RecordView record = batch[batch.size() - 1];
    bams3::RecordView::check(record.body(), "record of a source");
    require(is_known(record.ref()) && is_known(record.next_ref()), "a record of no reference");
    if (batch.bytes() > kHeld) batch.clear();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::Errc;
  const cnf::ByteSpan input = cnf::fuzz::bytes_of(data, size);
  if (cnf::as_text(input).starts_with("CRAM")) return 0;
  const cnf::fuzz::MemoryFile file(input);
  cnf::fuzz::returns({Errc::corrupt_data, Errc::unsupported}, [&] {
    const std::unique_ptr<bams3::RecordSource> source = bams3::open_source(file.path(), {}, {});
    read_all(*source);
  });
  return 0;
}
