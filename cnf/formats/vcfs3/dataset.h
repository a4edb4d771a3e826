// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/index/btree.h"
#include "cnf/core/index/interval.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/header.h"

namespace cnf::vcfs3 {

/// Where a record with a looked-up ID is: a record of a page of a bin.
struct IdHit {
  std::uint64_t bin = 0;
  std::uint32_t record = 0;  ///< Within the bin.
  std::uint32_t contig = 0;
  std::int64_t pos = 0;  ///< 0-based.
};

/// A VCFS3 dataset, opened for queries. Immutable. Threads: concurrent use is fine.
class Dataset {
 public:
  /// One request for the manifest; one more if the header is too large to be carried in it.
  /// Throws Error not_found, corrupt_data, unsupported (another format, a newer major version).
  [[nodiscard]] static Dataset open(const std::shared_ptr<storage::Storage>& root,
                                    const Context& context);

  [[nodiscard]] const metadata::Metadata& metadata() const noexcept;
  [[nodiscard]] const std::shared_ptr<storage::Storage>& root() const noexcept;
  [[nodiscard]] const std::shared_ptr<storage::Storage>& chunk_storage() const noexcept;
  [[nodiscard]] std::string chunk_key(std::uint64_t number) const;

  [[nodiscard]] const Header& header() const noexcept;
  /// Every contig that records lie on, and those of the header: the header's first, in its order,
  /// then the others in the order of the records. Indices are Interval::sequence.
  [[nodiscard]] const std::vector<std::string>& contigs() const noexcept;
  [[nodiscard]] std::optional<std::uint32_t> find_contig(std::string_view name) const;
  [[nodiscard]] const std::vector<std::string>& zone_keys() const noexcept;

  [[nodiscard]] std::size_t samples() const noexcept;
  [[nodiscard]] std::size_t groups() const noexcept;
  [[nodiscard]] SampleRange group(std::size_t number) const noexcept;
  /// The ordinal of a sample by its name; nullopt if there is none.
  [[nodiscard]] std::optional<std::size_t> find_sample(std::string_view name) const;

  [[nodiscard]] std::uint64_t records() const noexcept;
  /// How the text goes on after each line, and whether after the last.
  [[nodiscard]] bool crlf() const noexcept;
  [[nodiscard]] bool final_newline() const noexcept;
  /// True if within each contig records come by position and contigs come in one piece each.
  [[nodiscard]] bool in_order() const noexcept;

  /// Bins that meet any of `intervals`, in the order of the input, each once.
  [[nodiscard]] std::vector<BinRow> find_bins(const std::vector<index::Interval>& intervals,
                                              const Context& context) const;
  /// Every bin, in the order of the input.
  [[nodiscard]] std::vector<BinRow> all_bins(const Context& context) const;
  /// Every record with one of these IDs (a record with "rs1;rs2" has both), in the order of the
  /// input.
  [[nodiscard]] std::vector<IdHit> find_ids(const std::vector<std::string>& ids,
                                            const Context& context) const;

 private:
  struct Impl;
  explicit Dataset(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

/// The JSON schema of the manifest's `custom`; open() holds manifests against it.
[[nodiscard]] const std::string& custom_schema();

}  // namespace cnf::vcfs3
