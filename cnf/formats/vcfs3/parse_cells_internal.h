// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cnf/formats/vcfs3/format_cells.h"
#include "cnf/formats/vcfs3/genotype_codes_internal.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/site.h"

namespace cnf::vcfs3 {

/// Takes the sample columns of lines apart, record by record.
class CellParser {
 public:
  /// \param genotypes, cells  what is filled; must outlive this.
  CellParser(std::size_t samples, Genotypes& genotypes, FormatCells& cells);

  /// Adds a record. False, and nothing added, if the text has not one cell per sample.
  /// \param text  the columns behind FORMAT: cells with tabs between them.
  [[nodiscard]] bool add(std::string_view text, const Site& site);
  /// Adds a record without genotypes whose rests are empty.
  void add_empty();
  /// After the last record: what is filled gets its final form.
  void finish();

 private:
  enum class Outcome : std::uint8_t { done, mismatch, has_rests };
  [[nodiscard]] Outcome add_genotypes(const char* at, const char* end, std::uint8_t* codes);
  [[nodiscard]] bool add_cells(const char* at, const char* end, bool has_genotypes,
                               std::uint8_t* codes);
  [[nodiscard]] std::uint8_t code_of(std::string_view text, std::uint64_t cell);

  std::size_t samples_;
  Genotypes& genotypes_;
  FormatCells& cells_;
  GenotypeTexts texts_;
  CodeCache words_;  // by four bytes, a text of three and the tab or colon behind it
  CodeCache short_;  // by up to six bytes and their number
};

}  // namespace cnf::vcfs3
