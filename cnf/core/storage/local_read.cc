// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/uio.h>

#include "cnf/core/storage/local_file_internal.h"
#include "cnf/core/storage/local_read_internal.h"
#include "cnf/core/storage/parallel_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage::local {
namespace {

// Below this, starting threads takes longer than they save: 4 MiB are copied out of the page cache
// in about a millisecond.
constexpr std::uint64_t kParallelBytes = std::uint64_t{4} << 20;
constexpr std::size_t kMostThreads = 8;

Error ends_before(const std::string& path, std::uint64_t size, std::uint64_t wanted) {
  return {Errc::corrupt_data, "read", path,
          "it ends at " + std::to_string(size) + ", before byte " + std::to_string(wanted)};
}

// Reads pieces that follow one another in the file with as few calls as can be.
class VectorRead {
 public:
  VectorRead(const OpenFile& file, const std::string& path, std::uint64_t offset)
      : file_(file), path_(path), offset_(offset) {}

  void add(MutableByteSpan into) {
    if (into.empty()) return;
    parts_.push_back({into.data(), into.size()});
    if (parts_.size() == IOV_MAX) flush();
  }

  // Passes over bytes nobody wants: a few are read into one place again and again.
  void skip(std::uint64_t size) {
    if (size <= gap_.size()) return add(std::span(gap_).first(size));
    flush();
    offset_ += size;
  }

  void flush() {
    std::span<::iovec> left(parts_);
    while (!left.empty()) {
      const ::ssize_t count = ::preadv(file_.fd.get(), left.data(), static_cast<int>(left.size()),
                                       static_cast<::off_t>(offset_));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw errno_error(errno, "read", path_);
      if (count == 0) throw ends_before(path_, offset_, offset_ + 1);  // it shrank just now
      offset_ += static_cast<std::uint64_t>(count);
      bytes_ += static_cast<std::uint64_t>(count);
      left = rest_after(left, static_cast<std::size_t>(count));
    }
    parts_.clear();
  }

  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  static std::span<::iovec> rest_after(std::span<::iovec> parts, std::size_t count) {
    while (!parts.empty() && count >= parts.front().iov_len) {
      count -= parts.front().iov_len;
      parts = parts.subspan(1);
    }
    if (!parts.empty()) {
      parts.front().iov_base = static_cast<std::byte*>(parts.front().iov_base) + count;
      parts.front().iov_len -= count;
    }
    return parts;
  }

  const OpenFile& file_;
  const std::string& path_;
  std::uint64_t offset_;  // in the file, of the first of parts_
  std::uint64_t bytes_ = 0;
  std::vector<::iovec> parts_;
  std::array<std::byte, kReadProfile.gap> gap_;
};

// The file that some transfers in a row read: opened by the first, closed after the last.
class SharedFile {
 public:
  SharedFile(std::string_view key, std::size_t users) : key_(key), users_(users) {}

  // Throws what opening it threw, each time.
  std::shared_ptr<const OpenFile> open(
      const std::function<std::string(std::string_view key)>& path_of) {
    const std::lock_guard lock(mutex_);
    if (error_) throw Error(*error_);
    if (file_) return file_;
    try {
      path_ = path_of(key_);
      file_ = std::make_shared<const OpenFile>(open_object(path_));
      return file_;
    } catch (const Error& error) {
      error_ = error;
      throw;
    }
  }
  void release() {
    const std::lock_guard lock(mutex_);
    if (--users_ == 0) file_ = nullptr;
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string_view key_;
  std::mutex mutex_;
  std::size_t users_;
  std::string path_;
  std::shared_ptr<const OpenFile> file_;
  std::optional<Error> error_;
};

// Returns the bytes read.
std::uint64_t read_transfer(const OpenFile& file, const std::string& path,
                            const Transfer& transfer) {
  if (!transfer.etag.empty() && transfer.etag != file.info.etag) {
    throw Error(Errc::corrupt_data, "read", path, "the object was replaced while it was read",
                "start again");
  }
  const std::uint64_t size = file.info.size;
  if (transfer.offset > size || transfer.length > size - transfer.offset) {
    throw ends_before(path, size, transfer.offset + transfer.length);
  }
  VectorRead read(file, path, transfer.offset);
  for (const Transfer::Piece& piece : transfer.pieces) {
    read.skip(piece.skip);
    read.add(piece.into);
  }
  read.flush();
  return read.bytes();
}

std::size_t threads_for(std::span<const Transfer> transfers, unsigned concurrency) {
  std::uint64_t bytes = 0;
  for (const Transfer& transfer : transfers) bytes += transfer.length;
  if (bytes < kParallelBytes) return 1;
  return std::min<std::size_t>({kMostThreads, concurrency, std::thread::hardware_concurrency()});
}

}  // namespace

void read_transfers(std::span<const Transfer> transfers,
                    const std::function<std::string(std::string_view key)>& path_of,
                    unsigned concurrency, const Context& context, const TransferDone& done) {
  std::deque<SharedFile> files;  // they hold a mutex, so they must not move
  std::vector<SharedFile*> file_of(transfers.size());
  for (std::size_t begin = 0; begin < transfers.size();) {
    std::size_t end = begin + 1;
    while (end < transfers.size() && transfers[end].key == transfers[begin].key) ++end;
    SharedFile& file = files.emplace_back(transfers[begin].key, end - begin);
    std::fill(file_of.begin() + static_cast<std::ptrdiff_t>(begin),
              file_of.begin() + static_cast<std::ptrdiff_t>(end), &file);
    begin = end;
  }
  parallel_for(transfers.size(), threads_for(transfers, concurrency), [&](std::size_t i) {
    SharedFile& shared = *file_of[i];
    try {
      context.check("read", transfers[i].key);
      context.accounting().add_request(RequestKind::get);
      const std::shared_ptr<const OpenFile> file = shared.open(path_of);
      context.accounting().add_fetched(read_transfer(*file, shared.path(), transfers[i]));
    } catch (const Error& error) {
      shared.release();
      done(i, &error);
      return;
    }
    shared.release();
    done(i, nullptr);
  });
}

Object read_object(const std::string& path, std::optional<std::uint64_t> tail, std::uint64_t limit,
                   const Context& context) {
  context.accounting().add_request(RequestKind::get);
  OpenFile file = open_object(path);
  const std::uint64_t size = std::min(tail.value_or(file.info.size), file.info.size);
  if (size > limit) {
    throw Error(Errc::corrupt_data, "read", path,
                "it has " + std::to_string(size) + " bytes, more than the " +
                    std::to_string(limit) + " it may have");
  }
  Object object{Buffer(size), std::move(file.info)};
  VectorRead read(file, path, object.info.size - size);
  read.add(object.bytes.span());
  read.flush();
  context.accounting().add_fetched(read.bytes());
  return object;
}

}  // namespace cnf::storage::local
