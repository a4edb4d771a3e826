// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "cnf/core/storage/options.h"
#include "cnf/core/storage/storage.h"

namespace cnf::storage {

/// A bucket of Google Cloud Storage, by its JSON API.
///
/// An ETag is here the object's generation: a number that changes whenever the bytes do, and with
/// nothing else. Reads are bounded ranges pinned to one generation; writes are one request, or a
/// resumable upload that is cancelled unless committed; conditions are ifGenerationMatch. What was
/// stored with Content-Encoding: gzip is read as it was stored.
/// Credentials: options (token, service_account), GOOGLE_APPLICATION_CREDENTIALS, gcloud's, the
/// metadata service. Endpoint: options, STORAGE_EMULATOR_HOST (then without credentials, unless the
/// options have some), Google's own. Certificates: CURL_CA_BUNDLE, then the system's. Proxies:
/// http_proxy and its kin. A bucket whose requester pays takes options.user_project.
/// Throws Error unauthenticated if there are no credentials and options.anonymous is not set;
/// invalid_argument for what is no bucket or endpoint.
[[nodiscard]] std::shared_ptr<Storage> open_gcs(std::string bucket, const Options& options = {});

}  // namespace cnf::storage
