// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// A folder as a store. A commit is write, fsync, link or rename, fsync of the folder: after it
/// returned, the object survives a power cut. Conditions hold between processes of one machine.
/// The folder is made by the first write. ETags are made of inode, size and modification time.
[[nodiscard]] std::shared_ptr<Storage> open_local(const std::filesystem::path& root,
                                                  const Options& options = {});

}  // namespace cnf::storage
