// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cnf/cli/session.h"
#include "cnf/core/storage/storage.h"

namespace cnf::cli {

/// True for the key of a dataset's manifest, or of a Zarr group that may carry one.
[[nodiscard]] bool is_manifest(std::string_view key);

/// Where a URI that somebody typed points: to an object, to a folder of objects, or to nothing yet.
///
/// A folder is whatever has objects below it, and an existing folder of the local disk. Whether
/// there is anything is asked only when a member that says so is called. Threads: one at a time.
class Place {
 public:
  /// Throws as storage::locate.
  Place(Session& session, std::string uri);

  /// As it was typed, for messages.
  [[nodiscard]] const std::string& uri() const noexcept { return uri_; }
  /// The bucket or the folder it lies in, and its key there; the key is empty for a root.
  [[nodiscard]] const storage::Location& location() const noexcept { return location_; }
  /// Its last segment; empty for a root.
  [[nodiscard]] std::string name() const;
  /// A whole bucket, or the local disk's "/".
  [[nodiscard]] bool is_root() const noexcept { return location_.key.empty(); }
  /// Typed with a '/' at the end: then it can only be a folder.
  [[nodiscard]] bool typed_as_folder() const noexcept { return typed_as_folder_; }

  /// False for a local path that is no folder: then nothing lies below it.
  [[nodiscard]] bool may_be_folder() const noexcept { return local_folder_.value_or(true); }
  /// True for a folder of the local disk, which exists even without objects in it.
  [[nodiscard]] bool is_local_folder() const noexcept { return local_folder_.value_or(false); }

  /// The object of this name; one request, none if it can only be a folder.
  [[nodiscard]] std::optional<storage::FileInfo> object() const;
  /// As object(), but throws Error not_found; invalid_argument if it is a folder.
  [[nodiscard]] storage::FileInfo require_object(std::string_view doing) const;

  /// The store of what lies below.
  [[nodiscard]] const std::shared_ptr<storage::Storage>& folder() const;
  /// True if anything lies below, or it is a folder of the local disk; one request.
  [[nodiscard]] bool is_folder() const;
  /// Throws Error not_found saying that nothing is there.
  [[noreturn]] void nothing_here(std::string_view doing) const;

 private:
  Session* session_;
  std::string uri_;
  std::string normal_;  // without '/' at the end; a local path is absolute
  bool typed_as_folder_ = false;
  std::optional<bool> local_folder_;  // nullopt: not on the local disk
  storage::Location location_;
  mutable std::shared_ptr<storage::Storage> folder_;
};

}  // namespace cnf::cli
