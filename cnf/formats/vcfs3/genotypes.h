// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cnf::vcfs3 {

/// The GT texts of records × samples, exactly, as codes into a dictionary of texts.
///
/// The dictionary is in the order of first appearance along the records. The 255 first texts have
/// one-byte codes; a cell with any other has kEscape, and its text is found in `escapes`.
struct Genotypes {
  static constexpr std::uint8_t kEscape = 255;
  struct Escape {
    std::uint64_t cell = 0;  ///< record × samples + sample; ascending.
    std::uint32_t text = 0;  ///< Index in `texts`, 255 or more.
  };

  std::size_t records = 0;
  std::size_t samples = 0;
  std::vector<std::string> texts = {};   ///< "0|0", "./.", ".", "0/1/2", … ; each once.
  std::vector<std::uint8_t> codes = {};  ///< records × samples, a record's samples together.
  std::vector<Escape> escapes = {};
  std::vector<std::uint8_t> present = {};  ///< Per record: 1 if it has GT; else its codes are 0.

  /// The text of a cell of a record that has GT. Cost: O(log escapes) for an escaped one.
  [[nodiscard]] std::string_view text(std::size_t record, std::size_t sample) const noexcept;
};

/// Some neighbouring samples of all: [first, first + count).
struct SampleRange {
  std::size_t first = 0;
  std::size_t count = 0;
  bool operator==(const SampleRange&) const = default;
};

}  // namespace cnf::vcfs3
