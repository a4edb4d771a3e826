// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "cnf/core/storage/credentials/renewable_internal.h"

namespace cnf::storage {

/// How the credentials in a JSON file of Google's become tokens: service_account (a signed JWT),
/// authorized_user (a refresh token), external_account (workload identity federation by a file or a
/// URL) and impersonated_service_account over any of them.
///
/// \param text  the file; \param path  its name, for errors.
/// \param ca_bundle  a file of certificates; empty: the system's.
/// Throws Error invalid_argument if something in it is missing or is no https URL, unsupported for
/// any other kind. Nothing is sent before the source is called.
/// Sources: "OAuth 2.0 for server to server applications"; AIP-4112 (service account), AIP-4113
/// (authorized user), AIP-4117 (external account), google.aip.dev.
[[nodiscard]] Renewable<std::string>::Source google_token_source(std::string_view text,
                                                                 const std::string& path,
                                                                 const std::string& ca_bundle);

/// {"access_token": …, "expires_in": …}, as Google's token endpoints answer. Throws corrupt_data.
[[nodiscard]] Expiring<std::string> access_token_of(std::string_view body, const std::string& name);

}  // namespace cnf::storage
