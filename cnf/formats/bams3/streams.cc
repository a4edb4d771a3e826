// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/bams3/streams.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"

namespace cnf::bams3 {
namespace {

constexpr std::uint8_t kDirectoryVersion = 1;
// A zstd block makes at most 128 KiB and takes at least 4 bytes; lz4 does worse. What claims to
// expand further is refused before memory is taken for it.
constexpr std::uint64_t kMaxBlock = std::uint64_t{128} << 10;

bool is_plausible(const StreamEntry& entry) {
  if (entry.codec == compress::CodecId::none) return entry.raw == entry.stored;
  return entry.raw <= kMaxRecordBytes && entry.raw <= (entry.stored / 4 + 1) * kMaxBlock;
}

}  // namespace

Section section_of(StreamId id) noexcept {
  const auto value = static_cast<std::uint8_t>(id);
  if (value < 20) return Section::core;
  if (value < 30) return Section::names;
  if (value < 40) return Section::bases;
  if (value < 50) return Section::qualities;
  return Section::tags;
}

void GroupDirectory::encode(Buffer& out) const {
  ByteWriter writer(out);
  writer.put(kDirectoryVersion);
  writer.put_varint(records);
  writer.put_varint(bases);
  writer.put_varint(raw_bytes);
  writer.put_varint(streams.size());
  for (const StreamEntry& entry : streams) {
    writer.put(static_cast<std::uint8_t>(entry.id));
    writer.put_varint(entry.key);
    writer.put(entry.encoding);
    writer.put(static_cast<std::uint8_t>(entry.codec));
    writer.put_varint(entry.raw);
    writer.put_varint(entry.stored);
    writer.put(entry.crc32c);
  }
}

GroupDirectory GroupDirectory::decode(ByteReader& in, std::string_view subject) {
  if (const auto version = in.get<std::uint8_t>(); version != kDirectoryVersion) {
    throw Error(Errc::unsupported, "read row group", subject,
                fmt::format("directory version {}", version), "use a newer cnf");
  }
  GroupDirectory directory;
  directory.records = in.get_varint();
  directory.bases = in.get_varint();
  directory.raw_bytes = in.get_varint();
  if (directory.records > kMaxGroupRecords) in.fail("more records than a group may hold");
  if (directory.raw_bytes > (directory.records > 1 ? kMaxGroupBytes : kMaxRecordBytes)) {
    in.fail("more bytes than a group may hold");
  }
  if (directory.bases > directory.raw_bytes) in.fail("more bases than bytes");
  // Streams are less than the records they stand for, but for a consensus of short exons.
  std::uint64_t raw_left = 8 * directory.raw_bytes + kMaxBlock;
  const std::uint64_t count = in.get_count(10);
  directory.streams.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    StreamEntry entry;
    entry.id = static_cast<StreamId>(in.get<std::uint8_t>());
    entry.key = static_cast<std::uint32_t>(in.get_varint());
    entry.encoding = in.get<std::uint8_t>();
    entry.codec = compress::codec_id(in.get<std::uint8_t>(), subject);
    entry.raw = in.get_varint();
    entry.stored = in.get_varint();
    entry.crc32c = in.get<std::uint32_t>();
    if (!is_plausible(entry) || entry.raw > raw_left) in.fail("a stream's sizes cannot be");
    raw_left -= entry.raw;
    directory.streams.push_back(entry);
  }
  return directory;
}

std::uint64_t GroupDirectory::section_bytes(Section section) const noexcept {
  std::uint64_t bytes = 0;
  for (const StreamEntry& entry : streams) {
    if (section_of(entry.id) == section) bytes += entry.stored;
  }
  return bytes;
}

Buffer& StreamWriter::add(StreamId id, std::uint8_t encoding, std::uint32_t key) {
  return streams_.emplace_back(Pending{id, encoding, key, Buffer()}).bytes;
}

std::vector<StreamEntry> StreamWriter::seal(const compress::Codec& codec,
                                            std::array<Buffer, kSections>& sections) {
  std::vector<StreamEntry> entries;
  entries.reserve(streams_.size());
  for (const Pending& stream : streams_) {
    if (stream.bytes.empty()) continue;
    Buffer& section = sections[static_cast<std::size_t>(section_of(stream.id))];
    const std::size_t start = section.size();
    codec.compress(stream.bytes, section);
    compress::CodecId used = codec.id();
    if (section.size() - start >= stream.bytes.size()) {
      section.resize(start);
      section.append(stream.bytes);
      used = compress::CodecId::none;
    }
    const ByteSpan stored = section.span().subspan(start);
    entries.push_back({stream.id, stream.key, stream.encoding, used, stream.bytes.size(),
                       stored.size(), crc32c(stored)});
  }
  return entries;
}

StreamReader::StreamReader(const GroupDirectory& directory, SectionBytes sections,
                           std::string subject)
    : directory_(&directory), sections_(sections), subject_(std::move(subject)) {
  std::array<std::uint64_t, kSections> ends{};
  offsets_.reserve(directory.streams.size());
  for (const StreamEntry& entry : directory.streams) {
    std::uint64_t& end = ends[static_cast<std::size_t>(section_of(entry.id))];
    offsets_.push_back(end);
    end += entry.stored;
  }
  for (std::size_t i = 0; i < kSections; ++i) {
    if (sections_[i].data() != nullptr && sections_[i].size() != ends[i]) {
      throw Error(Errc::corrupt_data, "read row group", subject_,
                  fmt::format("section {} has {} bytes, its directory says {}", i,
                              sections_[i].size(), ends[i]));
    }
  }
}

const StreamEntry* StreamReader::find(StreamId id, std::uint32_t key) const noexcept {
  for (const StreamEntry& entry : directory_->streams) {
    if (entry.id == id && entry.key == key) return &entry;
  }
  return nullptr;
}

Buffer StreamReader::get(StreamId id, std::uint32_t key) const {
  const StreamEntry* entry = find(id, key);
  if (entry == nullptr) return {};
  return decompress(static_cast<std::size_t>(entry - directory_->streams.data()));
}

Buffer StreamReader::decompress(std::size_t index) const {
  const StreamEntry& entry = directory_->streams[index];
  const ByteSpan section = sections_[static_cast<std::size_t>(section_of(entry.id))];
  if (section.data() == nullptr) {
    throw Error(Errc::internal, "read row group", subject_, "a stream was wanted but not fetched");
  }
  const ByteSpan stored = section.subspan(offsets_[index], entry.stored);
  const std::string name = fmt::format("{} stream {}", subject_, static_cast<int>(entry.id));
  verify_crc32c(stored, entry.crc32c, name);
  Buffer raw(entry.raw);
  compress::decompress(entry.codec, stored, raw.span(), name);
  return raw;
}

void StreamReader::verify_all() const {
  for (std::size_t i = 0; i < directory_->streams.size(); ++i) {
    if (sections_[static_cast<std::size_t>(section_of(directory_->streams[i].id))].data() !=
        nullptr) {
      static_cast<void>(decompress(i));
    }
  }
}

}  // namespace cnf::bams3
