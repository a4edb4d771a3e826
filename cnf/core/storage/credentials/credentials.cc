// SPDX-License-Identifier: Apache-2.0
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/credentials/credentials_aws_internal.h"
#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/credentials/issuer_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/credentials/sts_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

std::string first_set(std::initializer_list<std::string> values) {
  for (const auto& value : values) {
    if (!value.empty()) return value;
  }
  return {};
}

// What is read of the environment and the files, once.
class Finder {
 public:
  Finder(const Options& options, const Environment& environment)
      : options_(options),
        environment_(environment),
        files_(environment),
        name_(first_set({options.profile, variable("AWS_PROFILE"), "default"})),
        profile_(files_.find(name_).value_or(Profile{})) {}

  [[nodiscard]] std::string region() const {
    return first_set({options_.region, variable("AWS_REGION"), variable("AWS_DEFAULT_REGION"),
                      value_of(profile_, "region"), "us-east-1"});
  }
  [[nodiscard]] std::string ca_bundle() const {
    return first_set({variable("AWS_CA_BUNDLE"), value_of(profile_, "ca_bundle")});
  }
  // \param service  "s3", "sts". "Service-specific endpoints", AWS SDKs and Tools Reference Guide.
  [[nodiscard]] std::string endpoint(const std::string& service, const char* own_variable) const {
    const auto services = value_of(profile_, "services");
    const auto key = service + ".endpoint_url";
    return first_set({variable(own_variable), variable("AWS_ENDPOINT_URL"),
                      services.empty() ? "" : value_of(files_.services(services), key),
                      value_of(profile_, key), value_of(profile_, "endpoint_url")});
  }
  [[nodiscard]] Sts sts() const {
    const auto at = region();
    return {
        first_set({endpoint("sts", "AWS_ENDPOINT_URL_STS"), "https://sts." + at + aws_domain(at)}),
        at, ca_bundle()};
  }
  [[nodiscard]] AwsKeys keys() const;

 private:
  [[nodiscard]] std::string variable(const char* key) const {
    return environment_.variable(key).value_or("");
  }
  [[nodiscard]] AwsKeys of_web_identity() const;
  [[nodiscard]] AwsKeys of_profile() const;
  [[nodiscard]] AwsKeys found() const;
  [[nodiscard]] std::string looked() const;

  const Options& options_;
  const Environment& environment_;
  ProfileFiles files_;
  std::string name_;
  Profile profile_;
};

AwsKeys Finder::of_web_identity() const {
  const auto file = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
  if (file.empty()) return nullptr;
  const AwsRole role{.arn = variable("AWS_ROLE_ARN"),
                     .session_name = variable("AWS_ROLE_SESSION_NAME")};
  if (role.arn.empty()) {
    throw Error(Errc::invalid_argument, "find", "credentials for S3",
                "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not", "set both");
  }
  return std::make_shared<Renewable<Credentials>>(assume_role_by_token(sts(), role, file));
}

// One that is named must be there.
AwsKeys Finder::of_profile() const {
  const bool is_named = !options_.profile.empty() || !variable("AWS_PROFILE").empty();
  if (!is_named && !files_.find(name_)) return nullptr;
  return find_profile_keys(files_, name_, sts(), environment_);
}

std::string Finder::looked() const {
  return "in the options, AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE, profile '" + name_ +
         "' or AWS_CONTAINER_CREDENTIALS_FULL_URI";
}

AwsKeys Finder::found() const {
  if (auto keys =
          checked_pair({options_.access_key_id, options_.secret_access_key, options_.session_token},
                       "the options")) {
    return keys;
  }
  if (!options_.profile.empty()) {
    if (auto keys = of_profile()) return keys;
  }
  if (auto keys = find_environment_keys(environment_)) return keys;
  if (auto keys = of_web_identity()) return keys;
  if (options_.profile.empty()) {
    if (auto keys = of_profile()) return keys;
  }
  if (auto keys = find_container_keys(environment_)) return keys;
  if (auto keys = find_machine_keys(environment_, looked())) return keys;
  throw no_credentials("S3", looked());
}

AwsKeys Finder::keys() const {
  if (options_.anonymous) return nullptr;
  auto keys = found();
  if (options_.role_arn.empty()) {
    if (options_.external_id.empty()) return keys;
    throw Error(Errc::invalid_argument, "read", "the options",
                "there is an external_id and no role", "give role_arn too");
  }
  const AwsRole role{.arn = options_.role_arn, .external_id = options_.external_id};
  return std::make_shared<Renewable<Credentials>>(assume_role(sts(), role, std::move(keys)));
}

}  // namespace

S3Settings resolve_s3_settings(const Options& options, const Environment& environment) {
  const Finder finder(options, environment);
  return {.region = finder.region(),
          .endpoint = first_set({options.endpoint, finder.endpoint("s3", "AWS_ENDPOINT_URL_S3")}),
          .ca_bundle = finder.ca_bundle(),
          .credentials = finder.keys()};
}

}  // namespace cnf::storage
