// SPDX-License-Identifier: Apache-2.0
// The streams of a row group. The first part is what the directory says (records, bases and raw
// bytes, a varint each), the others are streams: id, encoding, codec, key (varint), and then the
// bytes before compression. They are put into a row group whose sizes and checksums are right.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fuzz/bams3_records.h"
#include "fuzz/harness.h"

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/formats/bams3/group.h"
#include "cnf/formats/bams3/streams.h"

namespace {

using cnf::Buffer;
using cnf::ByteReader;
using cnf::ByteSpan;
namespace bams3 = cnf::bams3;

struct StoredGroup {
  Buffer core;
  std::array<Buffer, bams3::kSections> sections;
};

bams3::StreamEntry store_stream(ByteSpan part, std::array<Buffer, bams3::kSections>& sections) {
  ByteReader in(part, "stream");
  bams3::StreamEntry entry;
  entry.id = static_cast<bams3::StreamId>(in.get<std::uint8_t>());
  entry.encoding = in.get<std::uint8_t>();
  entry.codec = static_cast<cnf::compress::CodecId>(in.get<std::uint8_t>() % 3);
  entry.key = static_cast<std::uint32_t>(in.get_varint());
  const ByteSpan raw = in.get_bytes(in.remaining());
  Buffer& section = sections[static_cast<std::size_t>(bams3::section_of(entry.id))];
  const std::size_t start = section.size();
  const std::string algorithm(cnf::compress::to_string(entry.codec));
  const int level = entry.codec == cnf::compress::CodecId::none ? 0 : 1;
  cnf::compress::make_codec({.algorithm = algorithm, .level = level})->compress(raw, section);
  entry.raw = raw.size();
  entry.stored = section.size() - start;
  entry.crc32c = cnf::crc32c(section.span().subspan(start));
  return entry;
}

/// Throws Error corrupt_data if a part is too short.
StoredGroup store(std::span<const ByteSpan> parts) {
  StoredGroup group;
  ByteReader head(parts[0], "directory");
  bams3::GroupDirectory directory;
  directory.records = head.get_varint();
  directory.bases = head.get_varint();
  directory.raw_bytes = head.get_varint();
  for (Buffer& section : group.sections) section.reserve(1);  // an empty one was fetched, too
  for (const ByteSpan part : parts.subspan(1)) {
    directory.streams.push_back(store_stream(part, group.sections));
  }
  Buffer encoded;
  directory.encode(encoded);
  cnf::ByteWriter out(group.core);
  out.put(static_cast<std::uint32_t>(encoded.size()));
  out.put_bytes(encoded);
  out.put_bytes(group.sections[0]);
  return group;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cnf::Errc;
  const std::vector<ByteSpan> parts = cnf::fuzz::split_parts(cnf::fuzz::bytes_of(data, size));
  if (parts.empty()) return 0;
  cnf::fuzz::returns({Errc::corrupt_data, Errc::unsupported}, [&] {
    const StoredGroup stored = store(parts);
    bams3::SectionBytes sections{};
    for (std::size_t i = 1; i < bams3::kSections; ++i) sections[i] = stored.sections[i];
    bams3::GroupDecoder group(stored.core, sections, "input");
    cnf::fuzz::read_group(group);
  });
  return 0;
}
