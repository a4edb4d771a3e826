// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

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
