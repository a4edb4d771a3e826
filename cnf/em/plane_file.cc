// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"
#include "cnf/em/plane_file_internal.h"

namespace cnf::em {
namespace {

[[noreturn]] void fail(std::string_view subject, int error) {
  Errc code = Errc::unavailable;
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) code = Errc::out_of_space;
  if (error == EACCES || error == EPERM || error == EROFS) code = Errc::permission_denied;
  throw Error(code, "decode", subject,
              "its temporary file: " + std::generic_category().message(error),
              "TMPDIR names a folder with room for the voxels");
}

int open_unnamed(std::string_view subject) {
  std::error_code no_folder;
  const auto folder = std::filesystem::temp_directory_path(no_folder);
  if (no_folder) fail(subject, no_folder.value());
  std::string name = (folder / "cnf-planes-XXXXXX").string();
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) fail(subject, errno);
  ::unlink(name.c_str());
  return fd;
}

}  // namespace

PlaneFile::PlaneFile(std::size_t planes, std::uint64_t plane_bytes, std::string subject)
    : plane_bytes_(plane_bytes),
      subject_(std::move(subject)),
      states_(planes, State::absent),
      fd_(open_unnamed(subject_)) {
  int error = 0;
  if (__builtin_mul_overflow(plane_bytes, planes, &size_) || size_ > INT64_MAX) {
    error = EFBIG;
  } else if (::ftruncate(fd_, static_cast<off_t>(size_)) != 0) {
    error = errno;
  } else if (size_ != 0) {
    mapped_ = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd_, 0);
    if (mapped_ == MAP_FAILED) error = errno;
  }
  if (error != 0) {
    ::close(fd_);
    fail(subject_, error);
  }
}

PlaneFile::~PlaneFile() {
  if (mapped_ != nullptr) ::munmap(mapped_, size_);
  ::close(fd_);
}

std::size_t PlaneFile::next_absent(std::size_t begin, std::size_t end) const noexcept {
  while (begin != end && states_[begin] != State::absent) ++begin;
  return begin;
}

void PlaneFile::need(std::size_t begin, std::size_t end,
                     const std::function<void(std::size_t)>& decode) {
  std::unique_lock lock(mutex_);
  while (true) {
    // Threads that need the same planes share the work: each takes what none has in hand.
    const std::size_t plane = next_absent(begin, end);
    if (plane == end) {
      const bool all_there = std::all_of(states_.begin() + static_cast<std::ptrdiff_t>(begin),
                                         states_.begin() + static_cast<std::ptrdiff_t>(end),
                                         [](State state) { return state == State::there; });
      if (all_there) return;
      changed_.wait(lock);
      continue;
    }
    states_[plane] = State::in_hand;
    lock.unlock();
    try {
      decode(plane);
    } catch (...) {
      lock.lock();
      states_[plane] = State::absent;
      changed_.notify_all();
      throw;
    }
    lock.lock();
    states_[plane] = State::there;
    changed_.notify_all();
  }
}

void PlaneFile::write(std::size_t plane, std::uint64_t offset, ByteSpan bytes) {
  // Not through the mapping: a full disk is an error here, and a signal there.
  std::uint64_t at = plane * plane_bytes_ + offset;
  while (!bytes.empty()) {
    const ssize_t wrote = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) fail(subject_, errno);
    at += static_cast<std::uint64_t>(wrote);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
}

ByteSpan PlaneFile::plane(std::size_t plane) const noexcept {
  return {static_cast<const std::byte*>(mapped_) + plane * plane_bytes_, plane_bytes_};
}

}  // namespace cnf::em
