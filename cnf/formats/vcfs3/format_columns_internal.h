// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/formats/vcfs3/format_cells.h"
#include "cnf/formats/vcfs3/genotypes.h"

namespace cnf::vcfs3 {

// A cell's text taken apart without loss: fields between colons, elements between commas, and an
// element as a symbol.
inline constexpr std::uint32_t kMissingSymbol = 0;  ///< "."
inline constexpr std::uint32_t kTextSymbol = 1;     ///< What no other symbol prints; see texts.
inline constexpr std::uint32_t kNumberSymbol = 2;   ///< A number's magnitude comes on top of it.

/// A magnitude has at most nine digits, and at most so many of all digits stand behind the point.
inline constexpr std::uint32_t kMaxMagnitude = 999'999'999;
inline constexpr std::uint32_t kMaxDecimals = 15;
/// The greatest symbol: the magnitude, doubled where a column has signs.
inline constexpr std::uint32_t kMaxSymbol = kNumberSymbol + 2 * kMaxMagnitude + 1;

/// The first elements of fields have streams of their own; those behind share the last.
inline constexpr std::size_t kOwnPlaces = 10;
inline constexpr std::size_t kPlaces = kOwnPlaces + 1;

/// How an element that is kept as text is told: as one seen before or a new one.
inline constexpr std::uint32_t kNewText = 0;
inline constexpr std::uint32_t kPreviousText = 1;    ///< Of the column's text before.
inline constexpr std::uint32_t kSamplesOwnText = 2;  ///< Of the sample's text before.
inline constexpr std::uint32_t kFirstTextCode = 3;   ///< + index in `texts`.

/// The fields under one key of FORMAT, of all cells of a tile that have one.
///
/// Cells are counted over the active records: record × samples + sample.
struct FieldColumn {
  std::vector<std::uint32_t> cells = {};    ///< Ascending.
  std::vector<std::uint32_t> arities = {};  ///< Per field: its elements, 1 or more.
  /// Symbols by place: places[j] has element j of each field with more than j; places[kOwnPlaces]
  /// all that follow, a field's together.
  std::array<std::vector<std::uint32_t>, kPlaces> places = {};
  /// Digits behind the point, beside `places`; every vector is empty if no element has any.
  std::array<std::vector<std::uint32_t>, kPlaces> decimals = {};
  bool has_signs = false;  ///< Symbols are kNumberSymbol + 2 × magnitude + (1 if negative).
  std::vector<std::uint32_t> text_codes = {};  ///< Of elements that are text, field after field.
  std::vector<std::string_view> texts = {};    ///< Distinct ones, in the order of appearance.

  [[nodiscard]] bool has_decimals() const noexcept;
  /// Per text element, in the order of text_codes, its cell.
  [[nodiscard]] std::vector<std::uint32_t> text_cells() const;
};

/// Which columns the fields of a record's cells belong to.
struct FieldLayout {
  bool genotype_first = false;              ///< Cells' texts begin with the colon behind GT.
  std::vector<std::uint32_t> columns = {};  ///< Per field, besides a GT at the front.
};

/// The layouts of records, by their FORMAT. Keys are told apart by name, and by how often the name
/// stood before in the same FORMAT. Column 0 is for what cells have beyond their FORMAT.
struct FieldLayouts {
  std::vector<FieldLayout> layouts = {};
  std::vector<std::uint32_t> of_record = {};  ///< Per record of the tile; 0 if it is not active.
  std::vector<std::string> names = {};        ///< Per column; names[0] is empty.
};

/// \param active  per record, 1 if any of its cells has text.
[[nodiscard]] FieldLayouts field_layouts(std::span<const std::string_view> formats,
                                         std::span<const std::uint32_t> active);

/// The cells of a tile, by columns.
struct FieldTable {
  std::size_t samples = 0;
  std::vector<std::uint32_t> active = {};  ///< Per record, 1 if any of its cells has text.
  /// Per cell of active records: 0 if it has every field of its FORMAT, else how many it lacks;
  /// one more than FORMAT has if it has more.
  std::vector<std::uint32_t> lacking = {};
  std::vector<FieldColumn> columns = {};
};

/// Texts are views of `bin`. Throws Error invalid_argument if a rest behind GT has no colon.
[[nodiscard]] FieldTable split_fields(const FormatCells& bin,
                                      std::span<const std::string_view> formats,
                                      SampleRange samples, FieldLayouts& layouts);

/// The inverse. Throws Error corrupt_data, naming `subject`, if the text is too long or text codes
/// are none. The table must hold together otherwise: as many symbols as arities say, and so on.
[[nodiscard]] FormatCells join_fields(const FieldTable& table, const FieldLayouts& layouts,
                                      std::string_view subject);

/// Per active cell which of its columns it has: the number of fields that `lacking` leaves.
[[nodiscard]] std::size_t fields_of(const FieldLayout& layout, std::uint32_t lacking) noexcept;

}  // namespace cnf::vcfs3
