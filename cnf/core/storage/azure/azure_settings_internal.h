// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/storage/azure/azure_sign_internal.h"
#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/options.h"

namespace cnf::storage {

/// What authorises requests: at most one of the three. Never put into an error, a log or a URI.
struct AzureSecrets {
  std::string account_key;  ///< Its bytes, not base64.
  QueryParameters sas;      ///< A SAS token's parameters, not percent-encoded.
  std::shared_ptr<Renewable<std::string>> token;
};

/// What a store is opened with, once every source has been asked.
struct AzureSettings {
  std::string container;
  std::string root;  ///< "az://CONTAINER" or "abfss://CONTAINER@HOST": what keys are put behind.
  std::string account;
  Endpoint endpoint;  ///< Of the account's blobs; by address, the account is in its path.
  AzureSecrets secrets;
};

/// What a connection string says; of two keys and endpoints those for blobs. Base64 and
/// percent-encoding are not undone.
struct AzureConnection {
  std::string account;
  std::string account_key;
  std::string sas_token;
  std::string endpoint;  ///< Empty if it does not name an account either.
};
/// Reads "AccountName=…;AccountKey=…" and its kin. Throws Error invalid_argument, showing nothing
/// of the text, if it is none.
[[nodiscard]] AzureConnection parse_connection_string(std::string_view text);

/// Reads "sv=…&sig=…", with or without a '?' before it. Throws Error invalid_argument, showing
/// nothing of the text, if it is no SAS token.
[[nodiscard]] QueryParameters parse_sas_token(std::string_view text);

/// \param container  "CONTAINER" or "CONTAINER@ACCOUNT.dfs.core.windows.net".
/// azure.h says where is looked. Throws Error invalid_argument for what is no container, account,
/// key, token or endpoint.
[[nodiscard]] AzureSettings resolve_azure_settings(std::string_view container,
                                                   const Options& options,
                                                   const Environment& environment);

}  // namespace cnf::storage
