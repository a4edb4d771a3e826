// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cnf/core/chunk/footer.h"
#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/bin_row.h"

namespace cnf::vcfs3 {

/// A chunk begins with it.
inline constexpr std::string_view kChunkMagic{"CNFVCF1\0", 8};
/// The trailer: u32 footer length, u32 CRC32C of the footer, the magic again.
inline constexpr std::size_t kTrailerBytes = chunk::kTrailerBytes;

/// Lays the parts of the bins of a chunk one behind the other (SPEC.md, "Chunk object"): sets the
/// offsets of pages and tiles by their lengths. Returns where the footer begins.
std::uint64_t place_parts(std::span<BinRow> bins);

/// What a chunk says of itself, behind its parts, so that it can be taken apart and checked without
/// the index. Each part carries its own CRC32C.
struct ChunkFooter {
  struct Bin {
    std::uint32_t contig = 0;
    std::uint64_t bin = 0;
    /// Records, then lengths of the core, info and carriers sections.
    std::vector<std::array<std::uint64_t, 4>> pages = {};
    std::vector<std::array<std::uint64_t, 2>> tiles = {};  ///< Lengths: genotypes, FORMAT.
    bool operator==(const Bin&) const = default;
  };
  std::vector<Bin> bins = {};  ///< All with the same number of tiles.

  [[nodiscard]] static ChunkFooter of(std::span<const BinRow> bins);
  /// The footer and the trailer behind it.
  [[nodiscard]] Buffer encode() const;
  /// From the end of a chunk: at least the trailer and the footer. Throws Error corrupt_data.
  [[nodiscard]] static ChunkFooter decode(ByteSpan tail, std::string_view subject);
  /// How many bytes from the end decode() needs, told by the trailer (the last kTrailerBytes).
  [[nodiscard]] static std::uint64_t tail_length(ByteSpan trailer, std::string_view subject);
};

}  // namespace cnf::vcfs3
