// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/chunk_footer.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "cnf/core/chunk/footer.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/layout.h"

namespace cnf::vcfs3 {

std::uint64_t place_parts(std::span<BinRow> bins) {
  std::uint64_t at = kChunkMagic.size();
  for (BinRow& bin : bins) {
    for (PageRow& page : bin.pages) {
      page.offset = at;
      at += page.length();
    }
  }
  const auto place = [&](std::uint64_t length, std::uint64_t& offset) {
    offset = length == 0 ? 0 : at;
    at += length;
  };
  const std::size_t groups = bins.empty() ? 0 : bins.front().tiles.size();
  for (std::size_t group = 0; group < groups; ++group) {
    for (BinRow& bin : bins)
      place(bin.tiles[group].genotypes_length, bin.tiles[group].genotypes_offset);
    for (BinRow& bin : bins) place(bin.tiles[group].format_length, bin.tiles[group].format_offset);
  }
  return at;
}

ChunkFooter ChunkFooter::of(std::span<const BinRow> bins) {
  ChunkFooter footer;
  for (const BinRow& row : bins) {
    Bin& bin = footer.bins.emplace_back();
    bin.contig = row.key.sequence;
    bin.bin = row.bin;
    for (const PageRow& page : row.pages)
      bin.pages.push_back({page.records, page.core_length, page.info_length, page.carriers_length});
    for (const TileRow& tile : row.tiles)
      bin.tiles.push_back({tile.genotypes_length, tile.format_length});
  }
  return footer;
}

Buffer ChunkFooter::encode() const {
  Buffer out;
  ByteWriter writer(out);
  writer.put_varint(bins.size());
  writer.put_varint(bins.empty() ? 0 : bins.front().tiles.size());
  for (const Bin& bin : bins) {
    writer.put_varint(bin.contig);
    writer.put_varint(bin.bin);
    writer.put_varint(bin.pages.size());
    for (const auto& page : bin.pages) {
      for (const std::uint64_t value : page) writer.put_varint(value);
    }
    for (const auto& tile : bin.tiles) {
      for (const std::uint64_t value : tile) writer.put_varint(value);
    }
  }
  chunk::append_trailer(out, kChunkMagic);
  return out;
}

std::uint64_t ChunkFooter::tail_length(ByteSpan trailer, std::string_view subject) {
  return chunk::tail_length(trailer, kChunkMagic, subject);
}

ChunkFooter ChunkFooter::decode(ByteSpan tail, std::string_view subject) {
  ByteReader in(chunk::footer_of(tail, kChunkMagic, subject), subject);
  ChunkFooter footer;
  footer.bins.resize(in.get_count(3));
  const std::uint64_t groups = in.get_varint();
  if (groups > BinRowLayout::kMaxGroups) in.fail("too many groups of samples");
  for (Bin& bin : footer.bins) {
    const std::uint64_t contig = in.get_varint();
    if (contig > std::numeric_limits<std::uint32_t>::max()) in.fail("a contig out of range");
    bin.contig = static_cast<std::uint32_t>(contig);
    bin.bin = in.get_varint();
    const std::uint64_t pages = in.get_count(4);
    if (pages > kBinPages) in.fail("a bin of too many pages");
    bin.pages.resize(pages);
    for (auto& page : bin.pages) {
      for (std::uint64_t& value : page) value = in.get_varint();
    }
    if (groups > in.remaining() / 2) in.fail("more tiles than bytes");
    bin.tiles.resize(groups);
    for (auto& tile : bin.tiles) {
      for (std::uint64_t& value : tile) value = in.get_varint();
    }
  }
  if (!in.at_end()) in.fail("bytes left over in the footer");
  return footer;
}

}  // namespace cnf::vcfs3
