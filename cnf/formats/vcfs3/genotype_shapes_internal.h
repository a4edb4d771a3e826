// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/util/bytes.h"

namespace cnf::vcfs3 {

/// What a GT text is without its alleles: how many there are and what stands between them; or the
/// whole text, where alleles cannot be told from it (missing, half missing, odd).
struct GenotypeShape {
  std::uint8_t ploidy = 0;  ///< 0: the text is `literal`.
  bool phased = false;      ///< '|' between alleles, else '/'; false if there is but one.
  std::string literal = {};
  bool operator==(const GenotypeShape&) const = default;
};

/// More alleles in a cell than this, or one numbered higher than this, make a literal of it.
inline constexpr std::size_t kMaxPloidy = 8;
inline constexpr std::uint8_t kMaxAllele = 62;

/// A text taken apart. Alleles behind the ploidy are 0.
struct GenotypeParts {
  GenotypeShape shape = {};
  std::array<std::uint8_t, kMaxPloidy> alleles = {};
};

/// Takes a text apart such that join_genotype gives it back.
[[nodiscard]] GenotypeParts split_genotype(std::string_view text);

/// \param alleles  as many as the ploidy, or more.
[[nodiscard]] std::string join_genotype(const GenotypeShape& shape,
                                        std::span<const std::uint8_t> alleles);

/// A varint count, then per shape a varint: 0 and a string, or 2 · ploidy + phased.
void put_shapes(std::span<const GenotypeShape> shapes, ByteWriter& out);
/// Throws Error corrupt_data.
[[nodiscard]] std::vector<GenotypeShape> get_shapes(ByteReader& in);

/// The greatest ploidy; 0 if there are only literals.
[[nodiscard]] std::size_t max_ploidy(std::span<const GenotypeShape> shapes) noexcept;

}  // namespace cnf::vcfs3
