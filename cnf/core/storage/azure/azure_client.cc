// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/azure/azure_client_internal.h"
#include "cnf/core/storage/azure/azure_dialect_internal.h"
#include "cnf/core/storage/azure/azure_settings_internal.h"
#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/prices.h"
#include "cnf/core/storage/prices_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"
#include "cnf/core/util/retry.h"

namespace cnf::storage {
namespace {

HttpEngineOptions engine_options(const Options& options, const PriceTable& prices,
                                 const RetryPolicy& retry) {
  auto out = storage::engine_options(options, retry);
  out.prices = &prices;
  return out;
}

}  // namespace

AzureClient::AzureClient(std::string_view container, const Options& options,
                         const Environment& environment, const RetryPolicy& retry)
    : AzureClient(resolve_azure_settings(container, options, environment), options, environment,
                  retry) {}

AzureClient::AzureClient(AzureSettings settings, const Options& options,
                         const Environment& environment, const RetryPolicy& retry)
    : container_(std::move(settings.container)),
      root_(std::move(settings.root)),
      endpoint_(std::move(settings.endpoint)),
      options_(options),
      prices_(find_prices(Provider::azure, options.network, endpoint_.authority, environment)),
      dialect_(std::make_shared<AzureDialect>(settings.account, std::move(settings.secrets))),
      engine_(dialect_, engine_options(options, prices_, retry)) {}

std::string AzureClient::uri(std::string_view key) const {
  std::string out = root_;
  if (!key.empty()) out.append("/").append(key);
  return out;
}

// The service takes a backslash for a slash ("Naming and referencing containers, blobs, and
// metadata"), so that two keys would be one blob.
HttpRequest AzureClient::request(std::string_view method, std::string_view key) const {
  if (key.find('\\') != std::string_view::npos) {
    throw Error(Errc::invalid_argument, "name", uri(key), "Azure takes a backslash for a slash",
                "choose a name without one");
  }
  HttpRequest out;
  out.method = method;
  out.endpoint = endpoint_;
  out.path = "/" + container_;
  if (!key.empty()) out.path.append("/").append(key);
  return out;
}

HttpCall AzureClient::call(RequestKind kind, std::string_view doing, std::string_view method,
                           std::string_view key, const Context& context) const {
  HttpCall out;
  out.kind = kind;
  out.doing = doing;
  out.subject = uri(key);
  out.request = request(method, key);
  out.context = context;
  return out;
}

void AzureClient::set_body(HttpCall& call, ByteSpan body) const {
  call.request.body = body;
  if (endpoint_.scheme != "https") {
    call.request.headers.emplace_back("Content-MD5", to_base64(md5(body)));
  }
}

std::string AzureClient::copy_source(std::string_view key) const {
  return endpoint_.url() + percent_encode("/" + container_ + "/" + std::string(key), Slash::keep);
}

HttpRequest AzureClient::removal(std::string_view key) const {
  HttpRequest out = request("DELETE", key);
  dialect_->authorize(out);
  return out;
}

}  // namespace cnf::storage
