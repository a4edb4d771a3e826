// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cnf/core/chunk/coordinator.h"
#include "cnf/core/chunk/position_sample.h"
#include "cnf/core/index/interval.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/id_hash.h"
#include "cnf/formats/vcfs3/id_sorter.h"
#include "cnf/formats/vcfs3/sample_table.h"
#include "cnf/formats/vcfs3/site_page.h"

namespace cnf::vcfs3 {

/// A bin, ready to be written.
struct EncodedBin {
  struct Page {
    EncodedPage sections;
    std::uint64_t records = 0;
    std::int64_t min_start = 0;
    std::int64_t max_end = 0;
    PageZones zones = {};
    std::vector<std::uint64_t> ids = {};  ///< Hashes of the records' IDs (hash_id).
  };
  struct Tile {
    Buffer genotypes;
    Buffer format;
  };
  std::uint32_t contig = 0;
  std::vector<Page> pages = {};
  std::vector<Tile> tiles = {};  ///< One per group of samples.

  [[nodiscard]] std::uint64_t bytes() const noexcept;
};

/// Bytes written, by what they hold.
struct StoredBytes {
  std::uint64_t core = 0, info = 0, carriers = 0, genotypes = 0, format = 0;
};

/// Lays encoded bins into chunks and, at the end, writes the indices, the header and the samples.
///
/// Bins are gathered until they have about chunk_bytes; then they make a chunk: their pages, then
/// group by group the genotype tiles and the FORMAT tiles of all of them, so that the tiles of one
/// sample lie together (SPEC.md, "Chunk object"). Nothing is a dataset before commit(). Memory: a
/// chunk, the rows of bins (a few bytes per tile), `id_memory`. Threads: one at a time.
class DatasetWriter {
 public:
  struct Options {
    std::shared_ptr<const chunk::PositionSampleStrategy> strategy;
    std::size_t zone_keys = 0;
    std::uint64_t chunk_bytes = std::uint64_t{32} << 20;
    std::uint64_t id_memory = std::uint64_t{64} << 20;  ///< For sorting IDs.
    std::filesystem::path temporary = {};               ///< For sorting; empty: the system's.
    std::uint64_t first_chunk = 0;                      ///< The number of the first chunk.
    bool whole_hashes = false;  ///< The variant index keeps all 64 bits: it is to be joined.
  };

  /// \param root  where indices and header go; \param chunks  where chunks go (sharded or not).
  /// Throws Error invalid_argument if there are more groups of samples than the index takes.
  DatasetWriter(std::shared_ptr<storage::Storage> root, std::shared_ptr<storage::Storage> chunks,
                Options options, const Context& context);

  /// Bins come in the order of the input.
  void write(EncodedBin bin);
  /// Takes over what other writers wrote, in the order of the input: rows of bins, which follow
  /// those that are there (bin, key and chunk are this dataset's), the hashes of their IDs, and
  /// the chunks. A writer that adopts writes no bins itself.
  void adopt(const BinRow& row);
  void adopt(const IdEntry& id) { ids_.add(id); }
  void adopt(const metadata::ChunkRun& run, const std::vector<chunk::WrittenChunk>& chunks) {
    dataset_.adopt(run, chunks);
  }

  /// Writes what is left. The manifest's parts that this knows: objects, chunks, total size.
  [[nodiscard]] metadata::Metadata finish(const Header& header, const SampleTable& samples);
  /// As query::NewDataset has them.
  void commit(const metadata::Metadata& manifest,
              const std::optional<metadata::Committed>& existing) {
    dataset_.commit(manifest, existing);
  }
  void discard() noexcept { dataset_.discard(); }

  [[nodiscard]] std::uint64_t bins() const noexcept { return bins_; }
  [[nodiscard]] std::uint64_t records() const noexcept { return records_; }
  /// How much of the hashes of IDs the variant index has; known after finish().
  [[nodiscard]] unsigned id_bits() const noexcept { return bits().kept; }
  /// Part of the names of all that it writes.
  [[nodiscard]] const std::string& id() const noexcept { return dataset_.id(); }
  [[nodiscard]] const StoredBytes& stored() const noexcept { return stored_; }

 private:
  /// A row of the position index until all are there: its columns as varints in row_bytes_.
  struct SavedRow {
    index::Interval key;
    std::uint64_t offset = 0;
  };

  void close_chunk();
  void save(const BinRow& row);
  [[nodiscard]] IdBits bits() const noexcept;
  void put_header(const Header& header);
  void put_positions();
  void put_ids();

  Options options_;
  Context context_;
  BinRowLayout layout_;
  query::NewDataset dataset_;
  std::vector<EncodedBin> window_;  // of the chunk to come
  std::vector<BinRow> window_rows_;
  std::uint64_t window_bytes_ = 0;
  std::vector<SavedRow> rows_;  // by bin
  Buffer row_bytes_;
  std::vector<std::uint64_t> places_;  // of bins among the rows of the index; by put_positions()
  IdSorter ids_;
  std::uint64_t bins_ = 0, records_ = 0;
  StoredBytes stored_;
};

}  // namespace cnf::vcfs3
