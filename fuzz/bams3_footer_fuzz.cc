// SPDX-License-Identifier: Apache-2.0
// The footer of a chunk: the input as the end of a chunk, and as a footer before a sound trailer.

#include <cstddef>
#include <cstdint>

#include "fuzz/harness.h"

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/layout.h"

namespace {

namespace bams3 = cnf::bams3;
using cnf::fuzz::require;

void read_footer(cnf::ByteSpan tail) {
  cnf::fuzz::returns({cnf::Errc::corrupt_data}, [&] {
    (void)bams3::ChunkFooter::tail_length(tail, "input");
    const bams3::ChunkFooter footer = bams3::ChunkFooter::decode(tail, "input");
    const bams3::ChunkFooter again = bams3::ChunkFooter::decode(footer.encode(), "again");
    require(again.groups == footer.groups, "the footer changed");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cnf::ByteSpan input = cnf::fuzz::bytes_of(data, size);
  read_footer(input);
  cnf::Buffer wrapped = cnf::Buffer::copy_of(input);
  cnf::ByteWriter out(wrapped);
  out.put(static_cast<std::uint32_t>(input.size()));
  out.put(cnf::crc32c(input));
  out.put_bytes(cnf::as_bytes(bams3::kChunkMagic));
  read_footer(wrapped);
  return 0;
}
