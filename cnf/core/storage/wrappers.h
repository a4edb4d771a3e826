// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// Sees `inner` below `prefix`, which is put before every key with a '/'.
[[nodiscard]] std::shared_ptr<Storage> prefixed(std::shared_ptr<Storage> inner, std::string prefix);

}  // namespace cnf::storage
