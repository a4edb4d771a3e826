// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "cnf/core/util/bytes.h"
#include "cnf/formats/vcfs3/format_columns_internal.h"

namespace cnf::vcfs3 {

/// Something about a cell that is known before a symbol of it is read, and may foretell it.
/// The numbers stand on disk.
struct Feature {
  enum class Kind : std::uint8_t {
    genotype = 0,  ///< genotype_class of the cell.
    sample = 1,    ///< The sample within the tile.
    lacking = 2,   ///< FieldTable::lacking.
    arity = 3,     ///< Elements of the field; 0 without one.
    element = 4,   ///< Symbol of element `place`; 0 without one.
    sum = 5,       ///< kNumberSymbol + sum of the numbers at places before `place`.
    rest = 6,      ///< kNumberSymbol + element 0 less the sum (as above) of the current column.
    gap = 7,       ///< kNumberSymbol + second least number less the least; at most 99; 0 if < 2.
    decimals = 8,  ///< Of element `place`.
  };
  static constexpr std::uint8_t kKinds = 9;

  Kind kind = Kind::genotype;
  std::uint32_t column = 0;
  std::uint32_t place = 0;
  auto operator<=>(const Feature&) const = default;

  void encode(ByteWriter& out) const;
  /// Throws corrupt_data for an unknown kind.
  [[nodiscard]] static Feature decode(ByteReader& in);
};

/// What the text of a genotype says to other fields: which alleles (up to 2, any order) and
/// whether they are phased. At most kGenotypeClasses - 1.
[[nodiscard]] std::uint32_t genotype_class(std::string_view text) noexcept;
inline constexpr std::uint32_t kGenotypeClasses = 64;

/// Features of the active cells of a tile, made when they are asked for.
class Features {
 public:
  /// \param genotypes  per active cell, its class. Both must outlive this.
  Features(const FieldTable& table, std::span<const std::uint32_t> genotypes)
      : table_(table), genotypes_(genotypes), known_(table.columns.size()) {}

  /// Says what of a column, which becomes the current one, may be asked for from now on: its
  /// arities, symbols at places before `places`, and decimals at places before `decimals`.
  void set_known(std::uint32_t column, std::size_t places, std::size_t decimals);
  [[nodiscard]] std::size_t samples() const noexcept { return table_.samples; }
  /// The column whose symbols are being read: Feature::Kind::rest is about it.
  [[nodiscard]] std::uint32_t current() const noexcept { return current_; }

  /// False for what is not known yet, so that no reader could have it.
  [[nodiscard]] bool is_known(const Feature& feature) const noexcept;
  /// One value per active cell; a known feature only. Valid until drop().
  [[nodiscard]] std::span<const std::uint32_t> get(const Feature& feature);
  /// Forgets what nobody will ask for any more: features about sums of the current column.
  void drop();

 private:
  [[nodiscard]] std::vector<std::uint32_t> make(const Feature& feature) const;
  [[nodiscard]] std::vector<std::uint32_t> sums(std::uint32_t column, std::size_t places) const;
  [[nodiscard]] std::vector<std::uint32_t> rests(const Feature& feature);
  [[nodiscard]] std::vector<std::uint32_t> gaps(const FieldColumn& column) const;

  const FieldTable& table_;
  std::span<const std::uint32_t> genotypes_;
  struct Known {
    bool arities = false;
    std::size_t places = 0, decimals = 0;
  };
  std::vector<Known> known_;
  std::uint32_t current_ = 0;
  std::map<Feature, std::vector<std::uint32_t>> made_ = {};
};

}  // namespace cnf::vcfs3
