// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "cnf/core/storage/credentials/credentials_google_internal.h"
#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/gcs/gcs_client_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/storage/prices_internal.h"

namespace cnf::storage {
namespace {

constexpr const char* kGoogle = "https://storage.googleapis.com";

// Google's own libraries take "host:port" as well as a URL, whose slashes at the end mean nothing.
std::string emulator_url(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text.find("://") == std::string::npos ? "http://" + text : text;
}

}  // namespace

GcsSettings resolve_gcs_settings(const Options& options, const Environment& environment) {
  GcsSettings out;
  out.ca_bundle = environment.variable("CURL_CA_BUNDLE").value_or("");
  const auto emulator = environment.variable("STORAGE_EMULATOR_HOST");
  const bool emulated = options.endpoint.empty() && emulator;
  out.endpoint = parse_endpoint(emulated                   ? emulator_url(*emulator)
                                : options.endpoint.empty() ? std::string(kGoogle)
                                                           : options.endpoint);
  out.prices = &find_prices(Provider::gcs, options.network, out.endpoint.authority, environment);
  const bool given = !options.token.empty() || !options.service_account.empty();
  if (!emulated || given) out.token = find_google_credentials(options, environment);
  return out;
}

}  // namespace cnf::storage
