// SPDX-License-Identifier: Apache-2.0
// What a dataset of VCFS3 says of itself: the footer of a chunk (the input as a chunk's end, and as
// a footer before a sound trailer), a row of the position index (its columns as varints), the table
// of samples, a contig's name.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "fuzz/harness.h"

#include "cnf/core/index/interval.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/chunk_footer.h"
#include "cnf/formats/vcfs3/contig_name.h"
#include "cnf/formats/vcfs3/sample_table.h"

namespace {

namespace vcfs3 = cnf::vcfs3;
using cnf::fuzz::require;

void read_footer(cnf::ByteSpan tail) {
  cnf::fuzz::returns({cnf::Errc::corrupt_data}, [&] {
    (void)vcfs3::ChunkFooter::tail_length(tail, "input");
    const vcfs3::ChunkFooter footer = vcfs3::ChunkFooter::decode(tail, "input");
    require(vcfs3::ChunkFooter::decode(footer.encode(), "again").bins == footer.bins,
            "the footer changed");
  });
}

void read_row(cnf::ByteSpan input) {
  cnf::fuzz::returns({cnf::Errc::corrupt_data}, [&] {
    const vcfs3::BinRowLayout layout(2, 3);
    const cnf::index::Interval key{0, -1, 1'000'000};
    cnf::ByteReader in(input, "input");
    std::vector<std::uint64_t> columns;
    while (!in.at_end()) columns.push_back(in.get_varint());
    const vcfs3::BinRow row = layout.decode(key, columns, "input");
    require(layout.decode(key, layout.encode(row), "again") == row, "the row changed");
  });
}

void read_samples(cnf::ByteSpan input) {
  cnf::fuzz::returns({cnf::Errc::corrupt_data}, [&] {
    const vcfs3::SampleTable table = vcfs3::SampleTable::decode(input, "input");
    (void)table.encode();
  });
  cnf::fuzz::returns({cnf::Errc::invalid_argument}, [&] {
    (void)vcfs3::SampleTable::parse(cnf::as_text(input), {"A", "B", "A"}, "input");
  });
}

void read_name(cnf::ByteSpan input) {
  const std::string_view name = cnf::as_text(input);
  require(vcfs3::unescape_name(vcfs3::escape_name(name), "escaped") == name, "the name changed");
  cnf::fuzz::returns({cnf::Errc::corrupt_data}, [&] { (void)vcfs3::unescape_name(name, "input"); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const cnf::ByteSpan input = cnf::fuzz::bytes_of(data, size);
  read_footer(input);
  cnf::Buffer wrapped = cnf::Buffer::copy_of(input);
  cnf::ByteWriter out(wrapped);
  out.put(static_cast<std::uint32_t>(input.size()));
  out.put(cnf::crc32c(input));
  out.put_bytes(cnf::as_bytes(vcfs3::kChunkMagic));
  read_footer(wrapped);
  read_row(input);
  read_samples(input);
  read_name(input);
  return 0;
}
