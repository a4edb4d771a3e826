// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cnf/core/util/buffer.h"

namespace cnf::bams3 {

/// A reference sequence (contig) as the binary header lists it.
struct Reference {
  std::string name;
  std::uint32_t length = 0;  ///< In bases.
  bool operator==(const Reference&) const = default;
};

/// A BAM header, exactly: the text's bytes (whatever they are: no newline at the end, CRLF, NULs, no
/// @SQ) and the binary list of references, which need not agree with it.
struct Header {
  std::string text;
  std::vector<Reference> references;

  /// The sort order that the text's @HD line declares ("coordinate", …); empty if none.
  [[nodiscard]] std::string declared_order() const;
  /// Sets SO: of the @HD line, adding the line if there is none, as samtools sort does.
  void declare_order(std::string_view order);

  /// As an uncompressed BAM stream begins: magic, text, references.
  [[nodiscard]] Buffer to_bam() const;
  /// As a dataset stores it (SPEC.md, "Header object"), and back. Throws Error corrupt_data.
  [[nodiscard]] Buffer encode() const;
  [[nodiscard]] static Header decode(ByteSpan encoded, std::string_view subject);
};

/// Finds references by name.
class ReferenceNames {
 public:
  explicit ReferenceNames(const Header& header);
  [[nodiscard]] std::optional<std::uint32_t> find(std::string_view name) const;

 private:
  std::unordered_map<std::string, std::uint32_t> ids_;
};

}  // namespace cnf::bams3
