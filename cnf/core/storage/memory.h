// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// A store in this process's memory, empty at first; gone with its last owner. For tests and small
/// intermediate data. It counts requests and bytes as a remote store would.
[[nodiscard]] std::shared_ptr<Storage> make_memory(std::string name = "memory");

}  // namespace cnf::storage
