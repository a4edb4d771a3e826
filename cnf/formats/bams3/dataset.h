// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cnf/core/index/interval.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/bams3/flagstat.h"
#include "cnf/formats/bams3/group_row.h"
#include "cnf/formats/bams3/header.h"

namespace cnf::bams3 {

/// A BAMS3 dataset, opened for queries. Immutable. Threads: concurrent use is fine.
class Dataset {
 public:
  /// One request for the manifest; one more if the header is too large to be carried in it.
  /// Throws Error not_found, corrupt_data, unsupported (another format, a newer major version).
  [[nodiscard]] static Dataset open(const std::shared_ptr<storage::Storage>& root,
                                    const Context& context);

  [[nodiscard]] const metadata::Metadata& metadata() const noexcept { return committed_.metadata; }
  [[nodiscard]] const Header& header() const noexcept { return header_; }
  [[nodiscard]] const hts::SequenceNames& reference_names() const noexcept { return names_; }
  [[nodiscard]] const std::shared_ptr<storage::Storage>& root() const noexcept { return root_; }
  /// Where the chunks lie: sharded or not.
  [[nodiscard]] const std::shared_ptr<storage::Storage>& chunk_storage() const noexcept {
    return chunks_;
  }
  /// The key of a chunk in chunk_storage(). Throws Error corrupt_data for one the manifest lacks.
  [[nodiscard]] std::string chunk_key(std::uint64_t number) const {
    return metadata().chunks.path(number);
  }

  /// True if the records are in coordinate order, so that regions can be looked up.
  [[nodiscard]] bool in_order() const noexcept { return in_order_; }
  [[nodiscard]] std::uint64_t records() const noexcept;
  /// No request: the index carries the totals.
  [[nodiscard]] Flagstat flagstat() const;

  /// The rows of the groups that meet any of `intervals`, by group, each group once.
  [[nodiscard]] std::vector<GroupRow> find_groups(const std::vector<index::Interval>& intervals,
                                                  const Context& context) const;
  /// One row of every group, in order.
  [[nodiscard]] std::vector<GroupRow> all_groups(const Context& context) const;
  /// Every row of the index, in order; see GroupRow.
  void for_each_row(const std::function<void(const GroupRow&)>& visit,
                    const Context& context) const;

 private:
  Dataset(std::shared_ptr<storage::Storage> root, metadata::Committed committed, Header header,
          index::IntervalTree groups);

  std::shared_ptr<storage::Storage> root_;
  metadata::Committed committed_;
  Header header_;
  hts::SequenceNames names_;
  std::shared_ptr<storage::Storage> chunks_;
  index::IntervalTree groups_;
  bool in_order_;
};

/// The JSON schema of the manifest's `custom`; open() holds manifests against it.
[[nodiscard]] const std::string& custom_schema();

}  // namespace cnf::bams3
