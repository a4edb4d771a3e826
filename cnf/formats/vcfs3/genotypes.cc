// SPDX-License-Identifier: Apache-2.0
#include "cnf/formats/vcfs3/genotypes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cnf::vcfs3 {

std::string_view Genotypes::text(std::size_t record, std::size_t sample) const noexcept {
  const std::size_t cell = record * samples + sample;
  const std::uint8_t code = codes[cell];
  if (code != kEscape) return texts[code];
  return texts[std::ranges::lower_bound(escapes, std::uint64_t{cell}, {}, &Escape::cell)->text];
}

}  // namespace cnf::vcfs3
