// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/util/buffer.h"

struct bcf_hdr_t;  // NOLINT(readability-identifier-naming): htslib's

namespace cnf::vcfs3 {

/// What a header line defines.
enum class Definition : std::uint8_t { contig, info, format, filter };

/// A VCF header as BCF has it: every contig, INFO, FORMAT and FILTER key has a number.
///
/// Threads: const members may be called concurrently.
class BcfHeader {
 public:
  /// Throws Error corrupt_data if htslib cannot read the text.
  explicit BcfHeader(std::string_view text);

  [[nodiscard]] bool defines(Definition what, std::string_view key) const;
  /// Defines a key that is missing, as htslib does when it meets one: one string. Throws Error
  /// unsupported if the key cannot stand in a header line.
  void define(Definition what, std::string_view key);
  /// The header's text as a BCF file has it, with the numbers (IDX).
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bcf_hdr_t* get() const noexcept { return header_.get(); }

 private:
  struct Destroy {
    void operator()(bcf_hdr_t* header) const noexcept;
  };
  std::unique_ptr<bcf_hdr_t, Destroy> header_;
};

/// "INFO/DP", "contig chr1": as messages have it.
[[nodiscard]] std::string to_string(Definition what, std::string_view key);

/// Turns VCF lines into BCF records. Threads: one at a time.
class BcfEncoder {
 public:
  /// \param header  outlives it, and defines all that the lines use.
  explicit BcfEncoder(const BcfHeader& header);
  ~BcfEncoder();
  BcfEncoder(const BcfEncoder&) = delete;
  BcfEncoder& operator=(const BcfEncoder&) = delete;

  /// Appends the record of a line (without its end). Throws Error unsupported, naming contig and
  /// position, if BCF cannot hold it: a key that the header lacks, a value of another type.
  /// \param residual  gives floats their bits back (float_residuals.h); empty: there is nothing to.
  void append(std::string_view line, std::string_view residual, Buffer& out);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cnf::vcfs3
