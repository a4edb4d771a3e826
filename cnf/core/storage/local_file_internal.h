// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <sys/stat.h>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

/// POSIX files as the local store uses them. Every function that fails throws an Error.
namespace cnf::storage::local {

/// File names that begin so are the store's own: no key has them, and no listing shows them.
inline constexpr std::string_view kReservedPrefix = ".cnf-";

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) noexcept : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor();

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// What `code`, an errno, means for a caller.
[[nodiscard]] Error errno_error(int code, std::string_view doing, std::string_view subject);

/// Changes with every commit: inode, size and modification time in nanoseconds.
[[nodiscard]] std::string etag_of(const struct stat& status);
[[nodiscard]] FileInfo info_of(std::string_view key, const struct stat& status);

/// An object that is open for reading.
struct OpenFile {
  FileDescriptor fd;
  FileInfo info;
};
/// Throws not_found also for a folder and for whatever is not a regular file.
[[nodiscard]] OpenFile open_object(const std::string& path);

/// Makes the folder at `path` and those above it that are missing, each durable before the next.
/// Returns the topmost one that was made, empty if none was. Throws unsupported if an object is in
/// the way: on a disk a name is a file or a folder, not both.
std::string make_folders(const std::string& path, Options::Durability durability,
                         std::string_view subject);

/// Removes the folder at `path` and those above it as long as they are empty, up to `last` (that
/// one too). Safe against writers: only what is empty goes, and they make again what they miss.
void prune_folders(std::string path, std::string_view last) noexcept;

/// An empty descriptor if there is no folder at `path` any more.
[[nodiscard]] FileDescriptor open_folder(const std::string& path, std::string_view subject);
void sync(int fd, std::string_view subject);

/// Keeps everybody else, in this process or another, from replacing or removing an object of one
/// folder. Held for a few system calls. Waits in steps, so that a context can stop it.
class FolderLock {
 public:
  /// `folder` must be open for this lock alone, and stay open as long as it.
  FolderLock(const FileDescriptor& folder, std::string_view subject, const Context& context);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  FileDescriptor file_;  // what is locked where a folder cannot be
  int locked_;
};

}  // namespace cnf::storage::local
