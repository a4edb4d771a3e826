// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"

namespace cnf::vcfs3 {

/// What the sample columns of records hold besides GT, as text.
///
/// A cell "0/1:10,5:15" of a record whose FORMAT begins with GT has the rest ":10,5:15", with the
/// colon, so that "./." (nothing follows) and "./.:" differ. Where FORMAT does not begin with GT
/// the rest is the whole cell. A record with FORMAT "GT" alone, without samples, or raw, has only
/// empty rests (a cell "0/1:7" of a record with FORMAT "GT" is possible, and has the rest ":7").
struct FormatCells {
  std::size_t records = 0;
  std::size_t samples = 0;
  Buffer text = {};  ///< All rests, one behind the other, a record's samples together.
  /// records × samples + 1 offsets in `text`, or empty if every rest is empty.
  std::vector<std::uint32_t> offsets = {};

  [[nodiscard]] bool empty() const noexcept { return offsets.empty(); }
  [[nodiscard]] std::string_view rest(std::size_t record, std::size_t sample) const noexcept {
    if (offsets.empty()) return {};
    const std::size_t cell = record * samples + sample;
    return as_text(text.span()).substr(offsets[cell], offsets[cell + 1] - offsets[cell]);
  }
};

}  // namespace cnf::vcfs3
