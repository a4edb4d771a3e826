// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "cnf/core/chunk/position_sample.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/progress.h"
#include "cnf/formats/vcfs3/bin_builder.h"
#include "cnf/formats/vcfs3/bin_encoder.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/parse.h"
#include "cnf/formats/vcfs3/source.h"
#include "cnf/formats/vcfs3/writer.h"

namespace cnf::vcfs3 {

/// What an input turned out to hold.
struct InputFacts {
  std::uint64_t records = 0, raw_records = 0;
  std::uint64_t text_bytes = 0;
  std::string text_sha256 = {};
  bool final_newline = true;
  bool in_order = true;
  std::vector<std::string> more_contigs = {};  ///< Those that the header lacks, as they came.
  SiteCounts counts = {};
  std::int64_t first_pos = 0, last_pos = 0;  ///< Of the first and the last record.
};

/// Reads a source to its end and writes its bins, on several threads.
///
/// One pipeline does two kinds of work: slabs are parsed, in parallel, and gathered into bins in
/// their order; pages and tiles of complete bins are encoded, in parallel, and written in their
/// order. Parts of bins come before further slabs, so that few bins are in memory at once: beyond
/// half of `memory` no slab is read until a bin is written.
class ConvertPipeline {
 public:
  struct Options {
    std::size_t threads = 1;
    std::uint64_t memory = 0;
    Progress* progress = nullptr;
    BinEncoder::Options encoding = {};
    bool header_is_text = true;  ///< The header counts as a piece of the text, and of its digest.
  };

  /// All must outlive it.
  ConvertPipeline(Source& source, const chunk::PositionSampleStrategy& grid, DatasetWriter& writer,
                  const Options& options, const Context& context);
  /// Throws what sources, encoders and stores throw; then the writer holds a part of it all.
  [[nodiscard]] InputFacts run();

 private:
  /// A bin from when it is complete until it is written.
  struct BinWork {
    BinWork(Bin bin, const BinEncoder::Options& options) : encoder(std::move(bin), options) {}
    BinEncoder encoder;
    std::size_t parts = 0;      // pages, then tiles
    std::size_t given_out = 0;  // parts
    EncodedBin encoded;
    SiteCounts counts;
    std::vector<EncodedSites> sites;  // of its pages, without the page itself
    std::uint64_t bytes = 0;
  };
  struct Part {
    std::shared_ptr<BinWork> bin;
    std::size_t number = 0;
  };
  using Task = std::variant<Slab, Part>;
  struct EncodedPart {
    Part part;
    std::variant<EncodedSites, EncodedBin::Tile> result;
  };
  using Result = std::variant<ParsedSlab, EncodedPart>;

  [[nodiscard]] std::optional<Task> next();
  [[nodiscard]] std::optional<Task> next_part();
  [[nodiscard]] bool may_read() const;
  [[nodiscard]] std::optional<Task> read_slab();
  [[nodiscard]] Result perform(Task task) const;
  void take(Result result);
  void take_part(EncodedPart part);
  void add_bin(Bin bin);
  void write_bin(BinWork& work);
  [[nodiscard]] std::uint32_t contig_number(const std::string& name);
  template <typename Stage>
  auto telling_failure(const Stage& stage);

  Source& source_;
  const chunk::PositionSampleStrategy& grid_;
  DatasetWriter& writer_;
  const Options& options_;
  const Context& context_;
  InputFacts facts_;

  // Of the stage that reads.
  Sha256 digest_;
  std::uint64_t consumed_ = 0;

  // Of the stage that takes results, which come in order.
  BinBuilder builder_;
  std::unordered_map<std::string, std::uint32_t> contigs_;
  std::optional<std::uint32_t> last_contig_;
  std::int64_t last_pos_ = 0;
  std::vector<bool> seen_contigs_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<BinWork>> pending_;  // bins with parts to give out; guarded by mutex_
  std::uint64_t held_bytes_ = 0;  // of bins that are not written yet; guarded by mutex_
  std::size_t parsing_ = 0;       // slabs under way; guarded by mutex_
  bool ended_ = false;            // the input; guarded by mutex_
  bool finished_ = false;         // the builder; guarded by mutex_
  bool failed_ = false;           // guarded by mutex_
};

}  // namespace cnf::vcfs3
