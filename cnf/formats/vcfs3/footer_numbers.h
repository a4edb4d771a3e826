// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/dataset.h"

namespace cnf::vcfs3 {

/// How the footers of chunks number bins and contigs: a dataset that was converted in parts has
/// there the numbers that each part gave by itself (SPEC.md, "Chunk object").
class FooterNumbers {
 public:
  /// Throws Error corrupt_data if the manifest's parts do not have its bins and contigs.
  explicit FooterNumbers(const Dataset& dataset);
  /// The row with the numbers that the footer of its chunk has.
  [[nodiscard]] BinRow of(BinRow row) const;

 private:
  struct Part {
    std::uint64_t first_bin = 0;
    /// From the dataset's numbers of contigs that the header lacks.
    std::unordered_map<std::uint32_t, std::uint32_t> contigs = {};
  };
  std::vector<Part> parts_;
};

}  // namespace cnf::vcfs3
