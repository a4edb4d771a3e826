// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/format_cells.h"
#include "cnf/formats/vcfs3/genotypes.h"

namespace cnf::vcfs3::testing {

/// Records with cells, as tests write them: FORMAT, then the cells.
struct CellTable {
  std::vector<std::vector<std::string>> rows = {};

  [[nodiscard]] std::size_t samples() const { return rows.empty() ? 0 : rows[0].size() - 1; }
  [[nodiscard]] std::vector<std::string_view> formats() const {
    std::vector<std::string_view> result;
    for (const auto& row : rows) result.emplace_back(row[0]);
    return result;
  }
};

inline bool begins_with_genotype(std::string_view format) {
  return format == "GT" || format.starts_with("GT:");
}

inline void add_genotype(Genotypes& genotypes, std::string_view text) {
  const auto found = std::ranges::find(genotypes.texts, text);
  const auto index = static_cast<std::size_t>(found - genotypes.texts.begin());
  if (found == genotypes.texts.end()) genotypes.texts.emplace_back(text);
  if (index >= Genotypes::kEscape) {
    genotypes.escapes.push_back({genotypes.codes.size(), static_cast<std::uint32_t>(index)});
  }
  genotypes.codes.push_back(
      static_cast<std::uint8_t>(std::min<std::size_t>(index, Genotypes::kEscape)));
}

/// The parts of cells of samples [first, first + count) of a table, as a parser makes them.
struct ParsedCells {
  Genotypes genotypes = {};
  FormatCells rests = {};

  ParsedCells(const CellTable& table, std::size_t first, std::size_t count) {
    genotypes.records = rests.records = table.rows.size();
    genotypes.samples = rests.samples = count;
    rests.offsets.push_back(0);
    for (const auto& row : table.rows) {
      const bool present = begins_with_genotype(row[0]);
      genotypes.present.push_back(present ? 1 : 0);
      for (std::size_t s = first; s < first + count; ++s) {
        std::string_view cell = row[s + 1];
        if (present) {
          const std::string_view text = cell.substr(0, cell.find(':'));
          add_genotype(genotypes, text);
          cell.remove_prefix(text.size());
        } else {
          genotypes.codes.push_back(0);
        }
        rests.text.append(as_bytes(cell));
        rests.offsets.push_back(static_cast<std::uint32_t>(rests.text.size()));
      }
    }
    if (rests.text.empty()) rests.offsets.clear();
  }
};

}  // namespace cnf::vcfs3::testing
