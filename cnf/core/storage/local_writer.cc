// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "cnf/core/storage/local_file_internal.h"
#include "cnf/core/storage/local_writer_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage::local {
namespace {

constexpr std::size_t kPendingBytes = std::size_t{256} << 10;
// So often the disk is told to begin, so that commit has little left to wait for.
constexpr std::uint64_t kPushBytes = std::uint64_t{8} << 20;
// A folder can be pruned between our making and using it; nobody loses that race so often.
constexpr int kAttempts = 100;
constexpr ::mode_t kMode = 0666;  // less the umask

std::string nameless_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

// The file is named through /proc; some containers have none.
bool can_name(int fd) { return ::access(nameless_path(fd).c_str(), F_OK) == 0; }

Error gone(const std::string& uri) {
  return {Errc::unavailable, "commit", uri,
          "its folder is removed again and again by somebody else"};
}

}  // namespace

LocalWriter::LocalWriter(Target target, Condition condition, Options::Durability durability,
                         Context context, Unfinished prefer)
    : target_(std::move(target)),
      condition_(std::move(condition)),
      durability_(durability),
      context_(std::move(context)) {
  try {
    for (int attempt = 0; !file_ && attempt < kAttempts; ++attempt) open(prefer);
    if (!file_) throw gone(target_.uri);
  } catch (...) {
    abort();
    throw;
  }
}

void LocalWriter::prepare_folder() {
  const std::string made = make_folders(target_.folder, durability_, target_.uri);
  if (made_.empty() || (!made.empty() && made.size() < made_.size())) made_ = made;
}

void LocalWriter::open(Unfinished prefer) {
  prepare_folder();
  if (prefer == Unfinished::nameless) {
    file_ = FileDescriptor(::open(target_.folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode));
    if (file_ && can_name(file_.get())) return;
    file_ = {};
  }
  folder_ = open_folder(target_.folder, target_.uri);
  if (!folder_) return;
  reserved_ = std::string(kReservedPrefix) + random_id();
  constexpr int kFlags = O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC;
  file_ = FileDescriptor(::openat(folder_.get(), reserved_.c_str(), kFlags, kMode));
  if (!file_ && errno != ENOENT) throw errno_error(errno, "create", target_.uri);
}

void LocalWriter::write(ByteSpan bytes) {
  if (pending_.size() + bytes.size() >= kPendingBytes) {
    flush();
    if (bytes.size() >= kPendingBytes) return write_through(bytes);
  }
  pending_.append(bytes);
}

void LocalWriter::flush() {
  write_through(pending_);
  pending_.clear();
}

void LocalWriter::write_through(ByteSpan bytes) {
  context_.accounting().add_sent(bytes.size());
  while (!bytes.empty()) {
    const ::ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) throw errno_error(errno, "write", target_.uri);
    if (count <= 0) continue;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    written_ += static_cast<std::uint64_t>(count);
  }
  if (is_durable() && written_ - pushed_ >= kPushBytes) {
    // Only a hint: what it cannot do now, the fdatasync of commit does.
    ::sync_file_range(file_.get(), static_cast<::off64_t>(pushed_),
                      static_cast<::off64_t>(written_ - pushed_), SYNC_FILE_RANGE_WRITE);
    pushed_ = written_;
  }
}

FileInfo LocalWriter::commit() {
  context_.accounting().add_request(RequestKind::put);
  flush();
  // The kernel's own stamps have the resolution of its ticks, in which an inode can be freed and
  // used again: ETags need a finer one.
  struct timespec stamps[2] = {};
  ::clock_gettime(CLOCK_REALTIME, &stamps[1]);
  stamps[0] = stamps[1];
  struct stat status {};
  if (::futimens(file_.get(), stamps) != 0 || (is_durable() && ::fdatasync(file_.get()) != 0) ||
      ::fstat(file_.get(), &status) != 0) {
    throw errno_error(errno, "commit", target_.uri);
  }
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const FileDescriptor folder = open_folder(target_.folder, target_.uri);
    if (folder && place(folder)) {
      file_ = {};
      made_.clear();
      if (is_durable()) sync(folder.get(), target_.uri);
      return info_of({}, status);
    }
    if (!reserved_.empty()) break;  // a file with a name keeps its folder: somebody moved it
    prepare_folder();
  }
  throw gone(target_.uri);
}

bool LocalWriter::place(const FileDescriptor& folder) {
  if (condition_.kind() != Condition::Kind::if_match) {
    const int code = link_as(folder, target_.name);
    if (code == 0) {
      if (!reserved_.empty()) ::unlinkat(folder.get(), reserved_.c_str(), 0);
      reserved_.clear();
      return true;
    }
    if (code == ENOENT) return false;
    if (code != EEXIST) throw errno_error(code, "commit", target_.uri);
    refuse_existing(folder);
  }
  const FolderLock lock(folder, target_.uri, context_);
  if (condition_.kind() == Condition::Kind::if_match) check_match(folder);
  return replace(folder);
}

bool LocalWriter::replace(const FileDescriptor& folder) {
  if (reserved_.empty()) {
    std::string name = std::string(kReservedPrefix) + random_id();
    const int code = link_as(folder, name);
    if (code == ENOENT) return false;
    if (code != 0) throw errno_error(code, "commit", target_.uri);
    folder_ = FileDescriptor(::fcntl(folder.get(), F_DUPFD_CLOEXEC, 0));
    reserved_ = std::move(name);  // from here on abort removes it
  }
  if (::renameat(folder.get(), reserved_.c_str(), folder.get(), target_.name.c_str()) != 0) {
    const int code = errno;
    if (code == EISDIR || code == ENOTEMPTY) refuse_existing(folder);
    throw errno_error(code, "commit", target_.uri);
  }
  reserved_.clear();
  return true;
}

// 0 or an errno.
int LocalWriter::link_as(const FileDescriptor& folder, const std::string& name) const {
  const int linked =
      reserved_.empty() ? ::linkat(AT_FDCWD, nameless_path(file_.get()).c_str(), folder.get(),
                                   name.c_str(), AT_SYMLINK_FOLLOW)
                        : ::linkat(folder_.get(), reserved_.c_str(), folder.get(), name.c_str(), 0);
  return linked == 0 ? 0 : errno;
}

void LocalWriter::check_match(const FileDescriptor& folder) const {
  struct stat status {};
  const bool found = ::fstatat(folder.get(), target_.name.c_str(), &status, 0) == 0;
  if (found && S_ISREG(status.st_mode) && etag_of(status) == condition_.etag()) return;
  throw Error(Errc::precondition_failed, "commit", target_.uri,
              "the object was changed or removed since it was read", "read it again");
}

// There is something under the target's name, which only an unconditional commit may replace.
void LocalWriter::refuse_existing(const FileDescriptor& folder) const {
  struct stat status {};
  const bool found = ::fstatat(folder.get(), target_.name.c_str(), &status, 0) == 0;
  if (found && S_ISDIR(status.st_mode)) {
    throw Error(Errc::unsupported, "commit", target_.uri,
                "other keys lie below it, so on a disk it is a folder", "choose another key");
  }
  if (condition_.kind() == Condition::Kind::if_absent) {
    throw Error(Errc::already_exists, "commit", target_.uri, "the object exists");
  }
}

void LocalWriter::abort() noexcept {
  file_ = {};
  if (!reserved_.empty()) ::unlinkat(folder_.get(), reserved_.c_str(), 0);
  reserved_.clear();
  if (!made_.empty()) prune_folders(target_.folder, made_);
  made_.clear();
}

}  // namespace cnf::storage::local
