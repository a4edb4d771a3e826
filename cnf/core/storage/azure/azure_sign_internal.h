// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"

/// How requests to Azure Blob Storage are authorised with an account's key, as pure functions.
/// Source: "Authorize with Shared Key" and "Create a service SAS", Azure Storage services REST API
/// reference.
namespace cnf::storage {

/// The x-ms-version of every request; its rules for strings to sign hold from 2020-12-06 on.
inline constexpr std::string_view kAzureVersion = "2023-11-03";

/// An account of Azure Storage and its key.
struct AzureAccount {
  std::string name;
  std::string key;  ///< Its bytes, not base64.
};

/// "Fri, 26 Jun 2015 23:39:12 GMT".
[[nodiscard]] std::string azure_date(std::chrono::sys_seconds time);

/// What Shared Key signs, of a request whose headers are complete but for Authorization. Its
/// Content-Length is its body's.
[[nodiscard]] std::string azure_string_to_sign(std::string_view account,
                                               const HttpRequest& request);

/// HMAC-SHA-256 by the account's key, as base64.
[[nodiscard]] std::string azure_signature(const AzureAccount& account, std::string_view text);

/// What to read of the account, and until when.
struct AzureReadGrant {
  std::string container;
  std::string blob;
  std::chrono::sys_seconds expires{};
};

/// What a service SAS for the reading of one blob signs.
[[nodiscard]] std::string azure_sas_string_to_sign(std::string_view account,
                                                   const AzureReadGrant& grant);
/// The SAS token itself: whoever has it may read the blob until it expires.
[[nodiscard]] QueryParameters azure_read_sas(const AzureAccount& account,
                                             const AzureReadGrant& grant);

}  // namespace cnf::storage
