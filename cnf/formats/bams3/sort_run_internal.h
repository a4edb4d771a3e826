// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/formats/bams3/record.h"
#include "cnf/formats/bams3/sort_order_internal.h"
#include "cnf/hts/feed.h"

namespace cnf::bams3 {

/// Sorted records that are read one by one. Threads: one at a time.
class Cursor {
 public:
  virtual ~Cursor() = default;
  /// The next record, valid until the call after; nullopt at the end.
  [[nodiscard]] virtual std::optional<Ranked> next() = 0;
};

/// Where the runs of one sort lie: a single file without a name, so that nothing is left behind in
/// whatever way the process ends. Runs are blocks of raw records, each compressed (zstd level 1)
/// and with a CRC32C of its own.
class SpillFile {
 public:
  /// \param folder  empty: the system's folder for temporary files.
  /// Throws Error not_found, permission_denied, out_of_space, unavailable.
  explicit SpillFile(const std::filesystem::path& folder);

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Compresses and appends a block; its size is at most 2^32 - 1.
  void append_block(ByteSpan raw);
  /// Reads the block at `offset` into `raw`, and moves the offset behind it.
  void read_block(std::uint64_t& offset, Buffer& raw);
  /// Gives the disk back what runs took, many neighbours at once, where the file system can.
  void forget(std::uint64_t begin, std::uint64_t end) noexcept;

 private:
  void write_all(ByteSpan bytes);
  void read_all(std::uint64_t offset, MutableByteSpan into) const;

  std::string folder_;
  hts::Descriptor file_;
  std::uint64_t size_ = 0;
  std::uint64_t forgotten_begin_ = 0, forgotten_end_ = 0;  // not yet given back
  std::shared_ptr<const compress::Codec> codec_;
  Buffer scratch_;  // a compressed block
};

/// Some records in one stretch of a SpillFile, in the order they were written.
struct Run {
  std::uint64_t begin = 0, end = 0;
  /// False if only their places ascend, not their strands: then it is two runs in one, of forward
  /// and of reverse records.
  bool sorted = true;
};

class RunWriter {
 public:
  RunWriter(SpillFile& file, std::size_t block_bytes);
  void add(RecordView record);
  [[nodiscard]] Run finish(bool sorted);

 private:
  SpillFile& file_;
  const std::size_t block_bytes_;
  const std::uint64_t begin_;
  RecordBatch block_;
};

/// Which records of a run a cursor gives.
enum class Strands : std::uint8_t { both, forward, reverse };

/// Holds one decompressed block. `file` must outlive it.
[[nodiscard]] std::unique_ptr<Cursor> read_run(SpillFile& file, const Run& run, Strands strands,
                                               const Comparison& comparison);

}  // namespace cnf::bams3
