// SPDX-License-Identifier: Apache-2.0
#include "cnf/hts/spill_file.h"

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "cnf/core/compress/codec.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/error.h"
#include "cnf/hts/feed.h"

namespace cnf::hts {
namespace {

constexpr std::string_view kRemedy = "name another folder for temporary files";

// Giving space back waits for the file system's journal, so it is done for much at once.
constexpr std::uint64_t kMinForgotten = std::uint64_t{64} << 20;

struct BlockHead {
  std::uint32_t raw = 0;         // bytes
  std::uint32_t compressed = 0;  // bytes
  std::uint32_t crc32c = 0;      // of the compressed bytes
};

[[noreturn]] void fail_errno(std::string_view doing, const std::string& folder, int code) {
  const std::string why = std::strerror(code);
  switch (code) {
    case ENOENT:
    case ENOTDIR:
      throw Error(Errc::not_found, doing, folder, why, kRemedy);
    case EACCES:
    case EPERM:
    case EROFS:
      throw Error(Errc::permission_denied, doing, folder, why, kRemedy);
    case ENOSPC:
    case EDQUOT:
      throw Error(Errc::out_of_space, doing, folder, "no room to sort: " + why, kRemedy);
    default:
      throw Error(Errc::unavailable, doing, folder, why, kRemedy);
  }
}

std::string folder_or_default(const std::filesystem::path& folder) {
  if (!folder.empty()) return folder.string();
  std::error_code error;
  const auto found = std::filesystem::temp_directory_path(error);
  return error ? "/tmp" : found.string();
}

Descriptor open_nameless(const std::string& folder) {
  Descriptor file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.get() >= 0) return file;
  // Not every file system makes files without a name; then one is taken from it at once.
  std::string path = folder + "/cnf-sort-XXXXXX";
  Descriptor named(::mkostemp(path.data(), O_CLOEXEC));
  if (named.get() < 0) fail_errno("sort in", folder, errno);
  if (::unlink(path.c_str()) != 0) fail_errno("sort in", folder, errno);
  return named;
}

}  // namespace

SpillFile::SpillFile(const std::filesystem::path& folder)
    : folder_(folder_or_default(folder)),
      file_(open_nameless(folder_)),
      codec_(compress::make_codec({.algorithm = "zstd", .level = 1})) {}

void SpillFile::append_block(ByteSpan raw) {
  scratch_.clear();
  (void)scratch_.extend(sizeof(BlockHead));
  codec_->compress(raw, scratch_);
  const ByteSpan compressed = scratch_.span().subspan(sizeof(BlockHead));
  const BlockHead head{.raw = static_cast<std::uint32_t>(raw.size()),
                       .compressed = static_cast<std::uint32_t>(compressed.size()),
                       .crc32c = crc32c(compressed)};
  std::memcpy(scratch_.data(), &head, sizeof(head));
  write_all(scratch_);
}

void SpillFile::read_block(std::uint64_t& offset, Buffer& raw) {
  BlockHead head;
  read_all(offset, std::as_writable_bytes(std::span(&head, 1)));
  offset += sizeof(head);
  if (head.compressed > size_ - offset) {
    throw Error(Errc::corrupt_data, "sort in", folder_, "a spilled block is damaged", kRemedy);
  }
  scratch_.resize(head.compressed);
  read_all(offset, scratch_.span());
  offset += head.compressed;
  const std::string subject = folder_ + " (temporary file)";
  verify_crc32c(scratch_, head.crc32c, subject);
  raw.resize(head.raw);
  compress::decompress(compress::CodecId::zstd, scratch_, raw.span(), subject);
}

void SpillFile::forget(std::uint64_t begin, std::uint64_t end) noexcept {
  if (begin != forgotten_end_) forgotten_begin_ = begin;
  forgotten_end_ = end;
  if (forgotten_end_ - forgotten_begin_ < kMinForgotten) return;
  (void)::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                    static_cast<off_t>(forgotten_begin_),
                    static_cast<off_t>(forgotten_end_ - forgotten_begin_));
  forgotten_begin_ = forgotten_end_;
}

void SpillFile::write_all(ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail_errno("sort in", folder_, written == 0 ? ENOSPC : errno);
    size_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void SpillFile::read_all(std::uint64_t offset, MutableByteSpan into) const {
  while (!into.empty()) {
    const ssize_t got = ::pread(file_.get(), into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) fail_errno("sort in", folder_, got == 0 ? EIO : errno);
    offset += static_cast<std::uint64_t>(got);
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace cnf::hts
