// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/source.h"

namespace cnf::vcfs3 {

/// One of the parts that several machines convert an input in.
struct PartNumber {
  std::uint64_t number = 1;  ///< 1 to `of`.
  std::uint64_t of = 1;
  bool operator==(const PartNumber&) const = default;
};
/// More parts than this no input has.
inline constexpr std::uint64_t kMaxParts = 100'000;

/// A source that gives a part's lines only; its header is the whole input's.
class PartSource : public Source {
 public:
  /// Of the whole input, as stored.
  [[nodiscard]] virtual std::uint64_t input_bytes() const noexcept = 0;
  /// Where it begins and ends: of parts that meet, one's end is the other's beginning.
  [[nodiscard]] virtual std::string begin() const = 0;
  [[nodiscard]] virtual std::string end() const = 0;
};

/// Opens a part of plain or BGZF VCF text, of a local file or an object of a store.
///
/// The parts of one number `of` hold every line of the input once, in their order. They are cut
/// near size · number / of, at the beginning of a line that tells a contig and a position (lines
/// that do not are filed with the one before), so a part may be empty. No index is needed. Cost: a
/// few requests to find the cuts, then the part's own bytes. Lines that this reads by itself, like
/// slabs, are those of open_source. Decompresses on the caller's thread.
/// Throws Error unsupported (standard input, a pipe, plain gzip, BCF), invalid_argument (no such
/// part) and what open_source throws.
[[nodiscard]] std::unique_ptr<PartSource> open_part(const std::string& uri, PartNumber part,
                                                    const SourceOptions& options,
                                                    const Context& context);

}  // namespace cnf::vcfs3
