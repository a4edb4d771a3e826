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
#include <vector>

#include <sys/uio.h>

#include "cnf/core/storage/local_file_internal.h"
#include "cnf/core/storage/local_read_internal.h"
#include "cnf/core/storage/parallel_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage::local {
namespace {

// What one thread reads at a time. Less is not worth a thread of its own: from the page cache a MiB
// comes in some 100 µs. Many small ranges are, for from a disk each may take as long.
constexpr std::uint64_t kBatchBytes = std::uint64_t{1} << 20;
constexpr std::size_t kBatchTransfers = 64;
// More than cores, since they wait for the disk: 2,000 random 4 KB reads of a cold file took 121 ms
// on one thread and 37 ms on eight, of a warm one 1.6 ms and 2.1 ms (2 cores, virtual disk).
constexpr std::size_t kMostThreads = 8;

Error ends_before(const std::string& path, std::uint64_t size, std::uint64_t wanted) {
  return {Errc::corrupt_data, "read", path,
          "it ends at " + std::to_string(size) + ", before byte " + std::to_string(wanted)};
}

// Reads pieces that follow one another in the file with as few calls as can be.
class VectorRead {
 public:
  // gap_ takes bytes that nobody reads; filling it first would be for nothing.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
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

// Transfers in a row that one thread reads.
struct Batch {
  std::size_t begin = 0;
  std::size_t end = 0;
};

std::vector<Batch> batches_of(std::span<const Transfer> transfers) {
  std::vector<Batch> batches;
  std::uint64_t bytes = kBatchBytes;  // so that the first transfer begins a batch
  for (std::size_t i = 0; i < transfers.size(); ++i) {
    if (bytes >= kBatchBytes || i - batches.back().begin >= kBatchTransfers) {
      batches.push_back({i, i});
      bytes = 0;
    }
    batches.back().end = i + 1;
    bytes += transfers[i].length;
  }
  return batches;
}

// The file of one key: opened by the first batch that reads it, closed after the last.
class SharedFile {
 public:
  void add_user() { ++users_; }  // before the threads begin

  // Throws what opening it threw, each time.
  std::shared_ptr<const OpenFile> open(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (error_) throw Error(*error_);
    if (file_) return file_;
    try {
      file_ = std::make_shared<const OpenFile>(open_object(path));
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

 private:
  std::mutex mutex_;
  std::size_t users_ = 0;
  std::shared_ptr<const OpenFile> file_;
  std::optional<Error> error_;
};

// One call of read_transfers.
class TransferRun {
 public:
  TransferRun(std::span<const Transfer> transfers, const PathOf& path_of, const Context& context,
              const TransferDone& done)
      : transfers_(transfers), path_of_(path_of), context_(context), done_(done) {
    for (const Batch& batch : batches_) {
      for (std::size_t i = batch.begin; i < batch.end; ++i) {
        if (i == 0 || !same_key(i, i - 1)) files_.emplace_back();
        if (i == batch.begin || !same_key(i, i - 1)) files_.back().add_user();
        file_of_.push_back(&files_.back());
      }
    }
  }

  void run(std::size_t most_threads) {
    parallel_for(batches_.size(), most_threads, [this](std::size_t i) { run(batches_[i]); });
  }

 private:
  [[nodiscard]] bool same_key(std::size_t a, std::size_t b) const {
    return transfers_[a].key == transfers_[b].key;
  }

  void run(const Batch& batch) {
    for (std::size_t begin = batch.begin; begin < batch.end;) {
      std::size_t end = begin + 1;
      while (end < batch.end && same_key(begin, end)) ++end;
      run_of_one_key({begin, end});
      begin = end;
    }
  }

  void run_of_one_key(const Batch& batch) {
    SharedFile& shared = *file_of_[batch.begin];
    std::string path;
    std::shared_ptr<const OpenFile> file;
    for (std::size_t i = batch.begin; i < batch.end; ++i) {
      try {
        context_.check("read", transfers_[i].key);
        context_.accounting().add_request(RequestKind::get);
        if (path.empty()) path = path_of_(transfers_[i].key);
        if (!file) file = shared.open(path);
        context_.accounting().add_fetched(read_transfer(*file, path, transfers_[i]));
      } catch (const Error& error) {
        done_(i, &error);
        continue;
      }
      done_(i, nullptr);
    }
    file = nullptr;
    shared.release();
  }

  std::span<const Transfer> transfers_;
  const PathOf& path_of_;
  const Context& context_;
  const TransferDone& done_;
  std::vector<Batch> batches_ = batches_of(transfers_);
  std::deque<SharedFile> files_;  // they hold a mutex, so they must not move
  std::vector<SharedFile*> file_of_;
};

}  // namespace

void read_transfers(std::span<const Transfer> transfers, const PathOf& path_of,
                    unsigned concurrency, const Context& context, const TransferDone& done) {
  TransferRun(transfers, path_of, context, done)
      .run(std::min<std::size_t>(kMostThreads, concurrency));
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
