// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/chunk/footer.h"

#include <cstdint>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::chunk {

void append_trailer(Buffer& footer, std::string_view magic) {
  const auto length = static_cast<std::uint32_t>(footer.size());
  const std::uint32_t sum = crc32c(footer);
  ByteWriter writer(footer);
  writer.put(length);
  writer.put(sum);
  writer.put_bytes(as_bytes(magic));
}

std::uint64_t tail_length(ByteSpan tail, std::string_view magic, std::string_view subject) {
  if (tail.size() < kTrailerBytes) {
    throw Error(Errc::corrupt_data, "read chunk", subject, "it is shorter than a trailer");
  }
  ByteReader reader(tail.last(kTrailerBytes), subject);
  const auto length = reader.get<std::uint32_t>();
  static_cast<void>(reader.get<std::uint32_t>());
  if (as_text(reader.get_bytes(kMagicBytes)) != magic)
    reader.fail("it does not end as a chunk does");
  return std::uint64_t{length} + kTrailerBytes;
}

ByteSpan footer_of(ByteSpan tail, std::string_view magic, std::string_view subject) {
  const std::uint64_t length = tail_length(tail, magic, subject);
  if (length > tail.size()) {
    throw Error(Errc::corrupt_data, "read chunk", subject, "its footer is longer than itself");
  }
  ByteReader reader(tail.last(length), subject);
  const ByteSpan footer = reader.get_bytes(length - kTrailerBytes);
  static_cast<void>(reader.get<std::uint32_t>());
  verify_crc32c(footer, reader.get<std::uint32_t>(), subject);
  return footer;
}

}  // namespace cnf::chunk
