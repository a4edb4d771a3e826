// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "cnf/core/util/buffer.h"

namespace cnf::storage {

namespace local {
class FileDescriptor;
}

/// A file without a name, so that nothing is left behind in whatever way the process ends.
/// Threads: read_at() may be called concurrently; the others one at a time.
class TemporaryFile {
 public:
  /// \param folder  empty: the system's folder for temporary files (TMPDIR, else /tmp).
  /// \param doing   what it is for, as messages begin: "sort in", "unpack into".
  /// Throws Error not_found, permission_denied, out_of_space, unavailable.
  TemporaryFile(const std::filesystem::path& folder, std::string doing);
  ~TemporaryFile();
  TemporaryFile(TemporaryFile&& other) noexcept;
  TemporaryFile& operator=(TemporaryFile&& other) noexcept;
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  void append(ByteSpan bytes);
  /// Exactly `into.size()` bytes; throws Error unavailable past the end.
  void read_at(std::uint64_t offset, MutableByteSpan into) const;
  /// Gives the disk back what bytes took, many neighbours at once, where the file system can.
  void forget(std::uint64_t begin, std::uint64_t end) noexcept;

 private:
  friend class MappedFile;

  std::string folder_;
  std::string doing_;
  std::unique_ptr<local::FileDescriptor> file_;
  std::uint64_t size_ = 0;
  std::uint64_t forgotten_begin_ = 0, forgotten_end_ = 0;  // not yet given back
};

/// The bytes of a file as memory that can be read; its pages are the system's and cost no memory of
/// the process. Move-only. Another process that makes the file shorter meanwhile ends this one with
/// SIGBUS, as it does to every program that maps files. Threads: bytes() may be read concurrently.
class MappedFile {
 public:
  MappedFile() = default;
  /// Throws Error not_found (also for what is not a regular file), permission_denied, unavailable.
  explicit MappedFile(const std::string& path);
  /// What was appended so far; outlives the file.
  explicit MappedFile(const TemporaryFile& file);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] ByteSpan bytes() const noexcept { return bytes_; }

 private:
  ByteSpan bytes_;
};

}  // namespace cnf::storage
