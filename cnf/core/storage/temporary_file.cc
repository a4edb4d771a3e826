// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/temporary_file.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkostemp
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include "cnf/core/storage/local_file_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

constexpr std::string_view kRemedy =
    "make room there, or name another folder for temporary files (TMPDIR)";

// Giving space back waits for the file system's journal, so it is done for much at once.
constexpr std::uint64_t kMinForgotten = std::uint64_t{64} << 20;

[[noreturn]] void fail(const std::string& doing, const std::string& folder, int code) {
  const Error error = local::errno_error(code, doing, folder);
  throw Error(error.code(), doing, folder, std::generic_category().message(code), kRemedy);
}

std::string folder_or_default(const std::filesystem::path& folder) {
  if (!folder.empty()) return folder.string();
  std::error_code error;
  const auto found = std::filesystem::temp_directory_path(error);
  return error ? "/tmp" : found.string();
}

local::FileDescriptor open_nameless(const std::string& folder, const std::string& doing) {
  local::FileDescriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  // Not every file system makes files without a name; then one is taken from it at once.
  std::string path = folder + "/cnf-temporary-XXXXXX";
  local::FileDescriptor named(::mkostemp(path.data(), O_CLOEXEC));
  if (!named) fail(doing, folder, errno);
  if (::unlink(path.c_str()) != 0) fail(doing, folder, errno);
  return named;
}

ByteSpan map(int fd, std::uint64_t size, std::string_view subject) {
  if (size == 0) return {};
  void* const begin = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (begin == MAP_FAILED) throw local::errno_error(errno, "map", subject);
  return {static_cast<const std::byte*>(begin), static_cast<std::size_t>(size)};
}

}  // namespace

TemporaryFile::TemporaryFile(const std::filesystem::path& folder, std::string doing)
    : folder_(folder_or_default(folder)),
      doing_(std::move(doing)),
      file_(std::make_unique<local::FileDescriptor>(open_nameless(folder_, doing_))) {}

TemporaryFile::~TemporaryFile() = default;
TemporaryFile::TemporaryFile(TemporaryFile&& other) noexcept = default;
TemporaryFile& TemporaryFile::operator=(TemporaryFile&& other) noexcept = default;

void TemporaryFile::append(ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(file_->get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail(doing_, folder_, written == 0 ? ENOSPC : errno);
    size_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void TemporaryFile::read_at(std::uint64_t offset, MutableByteSpan into) const {
  while (!into.empty()) {
    const ssize_t got = ::pread(file_->get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail(doing_, folder_, got == 0 ? EIO : errno);
    offset += static_cast<std::uint64_t>(got);
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

void TemporaryFile::forget(std::uint64_t begin, std::uint64_t end) noexcept {
  if (begin != forgotten_end_) forgotten_begin_ = begin;
  forgotten_end_ = end;
  if (forgotten_end_ - forgotten_begin_ < kMinForgotten) return;
  (void)::fallocate(file_->get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(forgotten_begin_),
                    static_cast<off_t>(forgotten_end_ - forgotten_begin_));
  forgotten_begin_ = forgotten_end_;
}

MappedFile::MappedFile(const std::string& path) {
  const local::OpenFile file = local::open_object(path);
  bytes_ = map(file.fd.get(), file.info.size, path);
}

MappedFile::MappedFile(const TemporaryFile& file)
    : bytes_(map(file.file_->get(), file.size(), file.folder())) {}

MappedFile::~MappedFile() {
  // munmap's argument is not const; nothing is written through it.
  if (!bytes_.empty()) (void)::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace cnf::storage
