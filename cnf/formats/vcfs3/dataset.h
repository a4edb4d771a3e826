// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/index/interval.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/vcfs3/bin_row.h"
#include "cnf/formats/vcfs3/genotypes.h"
#include "cnf/formats/vcfs3/header.h"
#include "cnf/formats/vcfs3/id_hash.h"
#include "cnf/formats/vcfs3/sample_table.h"

namespace cnf::vcfs3 {

/// A bin that holds records with looked-up IDs.
struct IdBin {
  BinRow row;
  std::vector<std::uint32_t> records = {};  ///< Within the bin; ascending, each once.
};

/// A VCFS3 dataset, opened for queries. Immutable. Threads: concurrent use is fine.
class Dataset {
 public:
  /// One request for the manifest; one more if what the header defines is too large to be carried
  /// in it.
  /// Throws Error not_found, corrupt_data, unsupported (another format, a newer major version).
  [[nodiscard]] static Dataset open(const std::shared_ptr<storage::Storage>& root,
                                    const Context& context);

  /// The same by a manifest that was read already.
  [[nodiscard]] static Dataset open(const std::shared_ptr<storage::Storage>& root,
                                    metadata::Metadata manifest, const Context& context);

  [[nodiscard]] const metadata::Metadata& metadata() const noexcept;
  [[nodiscard]] const std::shared_ptr<storage::Storage>& root() const noexcept;
  /// Where the chunks lie: sharded or not.
  [[nodiscard]] const std::shared_ptr<storage::Storage>& chunk_storage() const noexcept;
  /// The key of a chunk in chunk_storage(). Throws Error corrupt_data for one the manifest lacks.
  [[nodiscard]] std::string chunk_key(std::uint64_t number) const;

  /// The header with all its lines. No request, unless there are so many samples that the manifest
  /// could not carry their names: then one, the first time. Throws what that throws.
  [[nodiscard]] const Header& header(const Context& context) const;
  /// The header, perhaps without its samples: what it defines. No request.
  [[nodiscard]] const Header& definitions() const noexcept;
  /// Every contig that records lie on, and those of the header: the header's first, in its order,
  /// then the others in the order of the records. Indices are Interval::sequence.
  [[nodiscard]] const std::vector<std::string>& contigs() const noexcept;
  [[nodiscard]] std::optional<std::uint32_t> find_contig(std::string_view name) const;
  [[nodiscard]] const std::vector<std::string>& zone_keys() const noexcept;

  [[nodiscard]] std::size_t samples() const noexcept;
  [[nodiscard]] std::size_t groups() const noexcept;
  [[nodiscard]] std::size_t group_samples() const noexcept;  ///< Of each group but the last.
  [[nodiscard]] SampleRange group(std::size_t number) const noexcept;
  /// The ordinal of a sample by its name; nullopt if there is none. Throws Error invalid_argument
  /// if several have the name. Requests: as header(), or one page of an index instead.
  [[nodiscard]] std::optional<std::size_t> find_sample(std::string_view name,
                                                       const Context& context) const;
  /// What is known of the samples. One request.
  [[nodiscard]] SampleTable read_samples(const Context& context) const;

  [[nodiscard]] std::uint64_t records() const noexcept;
  [[nodiscard]] std::uint64_t bins() const noexcept;
  [[nodiscard]] IdBits id_bits() const noexcept;  ///< Of the variant index.
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
  /// Every record with one of these IDs (a record with "rs1;rs2" has both): their bins, in the
  /// order of the input. Cost: a round trip per level of the variant index and of the position
  /// index, below their roots, and one for the core sections of the pages that they name.
  [[nodiscard]] std::vector<IdBin> find_ids(const std::vector<std::string>& ids,
                                            const Context& context) const;

 private:
  struct Impl;
  explicit Dataset(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

/// The JSON schema of the manifest's `custom`; open() holds manifests against it.
[[nodiscard]] const std::string& custom_schema();

}  // namespace cnf::vcfs3
