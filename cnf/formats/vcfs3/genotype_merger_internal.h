// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cnf/formats/vcfs3/genotype_codes_internal.h"
#include "cnf/formats/vcfs3/genotypes.h"

namespace cnf::vcfs3 {

/// Appends records of parsed slabs to the genotypes of a bin, whose dictionary has the texts of
/// these records alone, in the order in which they first appear.
class GenotypeMerger {
 public:
  /// \param into  empty; must outlive this.
  GenotypeMerger(std::size_t samples, Genotypes& into);
  /// Appends the records [first, first + count) of `from`.
  void append(const Genotypes& from, std::size_t first, std::size_t count);

 private:
  void translate(const Genotypes& from, std::size_t record);
  void copy(const std::uint8_t* codes);
  [[nodiscard]] std::uint32_t index_of(const Genotypes& from, std::uint32_t text);

  Genotypes& into_;
  GenotypeTexts texts_;
  std::vector<std::uint32_t> indices_;  // of into_, by index of the slab's texts
  std::size_t unknown_ = 0;             // of indices_ that are not known yet
  bool escapes_ = false;                // some of indices_ have no one-byte code
};

}  // namespace cnf::vcfs3
