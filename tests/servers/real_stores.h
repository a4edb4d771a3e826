// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/retry.h"
#include "cnf/testing/server.h"

/// Our stores on real servers: each server starts once a program, when it is first asked for.
namespace cnf::storage::real {

/// How a test reaches a store, where it is not as everybody does.
struct Route {
  std::string endpoint = {};  ///< Something before the server; empty: the server's own.
  Options options = {};       ///< Credentials and endpoint are filled in.
  RetryPolicy retry = {};     ///< Its number of attempts comes from the options.
};

/// One kind of store. Threads: one at a time.
struct Kind {
  std::string_view name;
  std::string (*endpoint)();
  /// Makes an empty bucket and gives its name.
  std::string (*new_bucket)();
  std::shared_ptr<Storage> (*open)(const std::string& bucket, const Route& route);

  [[nodiscard]] std::shared_ptr<Storage> fresh() const { return open(new_bucket(), {}); }
};

[[nodiscard]] std::span<const Kind> kinds();
/// Throws std::invalid_argument if there is no such kind.
[[nodiscard]] const Kind& kind(std::string_view name);

}  // namespace cnf::storage::real
