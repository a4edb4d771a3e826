// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "cnf/core/compress/codec.h"
#include "cnf/core/storage/temporary_file.h"
#include "cnf/core/util/buffer.h"

namespace cnf::hts {

/// Where the runs of one sort lie: a single file without a name, so that nothing is left behind in
/// whatever way the process ends. Runs are blocks of raw bytes, each compressed (zstd level 1)
/// and with a CRC32C of its own. Threads: one at a time.
class SpillFile {
 public:
  /// \param folder  empty: the system's folder for temporary files.
  /// Throws Error not_found, permission_denied, out_of_space, unavailable.
  explicit SpillFile(const std::filesystem::path& folder);

  [[nodiscard]] std::uint64_t size() const noexcept { return file_.size(); }
  /// Compresses and appends a block; its size is at most 2^32 - 1.
  void append_block(ByteSpan raw);
  /// Reads the block at `offset` into `raw`, and moves the offset behind it.
  void read_block(std::uint64_t& offset, Buffer& raw);
  /// Gives the disk back what runs took, many neighbours at once, where the file system can.
  void forget(std::uint64_t begin, std::uint64_t end) noexcept { file_.forget(begin, end); }

 private:
  storage::TemporaryFile file_;
  std::shared_ptr<const compress::Codec> codec_;
  Buffer scratch_;  // a compressed block
};

}  // namespace cnf::hts
