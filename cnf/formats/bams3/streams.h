// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"

namespace cnf::bams3 {

/// What a stream of a row group holds (SPEC.md, "Streams"). The values stand on disk.
enum class StreamId : std::uint8_t {
  reference = 1,
  position = 2,
  flag = 3,
  mapq = 4,
  length = 5,
  cigar_ids = 6,
  cigar_dictionary = 7,
  mate_kinds = 8,
  mate_links = 9,
  mate_references = 10,
  mate_positions = 11,
  template_lengths = 12,
  exceptions = 13,
  name_shape = 20,
  name_column = 21,  ///< key: which column.
  name_text = 22,
  consensus_pages = 30,
  consensus_bases = 31,
  consensus_exceptions = 32,
  mismatch_counts = 33,
  mismatch_positions = 34,
  mismatch_bases = 35,
  literal_bases = 36,
  literal_exceptions = 37,
  qualities = 40,
  tag_layouts = 50,
  tag_layout_ids = 51,
  tag_column = 52,  ///< key: tag and type, see tags.h.
};

/// Where in a row group a stream lies: `core` is the A part, the rest make up the B part in this
/// order.
enum class Section : std::uint8_t { core, names, bases, qualities, tags };
inline constexpr std::size_t kSections = 5;
[[nodiscard]] Section section_of(StreamId id) noexcept;

/// A stream as the directory of its group lists it.
struct StreamEntry {
  StreamId id{};
  std::uint32_t key = 0;      ///< Tells streams of one id apart.
  std::uint8_t encoding = 0;  ///< How values became bytes; each id has its own list.
  compress::CodecId codec{};  ///< How the bytes were compressed.
  std::uint64_t raw = 0;      ///< Bytes before compression.
  std::uint64_t stored = 0;   ///< Bytes as stored.
  std::uint32_t crc32c = 0;   ///< Of the stored bytes.
};

/// Says what a row group is and where its streams lie; the A part begins with it.
struct GroupDirectory {
  std::uint64_t records = 0;
  std::uint64_t bases = 0;
  std::uint64_t raw_bytes = 0;  ///< Of the records as BAM, block sizes included.
  std::vector<StreamEntry> streams;

  void encode(Buffer& out) const;
  /// Bounds every count by what `in` holds. Throws Error corrupt_data, unsupported.
  [[nodiscard]] static GroupDirectory decode(ByteReader& in, std::string_view subject);
  /// Stored bytes of the streams of one section.
  [[nodiscard]] std::uint64_t section_bytes(Section section) const noexcept;
};

/// No group of several records decodes to more than this many bytes and records; what claims to is
/// refused before memory is taken for it. A record that is larger makes a group of its own.
inline constexpr std::uint64_t kMaxGroupBytes = std::uint64_t{64} << 20;
inline constexpr std::uint64_t kMaxGroupRecords = std::uint64_t{1} << 18;
inline constexpr std::uint64_t kMaxRecordBytes = std::uint64_t{1} << 30;

/// The streams of a group while they are filled. Addresses stay valid as streams are added.
class StreamWriter {
 public:
  /// The bytes of a new stream, to be filled by the caller.
  [[nodiscard]] Buffer& add(StreamId id, std::uint8_t encoding = 0, std::uint32_t key = 0);
  /// Compresses every stream that has bytes, keeping the smaller of compressed and plain.
  /// Returns the directory entries in order and appends the stored bytes to `sections`.
  [[nodiscard]] std::vector<StreamEntry> seal(const compress::Codec& codec,
                                              std::array<Buffer, kSections>& sections);

 private:
  struct Pending {
    StreamId id;
    std::uint8_t encoding;
    std::uint32_t key;
    Buffer bytes;
  };
  std::deque<Pending> streams_;
};

/// The stored bytes of a group's sections; an absent one was not fetched.
using SectionBytes = std::array<ByteSpan, kSections>;

/// Gives the streams of a group decompressed and checked.
class StreamReader {
 public:
  /// Throws Error corrupt_data if a section's size is not what the directory says.
  StreamReader(const GroupDirectory& directory, SectionBytes sections, std::string subject);

  /// The raw bytes of a stream; empty if the group has none of that id and key.
  /// Throws Error corrupt_data (checksum, frame), naming the group and the stream.
  [[nodiscard]] Buffer get(StreamId id, std::uint32_t key = 0) const;
  [[nodiscard]] const StreamEntry* find(StreamId id, std::uint32_t key = 0) const noexcept;
  [[nodiscard]] const GroupDirectory& directory() const noexcept { return *directory_; }
  [[nodiscard]] const std::string& subject() const noexcept { return subject_; }
  /// Checks every stream of the sections at hand without keeping it.
  void verify_all() const;

 private:
  [[nodiscard]] Buffer decompress(std::size_t index) const;

  const GroupDirectory* directory_;
  SectionBytes sections_;
  std::vector<std::uint64_t> offsets_;  // of each stream in its section
  std::string subject_;
};

}  // namespace cnf::bams3
