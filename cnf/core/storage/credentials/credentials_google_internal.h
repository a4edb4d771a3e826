// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/options.h"

namespace cnf::storage {

/// A bearer token for Google Cloud Storage, from the first place that is set up:
///
/// 1. options.token, which is not renewed;
/// 2. the JSON that options.service_account names, else GOOGLE_APPLICATION_CREDENTIALS;
/// 3. gcloud's application default credentials: application_default_credentials.json in
///    CLOUDSDK_CONFIG, else in ~/.config/gcloud;
/// 4. the metadata service of the machine (GCE_METADATA_HOST), unless NO_GCE_CHECK is "true".
///
/// nullptr with options.anonymous alone: whether there is a metadata service is only known once it
/// was asked, and nothing is asked before the first request. If there is none, that request fails
/// with unauthenticated within 2.5 s, and says where was looked. Throws Error invalid_argument for
/// a file that is named and cannot be used, unsupported for kinds of credentials not spoken,
/// unauthenticated if there is nowhere left to look.
/// Order: "How Application Default Credentials works", cloud.google.com/docs/authentication.
[[nodiscard]] std::shared_ptr<Renewable<std::string>> find_google_credentials(
    const Options& options, const Environment& environment);

}  // namespace cnf::storage
