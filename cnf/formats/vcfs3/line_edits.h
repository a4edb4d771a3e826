// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cnf/formats/vcfs3/render.h"

namespace cnf::vcfs3 {

/// What is changed in VCF lines on their way out; nothing unless asked for.
struct LineEdits {
  LineOptions::Samples samples = LineOptions::Samples::all;
  /// Of AC, AN, AF: set to what the GTs of the answer's samples say, in place, or at the end of
  /// INFO if they were not there. Records without GT are left alone.
  std::vector<std::string> update_info = {};
  /// Fields that a cell leaves out at its end ("./." under GT:AD).
  enum class Trailing : std::uint8_t {
    as_written,
    padded,  ///< As bcftools writes them: "./.:."
  };
  Trailing trailing = Trailing::as_written;
  /// ALT alleles that no GT of the answer's samples has.
  enum class Unused : std::uint8_t {
    kept,
    /// As bcftools view -a: with them go their values of Number=A, R and G. Such a record's numbers
    /// are then spelled as htslib spells them.
    trimmed,
  };
  Unused unused = Unused::kept;
  /// The answer's header, for definitions and samples. Needed to trim.
  std::string header = {};
  std::string line_end = "\n";

  /// True if lines are to be changed at all, samples aside.
  [[nodiscard]] bool any() const noexcept {
    return !update_info.empty() || trailing == Trailing::padded || unused == Unused::trimmed;
  }
};

/// Column "text": VCF lines. Throws Error invalid_argument if update_info names another key.
[[nodiscard]] std::shared_ptr<const Renderer> render_edited_lines(const LineEdits& edits);

}  // namespace cnf::vcfs3
