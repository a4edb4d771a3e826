// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/layout.h"

#include <cstdint>

#include "cnf/core/chunk/footer.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"

namespace cnf::bams3 {

Buffer ChunkFooter::encode() const {
  Buffer out;
  ByteWriter writer(out);
  writer.put_varint(groups.size());
  for (const Group& group : groups) {
    writer.put_varint(group.records);
    writer.put_varint(group.body_offset);
    writer.put_varint(group.body_length);
    writer.put_varint(group.core_offset);
    writer.put_varint(group.core_length);
    writer.put(group.core_crc32c);
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
  footer.groups.resize(in.get_count(9));
  for (Group& group : footer.groups) {
    group.records = in.get_varint();
    group.body_offset = in.get_varint();
    group.body_length = in.get_varint();
    group.core_offset = in.get_varint();
    group.core_length = in.get_varint();
    group.core_crc32c = in.get<std::uint32_t>();
  }
  if (!in.at_end()) in.fail("bytes left over in the footer");
  return footer;
}

}  // namespace cnf::bams3
