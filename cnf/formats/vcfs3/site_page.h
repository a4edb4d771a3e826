// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/util/buffer.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/variant.h"

namespace cnf::vcfs3 {

/// The site columns of up to kPageRecords records as bytes, in sections that are read apart
/// (SPEC.md, "Site page"). Each section carries the CRC32C of its own bytes.
struct EncodedPage {
  Buffer core;      ///< Positions, ends, ID, alleles, QUAL, FILTER, layouts of FORMAT, raw lines.
  Buffer info;      ///< INFO, by key. Empty if no record has any.
  Buffer carriers;  ///< Who has rare alleles. Empty without genotypes.
};

/// Pure. \param residuals  Bin::residuals of these records, or none.
/// \param genotypes  of all samples of the bin, whose records [first, first + sites.size()) these
/// are.
[[nodiscard]] EncodedPage encode_page(std::span<const Site> sites,
                                      std::span<const std::string> residuals,
                                      const Genotypes& genotypes, std::size_t first, int level);

/// A page, decoded column by column as they are asked for. Views stay valid as long as it lives.
///
/// Throws Error corrupt_data naming the subject, from any call. Threads: one at a time.
class SitePage {
 public:
  /// The bytes must outlive it. \param info  empty if it was not fetched, or there is none.
  SitePage(ByteSpan core, ByteSpan info, std::size_t records, std::string subject);
  ~SitePage();
  SitePage(SitePage&&) noexcept;
  SitePage& operator=(SitePage&&) noexcept;

  [[nodiscard]] std::size_t records() const noexcept;
  [[nodiscard]] std::span<const std::int64_t> positions();  ///< 0-based.
  [[nodiscard]] std::span<const std::int64_t> ends();       ///< 0-based exclusive; see end_of().
  [[nodiscard]] std::span<const std::uint8_t> raw();        ///< 1: the record is kept as a line.
  [[nodiscard]] std::span<const std::uint8_t> has_genotypes();
  /// The record with the columns in `needs`, others empty; FORMAT if genotypes or format is needed.
  [[nodiscard]] Site site(std::size_t record, const Needs& needs);
  /// Bin::residuals of a record; empty if the page has none.
  [[nodiscard]] std::string_view residual(std::size_t record);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Samples with a non-reference allele, of each record of a page that has at most kRareCarriers of
/// them (records without GT have none); nullopt-like (`known` false) for all others.
struct Carriers {
  std::vector<std::uint8_t> known = {};     ///< Per record.
  std::vector<std::uint32_t> ends = {};     ///< Per record: end of its samples.
  std::vector<std::uint32_t> samples = {};  ///< Ordinals, ascending within a record.
};
inline constexpr std::size_t kRareCarriers = 50;
[[nodiscard]] Carriers decode_carriers(ByteSpan section, std::size_t records, std::size_t samples,
                                       std::string_view subject);

}  // namespace cnf::vcfs3
