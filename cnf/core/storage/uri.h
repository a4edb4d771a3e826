// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// The store whose keys lie below `uri`: a plain path, `file:`, `memory:NAME`,
/// `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`, `az://CONTAINER/PREFIX`,
/// `abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PREFIX` (also abfs; both by https),
/// `https://HOST/PATH` (to be read; its query is sent along, not read as options).
///
/// Options come from the URI's query ("s3://b/p?region=eu-west-1"), then from `options`, then from
/// the environment and the files that the vendor's own tools use. Nothing is sent to the store yet.
/// Throws Error invalid_argument (not a URI, unknown option), unsupported (scheme).
[[nodiscard]] std::shared_ptr<Storage> from_uri(std::string_view uri, const Options& options = {});

/// An object and the store it lies in: the bucket, or the folder of a local path.
struct Location {
  std::shared_ptr<Storage> storage;
  std::string key;  ///< Empty if the URI names the store's root.
};
[[nodiscard]] Location locate(std::string_view uri, const Options& options = {});

/// The path of what lies on a disk of this machine: a plain path itself, that of `file:`; nullopt
/// for every other URI. Throws Error invalid_argument (not a URI).
[[nodiscard]] std::optional<std::string> local_path(std::string_view uri);

}  // namespace cnf::storage
