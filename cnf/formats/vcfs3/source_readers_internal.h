// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/source.h"
#include "cnf/hts/input.h"

namespace cnf::vcfs3 {

/// The decompressed bytes of an input. Threads: one at a time.
class InputBytes {
 public:
  /// \param threads  that decompress BGZF of a local file; of other input the caller's does.
  /// `input` must outlive this. Throws Error corrupt_data: BGZF without its end.
  InputBytes(hts::Input& input, std::size_t threads);
  /// Fills `into`; less only at the end. Throws Error corrupt_data: damaged or cut short.
  [[nodiscard]] std::size_t read(MutableByteSpan into);
  /// Bytes read so far, as stored.
  [[nodiscard]] std::uint64_t consumed() const noexcept;
  [[noreturn]] void fail(std::string_view why) const;

 private:
  void check_end() const;

  hts::Input& input_;
  bool is_bgzf_;
};

/// Cuts text into slabs. Threads: one at a time.
class SlabCutter {
 public:
  /// Fills what it gets; less only at the end of the text.
  using Read = std::function<std::size_t(MutableByteSpan)>;

  explicit SlabCutter(Read read) : read_(std::move(read)) {}
  /// The next whole lines; nullopt at the end. Throws what `read` throws.
  /// \param too_long  called, to throw, if a line is longer than kMaxLine.
  [[nodiscard]] std::optional<Slab> next(const std::function<void()>& too_long);
  /// Reads until ahead() has a multiple of `step` bytes and has grown, or the text ends.
  void fill(std::size_t step) { fill(ahead_, step); }
  /// What was read, but not given yet.
  [[nodiscard]] const Buffer& ahead() const noexcept { return ahead_; }
  void drop(std::size_t bytes) { ahead_ = Buffer::copy_of(ahead_.span().subspan(bytes)); }
  [[nodiscard]] bool at_end() const noexcept { return at_end_; }  ///< Everything is read.

 private:
  void fill(Buffer& text, std::size_t step);

  Read read_;
  Buffer ahead_;
  bool at_end_ = false;
};

/// The lines of VCF text.
[[nodiscard]] std::unique_ptr<Source> read_text(std::unique_ptr<hts::Input> input,
                                                std::size_t threads);
/// The records of a BCF as htslib renders them.
[[nodiscard]] std::unique_ptr<Source> read_bcf(std::unique_ptr<hts::Input> input,
                                               std::size_t threads);

/// Slabs are cut at the last line end within so many bytes, or else of the line that is longer.
inline constexpr std::size_t kSlabBytes = std::size_t{4} << 20;
/// A line or a header is no longer than this. In bytes.
inline constexpr std::size_t kMaxLine = std::size_t{1} << 30;

}  // namespace cnf::vcfs3
