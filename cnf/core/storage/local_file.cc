// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cnf/core/storage/local_file_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage::local {
namespace {

constexpr const char* kLockFile = ".cnf-lock";  // begins with kReservedPrefix

struct Meaning {
  Errc code = Errc::unavailable;
  std::string_view remedy = {};
};

Meaning meaning_of(int code) {
  switch (code) {
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
      return {Errc::not_found};
    case EEXIST:
      return {Errc::already_exists};
    case EACCES:
    case EPERM:
    case EROFS:
      return {Errc::permission_denied};
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return {Errc::out_of_space, "make room or write elsewhere"};
    case ENAMETOOLONG:
    case ELOOP:
    case EINVAL:
      return {Errc::invalid_argument};
    case EMFILE:
    case ENFILE:
      return {Errc::unavailable, "raise the limit of open files (ulimit -n)"};
    default:
      return {};
  }
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

enum class Found : std::uint8_t { folder, other, nothing };

Found look_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) {
    return S_ISDIR(status.st_mode) ? Found::folder : Found::other;
  }
  const bool dangling = ::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
  return dangling ? Found::other : Found::nothing;
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

Error errno_error(int code, std::string_view doing, std::string_view subject) {
  const Meaning meaning = meaning_of(code);
  return {meaning.code, doing, subject, std::generic_category().message(code), meaning.remedy};
}

std::string etag_of(const struct stat& status) {
  const std::int64_t nanoseconds =
      std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  char text[3 * 16 + 3];
  std::snprintf(text, sizeof text, "%llx-%llx-%llx", static_cast<unsigned long long>(status.st_ino),
                static_cast<unsigned long long>(status.st_size),
                static_cast<unsigned long long>(nanoseconds));
  return text;
}

FileInfo info_of(std::string_view key, const struct stat& status) {
  return {.key = std::string(key),
          .size = static_cast<std::uint64_t>(status.st_size),
          .etag = etag_of(status),
          .modified = std::chrono::sys_seconds(std::chrono::seconds(status.st_mtim.tv_sec))};
}

OpenFile open_object(const std::string& path) {
  // A pipe under this name must not be waited for.
  OpenFile file{FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)), {}};
  if (!file.fd) throw errno_error(errno, "read", path);
  struct stat status {};
  if (::fstat(file.fd.get(), &status) != 0) throw errno_error(errno, "read", path);
  if (!S_ISREG(status.st_mode)) {
    throw Error(Errc::not_found, "read", path, "it is not a regular file");
  }
  file.info = info_of({}, status);
  return file;
}

std::string make_folders(const std::string& path, Options::Durability durability,
                         std::string_view subject) {
  // Folders above may be pruned while we make those below: then we begin again.
  constexpr int kAttempts = 100;
  std::string topmost;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (::mkdir(path.c_str(), 0777) == 0) {
      const std::string parent = parent_of(path);
      if (durability == Options::Durability::fsync) {
        if (const FileDescriptor folder = open_folder(parent, subject)) sync(folder.get(), subject);
      }
      return topmost.empty() ? path : topmost;
    }
    const int code = errno;
    const Found found = code == EEXIST ? look_at(path) : Found::nothing;
    if (found == Found::folder) return topmost;
    if (found == Found::other || code == ENOTDIR) {
      throw Error(Errc::unsupported, "create", subject,
                  "'" + path + "' is not a folder, so no key can lie below it on a disk",
                  "choose another key or remove that object");
    }
    if (code == EEXIST) continue;  // it was there, and was pruned before we looked
    if (code != ENOENT || path == "/") throw errno_error(code, "create", subject);
    std::string made = make_folders(parent_of(path), durability, subject);
    if (!made.empty()) topmost = std::move(made);
  }
  throw Error(Errc::unavailable, "create", subject,
              "folders above it are removed again and again by somebody else");
}

void prune_folders(std::string path, std::string_view last) noexcept {
  // Paths of the store are plain: longer than `last` and beginning with it means below it.
  while (path.size() >= last.size() && path.starts_with(last) && ::rmdir(path.c_str()) == 0) {
    path.resize(path.rfind('/'));
  }
}

FileDescriptor open_folder(const std::string& path, std::string_view subject) {
  FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder && errno != ENOENT && errno != ENOTDIR) throw errno_error(errno, "open", subject);
  return folder;
}

void sync(int fd, std::string_view subject) {
  if (::fsync(fd) != 0) throw errno_error(errno, "commit", subject);
}

FolderLock::FolderLock(const FileDescriptor& folder, std::string_view subject,
                       const Context& context)
    : locked_(folder.get()) {
  constexpr std::chrono::microseconds kFirstWait{50};
  constexpr std::chrono::microseconds kLongestWait{5'000};
  for (auto wait = kFirstWait; ::flock(locked_, LOCK_EX | LOCK_NB) != 0;) {
    const int code = errno;
    if (code == EWOULDBLOCK || code == EINTR) {
      context.check("lock", subject);
      std::this_thread::sleep_for(wait);
      wait = std::min(2 * wait, kLongestWait);
    } else if (code == EBADF && !file_) {
      // NFS locks only what is open for writing, which a folder never is.
      file_ = FileDescriptor(
          ::openat(folder.get(), kLockFile, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
      if (!file_) throw errno_error(errno, "lock", subject);
      locked_ = file_.get();
    } else {
      throw errno_error(code, "lock", subject);
    }
  }
}

FolderLock::~FolderLock() { ::flock(locked_, LOCK_UN); }

}  // namespace cnf::storage::local
