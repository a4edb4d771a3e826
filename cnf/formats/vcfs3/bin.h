// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/format_cells.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/site.h"

namespace cnf::vcfs3 {

/// A run of records of one contig, parsed, before it is encoded: the unit of the position axis.
struct Bin {
  std::string contig = {};
  Buffer text = {};              ///< What `sites` view.
  std::vector<Site> sites = {};  ///< In the order of the input; at most kBinRecords.
  Genotypes genotypes = {};      ///< Of all samples.
  FormatCells cells = {};        ///< Of all samples.
  /// BCF input only, else empty: per record the bits of floats that their text does not give back
  /// (see float_residuals.h); opaque bytes, one string per record. Empty also if all are.
  std::vector<std::string> residuals = {};
};

}  // namespace cnf::vcfs3
