// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cnf/core/compress/codec.h"
#include "cnf/core/compress/stream_set.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/bytes.h"

namespace cnf::vcfs3 {

/// A column as bytes: a head that says how values became bytes, and streams of them.
struct EncodedColumn {
  Buffer head = {};
  std::vector<Buffer> streams = {};
  bool uses_contexts = false;  ///< A reader needs what foretold the values.

  [[nodiscard]] ByteWriter writer() noexcept { return ByteWriter(head); }
  /// Puts a column behind this one: a decoder reads one after the other.
  void append(EncodedColumn part);
  void add(Buffer stream) { streams.push_back(std::move(stream)); }
};

/// Tells which of several encodings of a column is the smallest, by compressing them.
///
/// It compresses at most at level 9: what is smaller there is smaller at higher levels too, or not
/// by much, and it takes a fraction of the time. Pure; threads: concurrent use is fine.
class Sizer {
 public:
  explicit Sizer(int level);
  /// Whether it is worth the time to try encodings that seldom win (level 9 and above).
  [[nodiscard]] bool is_thorough() const noexcept { return thorough_; }
  /// About how many bytes the column takes in a section.
  [[nodiscard]] std::size_t size(const EncodedColumn& column) const;

 private:
  std::shared_ptr<const compress::Codec> codec_;
  bool thorough_;
};

/// Keeps the smallest of the columns offered; the first of equals.
class Smallest {
 public:
  explicit Smallest(const Sizer& sizer) : sizer_(sizer) {}
  void offer(EncodedColumn column);
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] EncodedColumn take() && { return std::move(best_); }

 private:
  const Sizer& sizer_;
  EncodedColumn best_;
  std::size_t size_ = static_cast<std::size_t>(-1);
};

/// Reads a column: what was written to `head`, and the streams one after the other.
struct ColumnReader {
  ByteReader head;
  compress::StreamSet* streams = nullptr;
  std::size_t next = 0;  ///< The stream that comes next.
  std::size_t end = 0;

  /// Throws Error corrupt_data if the column has no more streams.
  [[nodiscard]] Buffer take();
};

/// Columns as a section: u32 CRC32C of what follows, then a stream set (stream_set.h). Its first
/// stream is the plan: varint number of columns; for each varint length of its head, varint number
/// of its streams; then the heads. Streams follow in the order of the columns.
[[nodiscard]] Buffer encode_section(const std::vector<EncodedColumn>& columns, int level);

/// The columns of a section. Nothing but the plan is decompressed before it is asked for.
class Section {
 public:
  /// The bytes must outlive it. Throws Error corrupt_data.
  Section(ByteSpan bytes, std::string subject);
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return columns_.size(); }
  /// Throws Error corrupt_data if there is no such column.
  [[nodiscard]] ColumnReader column(std::size_t index);
  [[nodiscard]] const std::string& subject() const noexcept { return subject_; }

 private:
  struct Column {
    ByteSpan head;
    std::size_t first = 0, end = 0;  // streams
  };
  std::string subject_;
  std::unique_ptr<compress::StreamSet> streams_;
  Buffer plan_;
  std::vector<Column> columns_;
};

/// A section has at most so many columns.
inline constexpr std::size_t kMaxColumns = std::size_t{1} << 16;
/// A section decodes to at most this many bytes.
inline constexpr std::uint64_t kMaxSectionBytes = std::uint64_t{1} << 30;

}  // namespace cnf::vcfs3
