// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cnf/formats/bams3/bases.h"
#include "cnf/formats/bams3/consensus.h"
#include "cnf/formats/bams3/core_columns.h"
#include "cnf/formats/bams3/mates.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/streams.h"

namespace cnf::bams3 {

/// One tag of a record (SAMv1, section 4.2.4).
struct Tag {
  std::uint8_t name[2];
  char type;     ///< A c C s S i I f Z H B, and d; '\0': no tag but up to 3 bytes behind the last.
  char subtype;  ///< Of a B array's elements; 0 else.
  ByteSpan value;  ///< The bytes behind the type: Z and H with their NUL, B from its count on.

  [[nodiscard]] bool is(std::string_view two) const noexcept {
    return name[0] == static_cast<std::uint8_t>(two[0]) &&
           name[1] == static_cast<std::uint8_t>(two[1]);
  }
  /// Z or H without the NUL.
  [[nodiscard]] std::string_view text() const noexcept {
    return as_text(value.first(value.size() - 1));
  }
  /// The value of an integer type.
  [[nodiscard]] std::optional<std::int64_t> integer() const noexcept;
};

/// Bytes of one value of a type: 1, 2, 4 or (d) 8; 0 for types of no fixed size and unknown ones.
[[nodiscard]] std::size_t tag_value_bytes(char type) noexcept;

/// The tag that `tags` begin with; `tags` then begin behind it. They must have passed
/// RecordView::check and not be empty. Fewer bytes than a tag has are one of type '\0', whose name
/// is their number and a NUL.
[[nodiscard]] Tag take_tag(ByteSpan& tags) noexcept;

/// The text of the first Z tag of that name.
[[nodiscard]] std::optional<std::string_view> find_text_tag(ByteSpan tags,
                                                            std::string_view name) noexcept;

/// What tags can be recomputed from, at either end.
struct TagContext {
  const CoreColumns& core;
  const MateColumns& mates;
  const Bases& bases;
  const Consensus& consensus;
};

/// Each record has a layout (its tags' names and types, in order) and each tag a column of its own.
/// MD, NM, MC and MQ are left out where recomputation gives the same bytes.
void encode_tags(const RecordBatch& batch, const TagContext& context, StreamWriter& out);

/// Gives the tag bytes of a group's records, one record after the other.
class TagDecoder {
 public:
  /// Throws Error corrupt_data.
  TagDecoder(const TagContext& context, const StreamReader& in);
  ~TagDecoder();
  TagDecoder(TagDecoder&&) noexcept;
  TagDecoder& operator=(TagDecoder&&) = delete;

  /// Appends the next record's tags, as BAM has them, to `out`.
  void next(Buffer& out);
  /// Passes over the next record's tags.
  void skip();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cnf::bams3
