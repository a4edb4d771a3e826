// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "cnf/core/chunk/chunk.h"
#include "cnf/core/chunk/coordinator.h"
#include "cnf/core/index/interval.h"
#include "cnf/core/metadata/manager.h"
#include "cnf/core/metadata/metadata.h"
#include "cnf/core/query/new_dataset.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"
#include "cnf/formats/bams3/group.h"
#include "cnf/formats/bams3/group_row.h"
#include "cnf/formats/bams3/header.h"

namespace cnf::bams3 {

/// Lays encoded groups into chunks and, at the end, writes the indices and the header.
///
/// A chunk is: magic, the B parts as they come, the A parts together, a footer, a trailer
/// (SPEC.md). Nothing is a dataset before the caller has committed the manifest; a writer that is
/// destroyed before finish() leaves chunks that nobody names. Threads: one at a time.
class DatasetWriter {
 public:
  struct Options {
    std::shared_ptr<const chunk::Strategy> strategy;
    bool in_order = true;  ///< Groups come in coordinate order.
  };

  /// \param root    where indices and header go; \param chunks where chunks go (sharded or not).
  DatasetWriter(std::shared_ptr<storage::Storage> root, std::shared_ptr<storage::Storage> chunks,
                Options options, const Context& context);

  void write(const EncodedGroup& group);
  /// Writes what is left. The manifest's parts that this knows: objects, chunks, total size.
  [[nodiscard]] metadata::Metadata finish(const Header& header);

  /// As query::NewDataset has them.
  void discard() noexcept { dataset_.discard(); }
  void commit(const metadata::Metadata& manifest,
              const std::optional<metadata::Committed>& existing) {
    dataset_.commit(manifest, existing);
  }

  [[nodiscard]] std::uint64_t groups() const noexcept { return groups_; }

 private:
  struct PendingGroup {
    Buffer core;
    std::vector<GroupRow> rows;
  };

  void open_chunk(const chunk::Key& first);
  void close_chunk();

  Options options_;
  query::NewDataset dataset_;
  chunk::Coordinator& coordinator_;  // of dataset_
  Buffer index_bytes_;
  std::unique_ptr<index::IntervalTreeBuilder> index_;
  std::vector<PendingGroup> pending_;  // of the open chunk: A parts wait for its end
  std::uint64_t pending_bytes_ = 0;
  chunk::Fill fill_;
  std::uint64_t groups_ = 0;
};

}  // namespace cnf::bams3
