// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "cnf/core/index/interval.h"
#include "cnf/formats/vcfs3/layout.h"
#include "cnf/formats/vcfs3/zones.h"

namespace cnf::vcfs3 {

/// A page of a bin, as the position index tells it. Its sections lie one behind the other.
struct PageRow {
  std::uint64_t records = 0;
  std::int64_t min_start = 0;  ///< 0-based.
  std::int64_t max_end = 0;    ///< Exclusive; the greatest end of its records.
  std::uint64_t offset = 0;    ///< Of the core section, in the bin's chunk.
  std::uint64_t core_length = 0, info_length = 0, carriers_length = 0;
  PageZones zones = {};

  [[nodiscard]] std::uint64_t length() const noexcept {
    return core_length + info_length + carriers_length;
  }
  bool operator==(const PageRow&) const = default;
};

/// The tiles of a bin × a group of samples: genotypes, then FORMAT, each possibly empty; an empty
/// one has the offset 0.
struct TileRow {
  std::uint64_t genotypes_offset = 0, genotypes_length = 0;
  std::uint64_t format_offset = 0, format_length = 0;
  bool operator==(const TileRow&) const = default;
};

/// A bin, as a row of the position index: everything that a query needs to know before it reads.
///
/// Key: contig, least start and greatest end of its records (bins of an unsorted file overlap).
struct BinRow {
  index::Interval key = {};
  std::uint64_t bin = 0;            ///< Counted from 0 in the order of the input.
  std::uint64_t chunk = 0;          ///< Holds its pages and tiles.
  std::vector<PageRow> pages = {};  ///< 1 to kBinPages.
  std::vector<TileRow> tiles = {};  ///< One per group of samples.

  [[nodiscard]] std::uint64_t records() const noexcept;
  bool operator==(const BinRow&) const = default;
};

/// How rows of a dataset become columns of the index: fixed by zone keys and groups.
///
/// What is near something the row tells already is told as the difference from it, so that columns
/// are small numbers: an offset from the end of the part before, an end from its start.
class BinRowLayout {
 public:
  /// More groups do not fit into a row.
  static constexpr std::size_t kMaxGroups = 4'000;
  /// The first columns are sums over the tree: records, bins.
  static constexpr std::size_t kSummed = 2;

  /// Throws Error invalid_argument over kMaxZoneKeys or kMaxGroups.
  BinRowLayout(std::size_t zone_keys, std::size_t groups);
  [[nodiscard]] std::size_t columns() const noexcept;
  /// Zones must be as cover() gives them; offsets must ascend (pages, genotypes, FORMAT).
  [[nodiscard]] std::vector<std::uint64_t> encode(const BinRow& row) const;
  /// Throws Error corrupt_data, naming `subject`.
  [[nodiscard]] BinRow decode(const index::Interval& key, std::span<const std::uint64_t> columns,
                              std::string_view subject) const;

 private:
  std::size_t zone_keys_, groups_;
};

/// The zones as the index keeps them: with the nearest float32 bounds that enclose each.
[[nodiscard]] PageZones cover(const PageZones& zones);

}  // namespace cnf::vcfs3
