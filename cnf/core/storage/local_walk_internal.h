// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

#include "cnf/core/storage/storage.h"

namespace cnf::storage::local {

/// Walks the files below a folder in the byte order of their keys.
///
/// Folders are read when the walk comes to them and left behind it, so memory is in proportion to
/// the longest chain of folders, not to the tree. Symbolic links are followed, but not round in
/// circles. Reserved names and what is neither file nor folder are passed over.
class Walk {
 public:
  /// \param root    absolute path without a '/' at its end; a folder that is absent is empty.
  /// \param prefix  only keys that begin with it.
  /// \param after   nothing below it need be met: folders that lie wholly before it are not read.
  Walk(std::string root, std::string_view prefix, std::string after);

  /// The next object, nullopt at the end.
  [[nodiscard]] std::optional<FileInfo> next();
  /// Passes over all that is left of the keys that begin with `prefix`, without reading it.
  void skip(std::string_view prefix);

 private:
  struct Level {
    std::string folder;              // its key with '/' at the end; empty for the root
    std::vector<std::string> names;  // descending, so that the next one is last; folders with '/'
    ::dev_t device = 0;
    ::ino_t inode = 0;
  };

  // Reads the folder whose key is `folder`; only names that begin with `name_prefix`.
  void enter(const std::string& folder, std::string_view name_prefix);
  [[nodiscard]] bool is_before(std::string_view entry) const;

  std::string root_;
  std::string after_;
  std::vector<Level> levels_;
};

}  // namespace cnf::storage::local
