// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
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
  /// Columns before those of samples, FORMAT included; a file without FORMAT has one less.
  static constexpr std::size_t kFixedColumns = 9;
  /// Texts are believed to expand to 16 MiB and this many times their compressed size, no more.
  static constexpr std::uint64_t kMaxExpansion = 1024;

  /// All lines before the first record, "#CHROM" with its line end included (if it has one).
  std::string text = {};
  /// Of the #CHROM line, tabs being all that separates them. Records have as many, or are raw; with
  /// fewer than eight no record fits.
  std::size_t columns = 0;
  bool crlf = false;  ///< The #CHROM line ends in CR LF: so do all lines, or they are raw.
  std::vector<std::string> samples = {};  ///< Names may be empty or there twice.
  struct Contig {
    std::string name;
    std::optional<std::uint64_t> length = {};
  };
  std::vector<Contig> contigs = {};         ///< Of the ##contig lines, in their order, each once.
  std::vector<std::string> info_keys = {};  ///< In the order of their definition.
  std::unordered_map<std::string, FieldDefinition> info = {}, format = {};
  std::unordered_set<std::string> filters = {};  ///< Of the ##FILTER lines.

  /// The bytes of `text` up to and with the #CHROM line and its end; nullopt if that line is not
  /// there, or not whole and `at_end` does not say that nothing follows.
  /// Throws Error corrupt_data naming `subject` if `text` does not begin as VCF does (see parse),
  /// or a record comes before #CHROM.
  [[nodiscard]] static std::optional<std::size_t> find_end(std::string_view text, bool at_end,
                                                           std::string_view subject);
  /// Cost: O(size). Throws Error corrupt_data naming `subject` if the text does not begin with
  /// "##fileformat=VCF" or "#CHROM" (a byte order mark may stand before them and is kept), or has
  /// no #CHROM line, or goes on after it.
  [[nodiscard]] static Header parse(std::string text, std::string_view subject);
  /// The text with the given samples instead of its own; without any, without FORMAT.
  [[nodiscard]] std::string text_with_samples(const std::vector<std::string>& names) const;

  /// As an object of the dataset: a codec (u8, compress::CodecId), a varint length, the compressed
  /// text. decode throws Error corrupt_data naming `subject`.
  [[nodiscard]] Buffer encode() const;
  [[nodiscard]] static Header decode(ByteSpan object, std::string_view subject);
};

/// Finds samples by name. Cost: O(samples) once. Threads: concurrent use is fine.
class SampleNames {
 public:
  explicit SampleNames(const std::vector<std::string>& names);
  /// The ordinal of a sample; nullopt if there is none. Throws Error invalid_argument if several
  /// have the name: a query must not guess which is meant.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;

 private:
  std::unordered_map<std::string, std::size_t> ordinals_;
  std::unordered_set<std::string> repeated_;
};

}  // namespace cnf::vcfs3
