// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/credentials_internal.h"
#include "cnf/core/storage/options.h"
#include "cnf/core/storage/renewable_internal.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

std::string value_of(const Profile& profile, std::string_view key) {
  const auto found = profile.find(key);
  return found == profile.end() ? std::string() : found->second;
}

// Both halves or neither: half a key pair is a typo, and looking further would hide it.
std::optional<Credentials> checked(Credentials credentials, std::string_view where) {
  const bool has_id = !credentials.access_key_id.empty();
  const bool has_secret = !credentials.secret_access_key.empty();
  if (!has_id && !has_secret) return std::nullopt;
  if (!has_id || !has_secret) {
    throw Error(Errc::invalid_argument, "read", where,
                has_id ? "the secret access key is missing" : "the access key id is missing",
                "give both halves of the key pair");
  }
  return credentials;
}

std::string first_set(std::initializer_list<std::string> values) {
  for (const auto& value : values) {
    if (!value.empty()) return value;
  }
  return {};
}

std::string endpoint_of(const Profile& profile, const ProfileFiles& files) {
  const auto services = value_of(profile, "services");
  return first_set(
      {services.empty() ? std::string() : value_of(files.services(services), "s3.endpoint_url"),
       value_of(profile, "s3.endpoint_url"), value_of(profile, "endpoint_url")});
}

}  // namespace

std::optional<Credentials> ExplicitCredentials::find() const {
  return checked({options_.access_key_id, options_.secret_access_key, options_.session_token},
                 "the options");
}

std::optional<Credentials> EnvironmentCredentials::find() const {
  return checked({environment_.variable("AWS_ACCESS_KEY_ID").value_or(""),
                  environment_.variable("AWS_SECRET_ACCESS_KEY").value_or(""),
                  environment_.variable("AWS_SESSION_TOKEN").value_or("")},
                 "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
}

std::optional<Credentials> ProfileCredentials::find() const {
  const auto profile = files_.find(name_);
  if (!profile) {
    if (!required_) return std::nullopt;
    throw Error(Errc::invalid_argument, "read", "AWS profile '" + name_ + "'",
                "no profile file has it", "list them with: aws configure list-profiles");
  }
  auto found =
      checked({value_of(*profile, "aws_access_key_id"), value_of(*profile, "aws_secret_access_key"),
               value_of(*profile, "aws_session_token")},
              "AWS profile '" + name_ + "'");
  if (found) return found;
  constexpr std::array<std::string_view, 5> kOtherKinds = {
      "sso_session", "sso_start_url", "role_arn", "credential_process", "web_identity_token_file"};
  for (const auto kind : kOtherKinds) {
    if (profile->find(kind) == profile->end()) continue;
    throw Error(
        Errc::unsupported, "read", "AWS profile '" + name_ + "'",
        "it gets its keys by " + std::string(kind) + ", which is not supported yet",
        "run: eval \"$(aws configure export-credentials --format env --profile " + name_ + ")\"");
  }
  return std::nullopt;
}

S3Settings resolve_s3_settings(const Options& options, const Environment& environment) {
  const ProfileFiles files(environment);
  const auto named = environment.variable("AWS_PROFILE");
  const auto name = first_set({options.profile, named.value_or(""), "default"});
  const auto profile = files.find(name).value_or(Profile{});
  const auto variable = [&](const std::string& key) {
    return environment.variable(key).value_or("");
  };

  S3Settings out;
  out.region = first_set({options.region, variable("AWS_REGION"), variable("AWS_DEFAULT_REGION"),
                          value_of(profile, "region"), "us-east-1"});
  out.endpoint = first_set({options.endpoint, variable("AWS_ENDPOINT_URL_S3"),
                            variable("AWS_ENDPOINT_URL"), endpoint_of(profile, files)});
  out.ca_bundle = first_set({variable("AWS_CA_BUNDLE"), value_of(profile, "ca_bundle")});
  if (options.anonymous) return out;

  const ExplicitCredentials from_options(options);
  const EnvironmentCredentials from_environment(environment);
  const ProfileCredentials from_profile(files, name, !options.profile.empty() || named.has_value());
  const bool profile_first = !options.profile.empty();
  const std::array<const CredentialSource*, 3> chain = {
      &from_options,
      profile_first ? static_cast<const CredentialSource*>(&from_profile) : &from_environment,
      profile_first ? static_cast<const CredentialSource*>(&from_environment) : &from_profile};
  for (const auto* source : chain) {
    auto found = source->find();
    if (!found) continue;
    out.credentials = std::make_shared<Renewable<Credentials>>(*std::move(found));
    return out;
  }
  throw Error(Errc::unauthenticated, "find", "credentials for S3",
              "none in the options, in AWS_ACCESS_KEY_ID, or in profile '" + name + "'",
              "set them, or anonymous=true for a public bucket");
}

}  // namespace cnf::storage
