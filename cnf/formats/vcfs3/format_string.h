// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {

/// What to print of each record, in the language of bcftools query's -f, as version 1.16 prints it.
///
/// %CHROM %POS %POS0 %END %END0 %ID %REF %ALT %FIRST_ALT %QUAL %FILTER %TYPE %INFO %INFO/TAG %TAG
/// %FORMAT %LINE %MASK (nothing: there is one file) %_CHROM_POS_ID %N_PASS(condition), TAG{i} for
/// the i-th value from 0; in [brackets], once per sample, also %SAMPLE %GT %TGT %IUPACGT and FORMAT
/// fields. "\n" and "\t" are what they look like, any other "\x" is x. No line end is added.
///
/// Values are printed as they stand in the VCF: 10.0 stays 10.0, where bcftools writes 10. Of
/// FORMAT fields, "." stands for what a cell leaves out.
///
/// Not there, and refused by name: %TBCSQ, %PBINOM, %IS_TS, %RSX, %VKX, %_GT_TO_PROB3 and its like.
///
/// Immutable. Threads: concurrent use is fine.
class FormatString {
 public:
  /// Throws Error invalid_argument (not well-formed, a tag that the header does not define) or
  /// unsupported, naming the tag.
  [[nodiscard]] static FormatString parse(std::string_view text, const Header& header);

  /// Appends a record.
  ///
  /// \param samples  names of the cells' samples.
  /// \param chosen   per sample 1 if it is printed, as Expression::answer gives it; empty: all are.
  void append(const Variant& variant, std::span<const std::string> samples,
              std::span<const std::uint8_t> chosen, Buffer& out) const;
  /// -H: "# [1]CHROM [2]POS …"; empty for a format with %LINE.
  [[nodiscard]] std::string header_line(std::span<const std::string> samples) const;
  [[nodiscard]] const Needs& needs() const noexcept;

 private:
  struct Impl;
  explicit FormatString(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace cnf::vcfs3
