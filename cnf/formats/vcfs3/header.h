// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cnf/core/util/buffer.h"

namespace cnf::vcfs3 {

/// How a header says the values of an INFO or FORMAT key are (VCF 4.x, section 1.4.2).
struct FieldDefinition {
  enum class Type : std::uint8_t { integer, floating, flag, character, string };
  enum class Count : std::uint8_t {
    fixed,
    per_alt,
    per_allele,
    per_genotype,
    unknown
  };  // n A R G .
  Type type = Type::string;
  Count count = Count::unknown;
  std::uint32_t number = 0;  ///< Count::fixed only.
};

/// The header of a VCF file: its exact bytes, and what they say.
///
/// Lenient: what is no well-formed definition is kept in the text and means nothing. Of two lines
/// that define one key the first holds.
struct Header {
  std::string text =
      {};  ///< All lines before the first record, "#CHROM" with its line end included.
  std::vector<std::string> samples = {};
  struct Contig {
    std::string name;
    std::optional<std::uint64_t> length = {};
  };
  std::vector<Contig> contigs = {};         ///< Of the ##contig lines, in their order.
  std::vector<std::string> info_keys = {};  ///< In the order of their definition.
  std::unordered_map<std::string, FieldDefinition> info = {}, format = {};

  /// Throws Error corrupt_data naming `subject` if the text does not begin with "##fileformat=VCF"
  /// or
  /// "#CHROM", or has no #CHROM line of at least eight columns.
  [[nodiscard]] static Header parse(std::string text, std::string_view subject);
  /// "##" lines and "#CHROM … INFO[ FORMAT]" with the given samples instead of its own.
  [[nodiscard]] std::string text_with_samples(const std::vector<std::string>& names) const;

  /// As an object of the dataset: a varint length, then zstd of the text.
  [[nodiscard]] Buffer encode() const;
  [[nodiscard]] static Header decode(ByteSpan object, std::string_view subject);
};

}  // namespace cnf::vcfs3
