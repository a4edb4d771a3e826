// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// A container of Azure Blob Storage, or of one that speaks its REST API.
///
/// Reads are bounded ranges pinned to one ETag; writes are one Put Blob, or blocks that become an
/// object by Put Block List; conditions are If-None-Match and If-Match. Every answer is checked:
/// status, Content-Range, length. Transient failures are retried with full jitter and Retry-After,
/// within the context's deadline. read_tail() takes two requests, for Azure has no ranges that
/// count from the end.
/// \param container  "CONTAINER", or "CONTAINER@ACCOUNT.dfs.core.windows.net" as abfss has it; the
///                   host is asked by its name for blobs.
/// Account: `container`, options, AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_ACCOUNT. What
/// authorises: options (account_key, sas_token, token or client_secret, connection_string), then
/// AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN; the environment's
/// only if it is about no other account; then a client secret, a workload's or a machine's
/// identity. Endpoint: options, `container`, the connection string,
/// AZURE_STORAGE_SERVICE_ENDPOINT, then Azure's own; one by address, as emulators have it, has the
/// account in its path. Throws Error invalid_argument for what is no container, account, key, token
/// or endpoint; a request throws unauthenticated if nothing authorises it and options.anonymous is
/// not set.
[[nodiscard]] std::shared_ptr<Storage> open_azure(std::string_view container,
                                                  const Options& options = {});

}  // namespace cnf::storage
