// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/layout.h"

#include <cstdint>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

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
  const auto length = static_cast<std::uint32_t>(out.size());
  const std::uint32_t sum = crc32c(out);
  writer.put(length);
  writer.put(sum);
  writer.put_bytes(as_bytes(kChunkMagic));
  return out;
}

std::uint64_t ChunkFooter::tail_length(ByteSpan trailer, std::string_view subject) {
  if (trailer.size() < kTrailerBytes) {
    throw Error(Errc::corrupt_data, "read chunk", subject, "it is shorter than a trailer");
  }
  ByteReader reader(trailer.last(kTrailerBytes), subject);
  const auto length = reader.get<std::uint32_t>();
  static_cast<void>(reader.get<std::uint32_t>());
  if (as_text(reader.get_bytes(kChunkMagic.size())) != kChunkMagic)
    reader.fail("it does not end as a chunk does");
  return std::uint64_t{length} + kTrailerBytes;
}

ChunkFooter ChunkFooter::decode(ByteSpan tail, std::string_view subject) {
  const std::uint64_t length = tail_length(tail, subject);
  if (length > tail.size()) {
    throw Error(Errc::corrupt_data, "read chunk", subject, "its footer is longer than itself");
  }
  ByteReader reader(tail.last(length), subject);
  const ByteSpan body = reader.get_bytes(length - kTrailerBytes);
  static_cast<void>(reader.get<std::uint32_t>());
  verify_crc32c(body, reader.get<std::uint32_t>(), subject);

  ByteReader in(body, subject);
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
