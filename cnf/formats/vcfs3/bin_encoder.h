// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/formats/vcfs3/bin.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/site.h"
#include "cnf/formats/vcfs3/writer.h"

namespace cnf::vcfs3 {

/// How many records are of which kind, as bcftools stats tells them: a record with ALTs of several
/// kinds counts for each.
struct SiteCounts {
  std::uint64_t no_alt = 0;  ///< ALT "."
  std::uint64_t snp = 0;
  std::uint64_t mnp = 0;
  std::uint64_t indel = 0;
  std::uint64_t other = 0;  ///< Symbolic alleles, breakends, "*", raw records.
  std::uint64_t multiallelic = 0;

  void add(const Site& site) noexcept;
  SiteCounts& operator+=(const SiteCounts& counts) noexcept;
  bool operator==(const SiteCounts&) const = default;
};

/// A page of a bin, encoded, and what else its records say.
struct EncodedSites {
  EncodedBin::Page page;
  SiteCounts counts;
  std::int64_t first_pos = 0;  ///< Of its first record.
  std::int64_t last_pos = 0;   ///< Of its last record.
  bool ascending = true;       ///< Positions within it never go back.
};

/// Turns a bin into the parts that are stored, each by itself. Threads: concurrent use is fine.
class BinEncoder {
 public:
  struct Options {
    std::vector<std::string> zone_keys = {};
    int level = 9;  ///< Of zstd.
  };

  /// The options must outlive it. The bin has at least one record.
  BinEncoder(Bin bin, const Options& options);

  [[nodiscard]] std::size_t pages() const noexcept;
  [[nodiscard]] EncodedSites encode_page(std::size_t number) const;
  [[nodiscard]] EncodedBin::Tile encode_tile(SampleRange samples) const;
  /// Memory that the bin takes.
  [[nodiscard]] std::uint64_t bytes() const noexcept;

 private:
  Bin bin_;
  const Options& options_;
  std::vector<std::string_view> formats_;  // per record
};

}  // namespace cnf::vcfs3
