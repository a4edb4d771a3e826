// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
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
  /// Replaces the dataset that was read with `etag`; throws precondition_failed if it changed since.
  void replace(const Metadata& metadata, const std::string& etag, const Context& context = {});

  /// The store that the chunks lie in: the sharded view if the manifest says so.
  [[nodiscard]] static std::shared_ptr<storage::Storage> chunk_storage(
      std::shared_ptr<storage::Storage> root, const Metadata& metadata);

  /// Objects under the dataset's folders that no manifest names: what dead or replaced writers left.
  /// Paths as they lie on the store. `listed_chunks` are the chunk names the manifest implies.
  [[nodiscard]] std::vector<storage::FileInfo> orphans(const Metadata& metadata,
                                                       const Context& context = {}) const;

 private:
  std::shared_ptr<storage::Storage> storage_;
};

}  // namespace cnf::metadata
