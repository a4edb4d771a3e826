// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "cnf/formats/vcfs3/site.h"

namespace cnf::vcfs3 {

/// A record of an answer as filters, format strings and sinks look at it: its texts.
///
/// Views, valid until the next record is asked for. Columns that nobody said they need (Needs) are
/// empty.
struct Variant {
  std::string_view contig = {};
  Site site = {};
  std::int64_t end = 0;                          ///< 0-based exclusive, see end_of().
  std::span<const std::string_view> cells = {};  ///< "0/1:10,5:15", of the samples asked for.
};

/// Which columns of a Variant somebody looks at, besides contig, pos and end.
struct Needs {
  bool id = false;
  bool alleles = false;  ///< REF, ALT
  bool qual = false;
  bool filter = false;
  bool info = false;
  bool genotypes = false;  ///< Cells, at least their GT.
  bool format = false;     ///< FORMAT, and cells whole.
  bool carriers = false;   ///< Who has rare alleles, as site pages tell it; no column of a line.

  [[nodiscard]] static Needs all() { return {true, true, true, true, true, true, true, false}; }
  Needs& operator|=(const Needs& other) noexcept {
    id |= other.id;
    alleles |= other.alleles;
    qual |= other.qual;
    filter |= other.filter;
    info |= other.info;
    genotypes |= other.genotypes;
    format |= other.format;
    carriers |= other.carriers;
    return *this;
  }
};

}  // namespace cnf::vcfs3
