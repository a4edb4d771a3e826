// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/formats/vcfs3/expression.h"
#include "cnf/formats/vcfs3/header.h"

namespace cnf::vcfs3 {

/// A piece of a format string.
struct FormatPart {
  enum class What : std::uint8_t {
    literal,
    chrom,
    pos,
    pos0,
    end,
    end0,
    id,
    ref,
    alt,
    first_alt,
    qual,
    filter,
    type,
    info,
    info_tag,
    format,
    line,
    mask,
    chrom_pos_id,
    n_pass,
    sample,
    genotype,
    alleles,  ///< %TGT
    iupac,    ///< %IUPACGT
    format_tag,
  };
  What what = What::literal;
  std::string text = {};  ///< The literal, or the tag as the header line names it.
  std::optional<std::size_t> subscript = {};
  bool is_text = false;  ///< info_tag: of type String, Character or Flag.
  bool per_sample = false;
  std::shared_ptr<const Expression> condition = nullptr;
};

/// Throws as FormatString::parse.
[[nodiscard]] std::vector<FormatPart> parse_format_string(std::string_view text,
                                                          const Header& header);

}  // namespace cnf::vcfs3
