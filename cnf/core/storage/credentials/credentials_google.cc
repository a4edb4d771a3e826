// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cnf/core/storage/credentials/credentials_google_file_internal.h"
#include "cnf/core/storage/credentials/credentials_google_internal.h"
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

constexpr const char* kStore = "Google Cloud Storage";
constexpr const char* kLooked =
    "in the options, GOOGLE_APPLICATION_CREDENTIALS or gcloud's application default credentials";

struct File {
  std::string path;
  std::string text;
};

// A file that somebody named must be there; gcloud's own may be.
std::optional<File> find_file(const Options& options, const Environment& environment) {
  auto path = options.service_account;
  if (path.empty()) path = environment.variable("GOOGLE_APPLICATION_CREDENTIALS").value_or("");
  if (!path.empty()) {
    auto text = environment.file(path);
    if (text) return File{path, *std::move(text)};
    throw Error(Errc::invalid_argument, "read", path,
                "there is no such file, or it is not readable",
                "service_account or GOOGLE_APPLICATION_CREDENTIALS names it");
  }
  auto folder = environment.variable("CLOUDSDK_CONFIG");
  if (!folder) {
    const auto home = environment.variable("HOME");
    if (!home) return std::nullopt;
    folder = *home + "/.config/gcloud";
  }
  path = *folder + "/application_default_credentials.json";
  auto text = environment.file(path);
  if (!text) return std::nullopt;
  return File{path, *std::move(text)};
}

// "About VM metadata", cloud.google.com/compute/docs/metadata. By its address: on machines without
// one the name would be looked up in vain, which can take long.
std::shared_ptr<Token> by_machine(const Environment& environment) {
  auto request = metadata_request("the machine's metadata service");
  set_url(request,
          "http://" + environment.variable("GCE_METADATA_HOST").value_or("169.254.169.254"),
          "GCE_METADATA_HOST");
  request.path = "/computeMetadata/v1/instance/service-accounts/default/token";
  request.headers = {{"Metadata-Flavor", "Google"}};
  return std::make_shared<Token>([request = std::move(request)](const Context& context) {
    auto response = ask_metadata(request, context, kStore, kLooked);
    if (response.header("metadata-flavor") != "Google") {
      throw no_credentials(kStore, kLooked, "; and this machine is not one of Google's");
    }
    return access_token_of(
        take_body(request, std::move(response), {}, "does the machine have a service account?"),
        request.name);
  });
}

}  // namespace

std::shared_ptr<Token> find_google_credentials(const Options& options,
                                               const Environment& environment) {
  if (options.anonymous) return nullptr;
  if (!options.token.empty()) return std::make_shared<Token>(options.token);
  if (const auto file = find_file(options, environment)) {
    return std::make_shared<Token>(google_token_source(
        file->text, file->path, environment.variable("CURL_CA_BUNDLE").value_or("")));
  }
  if (environment.variable("NO_GCE_CHECK") == "true") {
    throw no_credentials(kStore, kLooked);
  }
  return by_machine(environment);
}

}  // namespace cnf::storage
