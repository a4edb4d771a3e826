// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "cnf/core/storage/block_store_internal.h"
#include "cnf/core/storage/local_file_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

namespace fs = std::filesystem;
using local::FileDescriptor;

constexpr ::mode_t kOwnerFile = S_IRUSR | S_IWUSR;
constexpr ::mode_t kOwnerFolder = S_IRWXU;
constexpr std::uint64_t kFileUnit = 4096;                         // what a disk gives at least
constexpr std::uint64_t kLargestFile = std::uint64_t{256} << 20;  // no block is so large
constexpr std::size_t kBatch = 64;                                // files that are open at once
constexpr std::string_view kTemporary = "tmp-";
constexpr std::chrono::seconds kPause{30};      // after a failure to write
constexpr std::chrono::seconds kLockWait{2};    // longer than a process needs that is not stopped
constexpr std::chrono::minutes kAbandoned{10};  // a temporary file that nobody writes any more

// Before the bytes of each file.
struct Header {
  std::array<char, 8> magic{'c', 'n', 'f', 'c', 'a', 'c', 'h', '1'};
  std::uint64_t size = 0;
  std::uint32_t crc = 0;  // of the name and the bytes: a file under another's name is none
  std::uint32_t reserved = 0;
};
static_assert(sizeof(Header) == 24);

std::uint32_t checksum(std::string_view name, ByteSpan bytes) {
  return crc32c(bytes, crc32c(as_bytes(name)));
}

std::uint64_t charge(std::uint64_t file_size) {
  return (file_size + kFileUnit - 1) / kFileUnit * kFileUnit;
}

bool read_fully(const FileDescriptor& file, std::uint64_t offset, MutableByteSpan into) {
  while (!into.empty()) {
    const ::ssize_t count =
        ::pread(file.get(), into.data(), into.size(), static_cast<::off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    offset += static_cast<std::uint64_t>(count);
    into = into.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

void write_fully(const FileDescriptor& file, std::uint64_t offset, ByteSpan bytes,
                 const std::string& path) {
  while (!bytes.empty()) {
    const ::ssize_t count =
        ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<::off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw local::errno_error(errno, "cache in", path);
    offset += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

ByteSpan bytes_of(const Header& header) { return std::as_bytes(std::span(&header, 1)); }

// A file of its final size under a passing name, so that whoever adds up sizes sees it.
class NewFile {
 public:
  NewFile(const std::string& root, std::uint64_t size)
      : path_(root + '/' + std::string(kTemporary) + random_id()),
        file_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
                     kOwnerFile)) {
    if (!file_) throw local::errno_error(errno, "cache in", root);
    if (::ftruncate(file_.get(), static_cast<::off_t>(size)) != 0) {
      const int code = errno;
      ::unlink(path_.c_str());
      throw local::errno_error(code, "cache in", root);
    }
  }
  ~NewFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  NewFile(NewFile&& other) noexcept
      : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}
  NewFile& operator=(NewFile&&) = delete;
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(const BlockStore::Entry& entry) const {
    const Header header{.size = entry.bytes.size(), .crc = checksum(entry.name, entry.bytes)};
    write_fully(file_, 0, bytes_of(header), path_);
    write_fully(file_, sizeof(Header), entry.bytes, path_);
  }
  void rename_to(const std::string& target) {
    if (::rename(path_.c_str(), target.c_str()) != 0) {
      throw local::errno_error(errno, "cache in", target);
    }
    path_.clear();
  }

 private:
  std::string path_;
  FileDescriptor file_;
};

class DiskBlocks final : public BlockStore {
 public:
  DiskBlocks(const fs::path& folder, std::uint64_t max_bytes)
      : root_((fs::absolute(folder) / "cnf-cache-1").string()), max_bytes_(max_bytes) {
    std::error_code ignored;  // then it is not there, and prepare() says so
    fs::create_directories(folder, ignored);
    trusted_ = prepare();
  }

  [[nodiscard]] std::shared_ptr<const Buffer> get(const std::string& name) override;
  void put(std::span<const Entry> entries) override;
  void forget(const std::string& name) override {
    if (trusted_) ::unlink(path_of(name).c_str());
  }
  [[nodiscard]] bool is_usable() const override {
    return trusted_ && Context::Clock::now().time_since_epoch().count() >= paused_until_;
  }

 private:
  struct Found {
    std::string path;
    std::uint64_t charge = 0;
    std::int64_t used_at = 0;  // nanoseconds
    bool temporary = false;
  };

  [[nodiscard]] std::string path_of(const std::string& name) const {
    return root_ + '/' + name.substr(0, 2) + '/' + name.substr(2);
  }
  [[nodiscard]] bool prepare() const;
  void store(std::span<const Entry> entries);
  [[nodiscard]] std::vector<NewFile> reserve(std::span<const Entry> entries);
  [[nodiscard]] std::vector<Found> find_all() const;
  [[nodiscard]] std::uint64_t make_room(std::uint64_t needed) const;

  const std::string root_;
  const std::uint64_t max_bytes_;
  std::atomic<bool> trusted_{false};
  std::atomic<Context::Clock::rep> paused_until_{
      Context::Clock::time_point::min().time_since_epoch().count()};
};

// False unless the folder is there (made now, if need be) and this user's alone: whoever could
// write to it could choose what is read from it.
bool DiskBlocks::prepare() const {
  if (::mkdir(root_.c_str(), kOwnerFolder) != 0 && errno != EEXIST) return false;
  struct stat status {};
  if (::lstat(root_.c_str(), &status) != 0) return false;
  return S_ISDIR(status.st_mode) && status.st_uid == ::geteuid() &&
         (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

std::shared_ptr<const Buffer> DiskBlocks::get(const std::string& name) {
  if (!trusted_) return nullptr;
  const std::string path = path_of(name);
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return nullptr;
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return nullptr;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  Header header;
  std::shared_ptr<Buffer> bytes;
  if (S_ISREG(status.st_mode) && size >= sizeof(Header) && size <= kLargestFile &&
      read_fully(file, 0, std::as_writable_bytes(std::span(&header, 1))) &&
      header.magic == Header{}.magic && header.size == size - sizeof(Header)) {
    bytes = std::make_shared<Buffer>(size - sizeof(Header));
    if (!read_fully(file, sizeof(Header), bytes->span()) || header.crc != checksum(name, *bytes)) {
      bytes = nullptr;
    }
  }
  if (!bytes) {
    ::unlink(path.c_str());  // it is not what was written, and will not get better
    return nullptr;
  }
  ::futimens(file.get(), nullptr);  // the time by which the least recently used are found
  return bytes;
}

void DiskBlocks::put(std::span<const Entry> entries) {
  if (!is_usable()) return;
  try {
    while (!entries.empty()) {
      // No batch takes more than half of what there is, so that each finds room.
      std::size_t count = 0;
      std::uint64_t bytes = 0;
      for (; count < std::min(entries.size(), kBatch); ++count) {
        bytes += charge(sizeof(Header) + entries[count].bytes.size());
        if (bytes > max_bytes_ / 2) break;
      }
      if (count > 0) store(entries.first(count));
      entries = entries.subspan(std::max<std::size_t>(count, 1));
    }
  } catch (const Error& error) {
    // Somebody else holds the lock for long: what came now is not kept, and that is all.
    if (error.code() == Errc::deadline_exceeded) return;
    trusted_ = prepare();
    paused_until_ = (Context::Clock::now() + kPause).time_since_epoch().count();
  }
}

void DiskBlocks::store(std::span<const Entry> entries) {
  std::vector<NewFile> files = reserve(entries);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    files[i].write(entries[i]);
    const std::string path = path_of(entries[i].name);
    ::mkdir(path.substr(0, path.rfind('/')).c_str(), kOwnerFolder);  // it may be there
    files[i].rename_to(path);
  }
}

// Adds up under a lock what the files of all processes take; files are written without it.
std::vector<NewFile> DiskBlocks::reserve(std::span<const Entry> entries) {
  FileDescriptor folder = local::open_folder(root_, root_);
  if (!folder && prepare()) folder = local::open_folder(root_, root_);
  if (!folder) throw Error(Errc::not_found, "cache in", root_, "the folder is gone");
  const local::FolderLock lock(folder, root_,
                               Context().with_deadline(Context::Clock::now() + kLockWait));
  const FileDescriptor sum(
      ::openat(folder.get(), "usage", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kOwnerFile));
  if (!sum) throw local::errno_error(errno, "cache in", root_);
  std::uint64_t needed = 0;
  for (const Entry& entry : entries) needed += charge(sizeof(Header) + entry.bytes.size());

  // The sum, and its complement: what was not written by us is not believed.
  std::array<std::uint64_t, 2> usage{};
  const bool known =
      read_fully(sum, 0, std::as_writable_bytes(std::span(usage))) && usage[1] == ~usage[0];
  if (!known || usage[0] > max_bytes_ || needed > max_bytes_ - usage[0]) {
    usage[0] = make_room(needed);
  }
  usage[0] += needed;
  usage[1] = ~usage[0];
  write_fully(sum, 0, std::as_bytes(std::span(usage)), root_);
  std::vector<NewFile> files;
  files.reserve(entries.size());
  for (const Entry& entry : entries) files.emplace_back(root_, sizeof(Header) + entry.bytes.size());
  return files;
}

std::vector<DiskBlocks::Found> DiskBlocks::find_all() const {
  std::vector<Found> found;
  const auto look_into = [&](const std::string& folder, bool is_root) {
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      const std::string path = at->path().string();
      const std::string name = at->path().filename().string();
      const bool temporary = is_root && name.starts_with(kTemporary);
      struct stat status {};
      if ((is_root && !temporary) || ::lstat(path.c_str(), &status) != 0) continue;
      found.push_back({path, charge(static_cast<std::uint64_t>(status.st_size)),
                       std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec,
                       temporary});
    }
  };
  look_into(root_, true);
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char high : kDigits) {
    for (const char low : kDigits) look_into(root_ + '/' + high + low, false);
  }
  return found;
}

// Removes the least recently used until `needed` and a tenth besides are free, so that not every
// write begins with a search. Returns what is left.
std::uint64_t DiskBlocks::make_room(std::uint64_t needed) const {
  const std::int64_t now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  const std::int64_t abandoned = now - std::chrono::nanoseconds(kAbandoned).count();
  std::vector<Found> files = find_all();
  std::uint64_t used = 0;
  for (const Found& file : files) used += file.charge;
  std::sort(files.begin(), files.end(),
            [](const Found& a, const Found& b) { return a.used_at < b.used_at; });
  const std::uint64_t target =
      max_bytes_ - std::max(needed, std::min(needed + max_bytes_ / 10, max_bytes_));
  for (const Found& file : files) {
    const bool goes = file.temporary ? file.used_at < abandoned : used > target;
    if (goes && (::unlink(file.path.c_str()) == 0 || errno == ENOENT)) used -= file.charge;
  }
  return used;
}

}  // namespace

std::unique_ptr<BlockStore> make_disk_blocks(const fs::path& folder, std::uint64_t max_bytes) {
  return std::make_unique<DiskBlocks>(folder, max_bytes);
}

}  // namespace cnf::storage
