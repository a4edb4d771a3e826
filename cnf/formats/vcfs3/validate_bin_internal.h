// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/dataset.h"
#include "cnf/formats/vcfs3/decoded_bin.h"
#include "cnf/formats/vcfs3/validate.h"

namespace cnf::vcfs3 {

/// What a bin turned out to hold.
struct CheckedBin {
  std::string object;                           ///< The chunk it lies in.
  std::vector<std::string> complaints;          ///< What is wrong with it.
  bool damaged = false;                         ///< It could not be decoded.
  std::vector<std::vector<std::uint64_t>> ids;  ///< Hashes, per page.
  Buffer text;                                  ///< Depth::text: its lines.
};

/// Holds a bin against its row. Threads: concurrent use is fine.
class BinCheck {
 public:
  /// The dataset must outlive it.
  BinCheck(const Dataset& dataset, Depth depth);
  [[nodiscard]] CheckedBin run(const BinRow& row, const Context& context) const;

 private:
  struct Parts;
  void fetch(const BinRow& row, Parts& parts, const Context& context) const;
  void check_page(const BinRow& row, const Parts& parts, std::size_t number,
                  CheckedBin& checked) const;
  void check_text(const BinRow& row, const Parts& parts, CheckedBin& checked) const;

  const Dataset& dataset_;
  Depth depth_;
  CellOrder order_;
};

}  // namespace cnf::vcfs3
