// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "cnf/core/metadata/metadata.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/context.h"

namespace cnf::metadata {

/// Where a dataset's manifest lies. A dataset that is a Zarr group of version 3 has it in the
/// group's own zarr.json, as the attribute `cnf`, so that one write commits the group and the
/// dataset.
enum class Place : std::uint8_t {
  either,  ///< To look for: `_metadata.json`, and where there is none, zarr.json.
  object,  ///< `_metadata.json`
  group,   ///< zarr.json
};

/// A manifest and the ETag it was read with: what a later commit is conditional on.
struct Committed {
  Metadata metadata;
  std::string etag;
  /// The zarr.json that carried the manifest, without it; null for `_metadata.json`.
  nlohmann::json group = {};

  [[nodiscard]] Place place() const noexcept {
    return group.is_null() ? Place::object : Place::group;
  }
  /// The key of the object that holds the manifest.
  [[nodiscard]] std::string_view key() const noexcept {
    return group.is_null() ? kManifestKey : kGroupKey;
  }
};

/// The manifest in a group's zarr.json; nullopt if it carries none: others wrote it. Throws Error
/// corrupt_data. Pure.
[[nodiscard]] std::optional<Committed> committed_in(nlohmann::json group, std::string etag,
                                                    std::string_view subject);

/// Reads and commits the manifest of the dataset that lies at a store's root.
/// Threads: as its storage.
class Manager {
 public:
  explicit Manager(std::shared_ptr<storage::Storage> storage) : storage_(std::move(storage)) {}

  /// One request for `_metadata.json`; where it is absent and `place` is either, one more. Throws
  /// not_found ("there is no dataset at …"), corrupt_data.
  [[nodiscard]] Committed load(const Context& context = {}, Place place = Place::either) const;
  /// nullopt where there is no manifest.
  [[nodiscard]] std::optional<Committed> try_load(const Context& context = {},
                                                  Place place = Place::either) const;

  /// Commits a new dataset; throws already_exists if there is one.
  ///
  /// \param group  null: the manifest becomes `_metadata.json`. Else the zarr.json of a group,
  /// which is written whole with the manifest as its attribute `cnf`; that of a group which others
  /// wrote is not replaced.
  void create(const Metadata& metadata, const Context& context = {},
              const nlohmann::json& group = nullptr);
  /// Replaces the dataset that was read with `etag`; throws precondition_failed if it changed
  /// since.
  ///
  /// Both throw invalid_argument for a manifest that load() would refuse. Both succeed if exactly
  /// this manifest is there already (one request more): when a store's answer was lost, the retry
  /// is refused by our own commit. The objects that the manifest names must be on the store before.
  void replace(const Metadata& metadata, const std::string& etag, const Context& context = {},
               const nlohmann::json& group = nullptr);

  /// The store that the chunks lie in: the sharded view if the manifest says so.
  [[nodiscard]] static std::shared_ptr<storage::Storage> chunk_storage(
      std::shared_ptr<storage::Storage> root, const Metadata& metadata);

  /// Objects that no manifest names: what dead or replaced writers left, also under another
  /// sharding. Of what lies below the root only data/, _index/, _header*, _samples-* and data/ of
  /// every shard is ours; other files are left alone. For a dataset that is no Zarr group. Paths as
  /// they lie on the root store, in its order. Cost: one listing of the whole dataset.
  ///
  /// A writer that is still at work has no manifest yet: its objects look like orphans. See
  /// storage::FileInfo::modified before you delete.
  [[nodiscard]] std::vector<storage::FileInfo> orphans(const Metadata& metadata,
                                                       const Context& context = {}) const;

 private:
  [[nodiscard]] std::optional<storage::Object> try_read(std::string_view key,
                                                        const Context& context) const;
  [[nodiscard]] std::optional<Committed> load_object(const Context& context) const;
  [[nodiscard]] std::optional<Committed> load_group(const Context& context) const;
  void commit(const Metadata& metadata, const nlohmann::json& group, storage::Condition condition,
              const Context& context);
  [[nodiscard]] bool holds(std::string_view key, std::string_view text,
                           const Context& context) const;

  std::shared_ptr<storage::Storage> storage_;
};

}  // namespace cnf::metadata
