// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::metadata {

/// A manifest and the ETag it was read with: what a later commit is conditional on.
struct Committed {
  Metadata metadata;
  std::string etag;
};

/// Reads and commits the manifest of the dataset that lies at a store's root.
/// Threads: as its storage.
class Manager {
 public:
  explicit Manager(std::shared_ptr<storage::Storage> storage) : storage_(std::move(storage)) {}

  /// One request. Throws not_found ("there is no dataset at …"), corrupt_data.
  [[nodiscard]] Committed load(const Context& context = {}) const;
  /// nullopt where there is no manifest.
  [[nodiscard]] std::optional<Committed> try_load(const Context& context = {}) const;

  /// Commits a new dataset; throws already_exists if there is one.
  void create(const Metadata& metadata, const Context& context = {});
  /// Replaces the dataset that was read with `etag`; throws precondition_failed if it changed
  /// since.
  ///
  /// Both throw invalid_argument for a manifest that load() would refuse. Both succeed if exactly
  /// this manifest is there already (one request more): when a store's answer was lost, the retry
  /// is refused by our own commit. The objects that the manifest names must be on the store before.
  void replace(const Metadata& metadata, const std::string& etag, const Context& context = {});

  /// The store that the chunks lie in: the sharded view if the manifest says so.
  [[nodiscard]] static std::shared_ptr<storage::Storage> chunk_storage(
      std::shared_ptr<storage::Storage> root, const Metadata& metadata);

  /// Objects that no manifest names: what dead or replaced writers left, also under another
  /// sharding. Of what lies below the root only data/, _index/, _header*, _samples-* and data/ of
  /// every shard is ours; other files are left alone. Paths as they lie on the root store, in its
  /// order. Cost: one listing of the whole dataset.
  ///
  /// A writer that is still at work has no manifest yet: its objects look like orphans. See
  /// storage::FileInfo::modified before you delete.
  [[nodiscard]] std::vector<storage::FileInfo> orphans(const Metadata& metadata,
                                                       const Context& context = {}) const;

 private:
  void commit(const Metadata& metadata, storage::Condition condition, const Context& context);
  [[nodiscard]] bool holds(std::string_view text, const Context& context) const;

  std::shared_ptr<storage::Storage> storage_;
};

}  // namespace cnf::metadata
