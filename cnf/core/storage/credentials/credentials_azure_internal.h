// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/options.h"

namespace cnf::storage {

/// A bearer token for Azure's blobs, from the first place that is set up:
///
/// 1. options.token, which is not renewed;
/// 2. a client secret: options.tenant_id, client_id, client_secret, each else AZURE_TENANT_ID,
///    AZURE_CLIENT_ID, AZURE_CLIENT_SECRET;
/// 3. workload identity: AZURE_FEDERATED_TOKEN_FILE with tenant and client as above;
/// 4. the managed identity of App Service and its kin: IDENTITY_ENDPOINT, IDENTITY_HEADER;
/// 5. the managed identity of the machine, from its metadata service; client_id says which one.
///
/// nullptr with options.anonymous alone: whether there is a metadata service is only known once it
/// was asked, and nothing is asked before the first request. If there is none, that request fails
/// with unauthenticated within 2.5 s, and says where was looked. Account keys and SAS are not
/// looked for here. Throws Error invalid_argument for half of a setting, unsupported for identities
/// of Azure Arc and Service Fabric.
/// Order: DefaultAzureCredential's of Azure's SDKs, without its developers' tools.
[[nodiscard]] std::shared_ptr<Renewable<std::string>> find_azure_token(
    const Options& options, const Environment& environment);

}  // namespace cnf::storage
