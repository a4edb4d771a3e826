// SPDX-License-Identifier: Apache-2.0
#include "cnf/core/storage/gcs.h"

#include <memory>
#include <string>
#include <utility>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/gcs/gcs_client_internal.h"
#include "cnf/core/storage/gcs/gcs_storage_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"
#include "cnf/core/util/retry.h"

namespace cnf::storage {

std::shared_ptr<Storage> open_gcs(std::string bucket, const Options& options) {
  return std::make_shared<GcsStorage>(std::make_shared<GcsClient>(
      std::move(bucket), options, resolve_gcs_settings(options, Environment::system()),
      RetryPolicy{}));
}

}  // namespace cnf::storage
