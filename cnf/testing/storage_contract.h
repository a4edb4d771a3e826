// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "cnf/core/storage/storage.h"

namespace cnf::testing {

/// Gives a store without objects, a fresh one at each call.
using StorageFactory = std::function<std::shared_ptr<storage::Storage>()>;

/// Checks all that storage::Storage promises, from any gtest test:
///
///     TEST(MyStore, KeepsTheContract) { check_storage("MyStore", [] { return make_my_store(); });
///     }
///
/// Failures carry `name` and what was being checked. It writes some 20 MiB and 1,100 objects, at
/// most 60 MiB at a time. What stores may do differently (see cnf/core/storage/README.md) it leaves
/// out: a key that is the folder of another, and what a copy costs.
/// \param without  checks that are known to fail, by their names in the failures: of a server that
///                 does not do what its protocol says. A name that no check has is a failure.
void check_storage(std::string_view name, const StorageFactory& make,
                   const std::set<std::string, std::less<>>& without = {});

}  // namespace cnf::testing
