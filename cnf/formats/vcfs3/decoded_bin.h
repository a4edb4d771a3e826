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

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/format_cells.h"
#include "cnf/formats/vcfs3/genotype_tile.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/site_page.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {

/// The samples of an answer, in its order, as neighbours in tiles. Immutable.
class CellOrder {
 public:
  /// Cells [first, first + count) of a tile stand one behind the other in the answer.
  struct Run {
    std::size_t tile = 0;  ///< Index in groups().
    std::size_t first = 0;
    std::size_t count = 0;
  };

  /// \param groups   all of the dataset's, ascending and without gaps.
  /// \param samples  ordinals in the wanted order; nullopt: all of them.
  /// Throws Error invalid_argument if an ordinal is none of the dataset's.
  CellOrder(std::span<const SampleRange> groups,
            const std::optional<std::vector<std::size_t>>& samples);

  /// The groups whose tiles are needed, ascending, and the samples of each.
  [[nodiscard]] const std::vector<std::size_t>& groups() const noexcept { return groups_; }
  [[nodiscard]] const std::vector<SampleRange>& ranges() const noexcept { return ranges_; }
  [[nodiscard]] const std::vector<Run>& runs() const noexcept { return runs_; }
  [[nodiscard]] std::size_t cells() const noexcept { return cells_; }
  /// True if these are all samples of the dataset in its order: lines come out as they went in.
  [[nodiscard]] bool whole() const noexcept { return whole_; }

 private:
  std::vector<std::size_t> groups_;
  std::vector<SampleRange> ranges_;
  std::vector<Run> runs_;
  std::size_t cells_ = 0;
  bool whole_ = true;
};

/// The bytes of a bin that were fetched; what was not is empty.
struct BinBytes {
  struct Page {
    ByteSpan core = {};
    ByteSpan info = {};
    ByteSpan carriers = {};
  };
  struct Tile {
    ByteSpan genotypes = {};
    ByteSpan format = {};
  };
  std::vector<Page> pages = {};  ///< One per page of the bin.
  std::vector<Tile> tiles = {};  ///< One per group of the CellOrder, or none at all.
};

/// Pages and tiles of a bin joined again: records with the columns that somebody looks at.
///
/// Records are numbered within the bin. Columns and tiles are decoded when they are first needed.
/// The bytes, the row and the order must outlive it. Any call throws Error corrupt_data naming
/// the subject and the contig. Threads: one at a time.
class DecodedBin {
 public:
  /// With tiles, the core section of every page must be there: a tile does not say which records
  /// have genotypes.
  DecodedBin(std::string_view contig, const BinRow& row, const BinBytes& bytes,
             const CellOrder& order, std::string subject);

  [[nodiscard]] std::string_view contig() const noexcept { return contig_; }
  [[nodiscard]] std::uint64_t number() const noexcept { return row_->bin; }
  /// The page itself and the number of its first record. The page must have been fetched.
  [[nodiscard]] SitePage& page(std::size_t number) { return *pages_[number]; }
  [[nodiscard]] std::size_t first_record(std::size_t page) const noexcept { return first_[page]; }

  /// Nobody will ask for cells of other records than [first, end): the genotypes of the others are
  /// passed over where that can be. Without effect once genotypes are decoded.
  void keep_to(std::size_t first, std::size_t end);

  /// Views valid until the next call. Cells only if `needs` asks for genotypes or format, and the
  /// tiles for it were fetched; of format without its tiles only GT stands in them.
  [[nodiscard]] const Variant& variant(std::size_t record, const Needs& needs);
  /// Appends the line that the record came from: of the wanted samples, or of no sample columns at
  /// all (-G). A raw record is appended whole; see is_raw(). What cnf::vcfs3::append_line would
  /// append for variant(), at the speed of memory where there is GT alone.
  void append_line(std::size_t record, bool with_samples, std::string_view end, Buffer& out);
  [[nodiscard]] bool is_raw(std::size_t record);
  [[nodiscard]] std::int64_t position(std::size_t record);  ///< 0-based.
  [[nodiscard]] std::string_view residual(std::size_t record);
  /// True if any wanted sample has a non-reference allele. Looks at genotypes only.
  [[nodiscard]] bool any_alternate(std::size_t record);
  /// Appends, for each wanted sample that has one, its index in the answer.
  void append_carriers(std::size_t record, std::vector<std::uint32_t>& samples);
  /// What the site page tells of who has a non-reference allele: ordinals of the dataset; nullopt
  /// if it does not tell. Its section must have been fetched; without tiles, and whatever the
  /// order.
  [[nodiscard]] std::optional<std::span<const std::uint32_t>> known_carriers(std::size_t record,
                                                                             std::size_t samples);
  /// Adds one to the counts of each wanted sample of a record with GT, by what its GT is.
  struct GenotypeCounts {
    std::uint32_t reference = 0;     ///< "0/0", "0"
    std::uint32_t heterozygous = 0;  ///< Different alleles.
    std::uint32_t alternate = 0;     ///< "1/1", "2", the same allele and not the reference.
    std::uint32_t missing = 0;       ///< Any allele is.
  };
  void count_genotypes(std::size_t record, std::span<GenotypeCounts> counts);

 private:
  // "\t" and a GT text in one store; the length is 0 where the text is too long or is no code.
  struct Word {
    std::array<char, 8> bytes = {};
    std::uint8_t length = 0;
    bool alternate = false;
    std::uint32_t GenotypeCounts::*kind = &GenotypeCounts::missing;
  };
  struct Tile {
    Genotypes genotypes;
    FormatCells format;
    std::array<Word, 256> words;
    bool has_format = false;
  };

  [[nodiscard]] std::size_t page_of(std::size_t record) const;
  void decode_genotypes_once();
  void decode_format_once();
  void append_run(const CellOrder::Run& run, std::size_t record, bool has_genotype, Buffer& out);
  void view_cells(std::size_t record, bool has_genotype, bool with_rest);

  std::string_view contig_;
  const BinRow* row_;
  const BinBytes* bytes_;
  const CellOrder* order_;
  std::string subject_;
  std::vector<std::optional<SitePage>> pages_;
  std::vector<std::size_t> first_;  // of each page, and the number of all records
  std::vector<Tile> tiles_;
  std::vector<std::optional<Carriers>> carriers_;  // per page, once asked for
  RecordRange wanted_;  // those whose genotypes are, or will be, in tiles_
  bool genotypes_decoded_ = false;
  bool format_decoded_ = false;
  Variant variant_;
  std::vector<std::string_view> cells_;
  std::vector<std::size_t> ends_;
  Buffer scratch_;
};

/// True if a GT text has an allele that is neither the reference nor missing: "0|1", "2".
[[nodiscard]] bool has_alternate(std::string_view genotype) noexcept;
/// Which of the counts a GT text belongs to.
[[nodiscard]] std::uint32_t DecodedBin::GenotypeCounts::*genotype_kind(
    std::string_view genotype) noexcept;

}  // namespace cnf::vcfs3
