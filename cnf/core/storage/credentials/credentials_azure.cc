// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/credentials/credentials_azure_internal.h"
#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/credentials/issuer_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using Token = Renewable<std::string>;

constexpr std::string_view kScope = "https://storage.azure.com/.default";
constexpr std::string_view kResource = "https://storage.azure.com/";
constexpr const char* kPublicCloud = "https://login.microsoftonline.com/";

// An answer with access_token and either expires_in or, from App Service, expires_on alone.
Expiring<std::string> token_of(std::string_view body, const std::string& name) {
  const auto json = SecretJson::parse(body, name);
  Expiring<std::string> out{json.text("access_token")};
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (const auto on = json.seconds("expires_on")) {
    out.expires = std::chrono::sys_seconds(*on);
  } else if (const auto in = json.seconds("expires_in")) {
    out.expires = now + *in;
  } else {
    throw Error(Errc::corrupt_data, "read", name, "its answer does not say when the token expires");
  }
  return out;
}

Expiring<std::string> taken(const IssuerRequest& request, HttpResponse response,
                            std::string_view remedy) {
  const auto code = error_code_of(response.body);
  return token_of(take_body(request, std::move(response), code, remedy), request.name);
}

Expiring<std::string> ask(const IssuerRequest& request, const Context& context,
                          std::string_view remedy) {
  return taken(request, ask_issuer(request, context), remedy);
}

struct Application {
  std::string tenant;
  std::string client;
};

// The token endpoint of the tenant, OAuth 2.0 for applications: "Microsoft identity platform and
// the OAuth 2.0 client credentials flow", learn.microsoft.com/entra.
IssuerRequest sign_in(const Environment& environment, const Application& application) {
  const bool is_tenant =
      std::all_of(application.tenant.begin(), application.tenant.end(), [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.';
      });
  if (!is_tenant) {
    throw Error(Errc::invalid_argument, "read", "the Azure tenant id",
                "it has a character that none has", "use the GUID or the domain of the tenant");
  }
  IssuerRequest out;
  out.method = "POST";
  set_safe_url(out, environment.variable("AZURE_AUTHORITY_HOST").value_or(kPublicCloud),
               "AZURE_AUTHORITY_HOST");
  out.path = "/" + application.tenant + "/oauth2/v2.0/token";
  out.name = out.endpoint.url() + out.path;
  out.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  out.ca_bundle = environment.variable("CURL_CA_BUNDLE").value_or("");
  return out;
}

std::shared_ptr<Token> by_client_secret(const Environment& environment,
                                        const Application& application, std::string secret) {
  auto request = sign_in(environment, application);
  request.body = form_of({{"client_id", application.client},
                          {"client_secret", std::move(secret)},
                          {"grant_type", "client_credentials"},
                          {"scope", std::string(kScope)}});
  return std::make_shared<Token>([request = std::move(request)](const Context& context) {
    return ask(request, context, "check the client secret and when it ends");
  });
}

std::shared_ptr<Token> by_workload(const Environment& environment, const Application& application,
                                   std::string path) {
  const auto request = sign_in(environment, application);
  const auto client = application.client;
  // The file is read each time: Kubernetes puts a new token into it before the old one ends.
  return std::make_shared<Token>([=](const Context& context) {
    const auto assertion = read_secret_file(path);
    if (!assertion || assertion->empty()) {
      throw Error(Errc::unauthenticated, "read", path, "there is no token in it",
                  "AZURE_FEDERATED_TOKEN_FILE names it");
    }
    auto full = request;
    full.body = form_of(
        {{"client_assertion", *assertion},
         {"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
         {"client_id", client},
         {"grant_type", "client_credentials"},
         {"scope", std::string(kScope)}});
    return ask(full, context, "check the federated credential of the application");
  });
}

// "How to use managed identities for App Service and Azure Functions", learn.microsoft.com/azure.
std::shared_ptr<Token> by_app_service(const std::string& url, const std::string& header,
                                      const std::string& client) {
  IssuerRequest request;
  request.name = "the App Service's identity endpoint";
  set_url(request, url, "IDENTITY_ENDPOINT");
  request.query = {{"api-version", "2019-08-01"}, {"resource", std::string(kResource)}};
  if (!client.empty()) request.query.emplace_back("client_id", client);
  request.headers = {{"X-IDENTITY-HEADER", header}};
  return std::make_shared<Token>([request = std::move(request)](const Context& context) {
    return ask(request, context, "does the app have a managed identity?");
  });
}

// "How to use managed identities for Azure resources on an Azure VM to acquire an access token".
std::shared_ptr<Token> by_machine(const Environment& environment, const std::string& client) {
  auto request = metadata_request("the machine's metadata service");
  set_url(
      request,
      environment.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST").value_or("http://169.254.169.254"),
      "AZURE_POD_IDENTITY_AUTHORITY_HOST");
  request.path = "/metadata/identity/oauth2/token";
  request.query = {{"api-version", "2018-02-01"}, {"resource", std::string(kResource)}};
  if (!client.empty()) request.query.emplace_back("client_id", client);
  request.headers = {{"Metadata", "true"}};
  return std::make_shared<Token>([request = std::move(request)](const Context& context) {
    auto response =
        ask_metadata(request, context, "Azure",
                     "in the options, AZURE_CLIENT_SECRET, AZURE_FEDERATED_TOKEN_FILE or "
                     "IDENTITY_ENDPOINT");
    return taken(request, std::move(response), "does the machine have a managed identity?");
  });
}

}  // namespace

std::shared_ptr<Token> find_azure_token(const Options& options, const Environment& environment) {
  if (options.anonymous) return nullptr;
  if (!options.token.empty()) return std::make_shared<Token>(options.token);
  const auto either = [&](const std::string& option, const std::string& name) {
    return option.empty() ? environment.variable(name).value_or("") : option;
  };
  const Application application{either(options.tenant_id, "AZURE_TENANT_ID"),
                                either(options.client_id, "AZURE_CLIENT_ID")};
  const bool is_named = !application.tenant.empty() && !application.client.empty();
  const auto secret = either(options.client_secret, "AZURE_CLIENT_SECRET");
  const auto file = environment.variable("AZURE_FEDERATED_TOKEN_FILE");
  if (!is_named && (!secret.empty() || file)) {
    throw Error(
        Errc::invalid_argument, "find", "credentials for Azure",
        application.tenant.empty() ? "the tenant id is missing" : "the client id is missing",
        "set AZURE_TENANT_ID and AZURE_CLIENT_ID");
  }
  if (!secret.empty()) return by_client_secret(environment, application, secret);
  if (file) return by_workload(environment, application, *file);
  if (const auto endpoint = environment.variable("IDENTITY_ENDPOINT")) {
    const auto header = environment.variable("IDENTITY_HEADER");
    if (!header || environment.variable("IDENTITY_SERVER_THUMBPRINT")) {
      throw Error(Errc::unsupported, "find", "credentials for Azure",
                  "identities of Azure Arc and of Service Fabric are not spoken",
                  "use a client secret or an account key");
    }
    return by_app_service(*endpoint, *header, application.client);
  }
  return by_machine(environment, application.client);
}

}  // namespace cnf::storage
