// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cnf/core/util/buffer.h"

struct tiff;  // libtiff's handle

namespace cnf::em {

/// A handle of libtiff on the bytes of a file: silent, and bounded in what it allocates on the
/// file's word. Threads: one at a time; handles on the same bytes do not disturb each other.
class TiffFile {
 public:
  /// At the first directory. `bytes` must outlive it. Throws Error corrupt_data.
  TiffFile(ByteSpan bytes, std::string subject);
  ~TiffFile();
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  /// For libtiff's functions on the current directory.
  [[nodiscard]] tiff* get() const noexcept { return handle_; }
  /// False at the last directory. Throws Error corrupt_data if the next is broken.
  [[nodiscard]] bool advance();
  /// Where the current directory lies in the file: what go_to() takes.
  [[nodiscard]] std::uint64_t directory() const;
  void go_to(std::uint64_t directory);

  [[nodiscard]] std::uint32_t number(std::uint32_t tag, std::uint32_t otherwise = 0) const;
  [[nodiscard]] std::optional<double> real(std::uint32_t tag) const;
  /// Text of a tag as UTF-8, whatever stands in the file; at most 64 KiB.
  [[nodiscard]] std::string text(std::uint32_t tag) const;

  /// Of a tag that libtiff does not know; nullopt where it is absent or of another type.
  [[nodiscard]] std::optional<std::uint64_t> private_number(std::uint32_t tag) const;
  [[nodiscard]] std::string private_text(std::uint32_t tag) const;

  /// Strips or tiles of the current directory.
  [[nodiscard]] std::uint32_t pieces() const;
  /// The bytes of one as they are stored. Throws Error corrupt_data past the end of the file.
  [[nodiscard]] ByteSpan stored(std::uint32_t piece) const;

  /// Throws corrupt_data with what libtiff said last, or else with `why`.
  [[noreturn]] void fail(std::string_view why) const;

 private:
  struct Client;
  std::unique_ptr<Client> client_;
  tiff* handle_ = nullptr;
};

/// Handles on the same bytes, opened when there is none to spare.
class TiffPool {
 public:
  /// `bytes` must outlive it.
  TiffPool(ByteSpan bytes, std::string subject) : bytes_(bytes), subject_(std::move(subject)) {}

  [[nodiscard]] std::unique_ptr<TiffFile> take();
  void give(std::unique_ptr<TiffFile> file);

 private:
  ByteSpan bytes_;
  std::string subject_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<TiffFile>> idle_;  // guarded by mutex_
};

/// `text` with every byte that is not UTF-8 read as Latin-1, as older instruments write it.
[[nodiscard]] std::string to_utf8(std::string_view text);

}  // namespace cnf::em
