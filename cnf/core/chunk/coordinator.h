// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cnf/core/chunk/chunk.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::chunk {

/// "data/00042-<id>.chunk": five digits at least, so that names sort by number for long.
[[nodiscard]] std::string chunk_path(std::uint64_t number, std::string_view id);

/// A finished chunk, as `_index/chunks.idx` lists it.
struct WrittenChunk {
  std::uint64_t number = 0;
  std::uint64_t length = 0;
  std::uint32_t crc32c = 0;  ///< Of the whole object.
};

/// Writes the chunks of one session: names them (no earlier commit uses the names), streams them
/// through storage Writers, checksums them, and keeps the list.
///
/// Bytes go to the open chunk as they come; a chunk is visible when it is finished, and part of a
/// dataset when a manifest names it. A Coordinator destroyed with a chunk open aborts that chunk;
/// finished ones stay and are orphans until then. Memory: as the storage's Writer. Threads: one at
/// a time.
class Coordinator {
 public:
  /// \param first  the number of the first chunk.
  Coordinator(std::shared_ptr<storage::Storage> chunks, std::uint64_t first,
              const Context& context);
  ~Coordinator();
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  /// The session's id: a part of every chunk's name.
  [[nodiscard]] const std::string& id() const noexcept { return id_; }
  /// The number of the open chunk, or of the one that the next write opens.
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
  /// Bytes written to the open chunk so far; the offset of the next write.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }

  /// Appends to the open chunk, opening one if there is none. Throws what the store answers, and
  /// cancelled or deadline_exceeded as the context says.
  void write(ByteSpan bytes);
  /// Commits the open chunk, if there is one. When this or write() throws, the open chunk is given
  /// up with all that was written to it: the next write begins it anew.
  void finish_chunk();
  /// Gives up the session: aborts the open chunk and removes the finished ones, so that nothing is
  /// left on the store as far as it can be told (what stays is found as an orphan). Works although
  /// the context has been cancelled, for up to 10 seconds.
  void abort() noexcept;

  /// The finished chunks, by number.
  [[nodiscard]] const std::vector<WrittenChunk>& written() const noexcept { return written_; }

 private:
  void give_up_chunk() noexcept;
  void close_chunk() noexcept;

  std::shared_ptr<storage::Storage> storage_;
  std::string id_;
  Context context_;
  std::uint64_t number_;
  std::string path_;  // of the open chunk
  std::uint64_t offset_ = 0;
  std::uint32_t crc_ = 0;
  std::unique_ptr<storage::Writer> writer_;
  std::vector<WrittenChunk> written_;
};

}  // namespace cnf::chunk
