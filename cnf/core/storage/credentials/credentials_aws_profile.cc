// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "cnf/core/storage/credentials/credentials_aws_internal.h"
#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/credentials/sts_internal.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

std::string shown(const std::string& name) { return "AWS profile '" + name + "'"; }

[[noreturn]] void refuse(const std::string& name, std::string_view why, std::string_view remedy) {
  throw Error(Errc::invalid_argument, "read", shown(name), why, remedy);
}

[[noreturn]] void refuse_kind(const std::string& name, const std::string& kind) {
  throw Error(
      Errc::unsupported, "read", shown(name),
      "it gets its keys by " + kind + ", which is not supported",
      "run: eval \"$(aws configure export-credentials --format env --profile " + name + ")\"");
}

// Follows profiles from one to the next.
class Resolver {
 public:
  Resolver(const ProfileFiles& files, Sts sts, const Environment& environment)
      : files_(files), sts_(std::move(sts)), environment_(environment) {}

  /// \param is_source  of another's role: then keys go before a role, as in AWS's own tools.
  AwsKeys keys_of(const std::string& name, bool is_source) {
    const auto profile = files_.find(name);
    if (!profile) {
      refuse(name, "no profile file has it", "list them with: aws configure list-profiles");
    }
    const bool has_role = !value_of(*profile, "role_arn").empty();
    const bool has_keys = !value_of(*profile, "aws_access_key_id").empty();
    if (has_role && !(is_source && has_keys)) return keys_of_role(name, *profile);
    if (auto keys = pair_of(name, *profile)) return keys;
    for (const char* kind : {"sso_session", "sso_start_url"}) {
      if (!value_of(*profile, kind).empty()) refuse_kind(name, kind);
    }
    if (const auto command = value_of(*profile, "credential_process"); !command.empty()) {
      return keys_of_process(command, shown(name));
    }
    return nullptr;
  }

 private:
  static AwsKeys pair_of(const std::string& name, const Profile& profile) {
    return checked_pair(
        {value_of(profile, "aws_access_key_id"), value_of(profile, "aws_secret_access_key"),
         value_of(profile, "aws_session_token")},
        shown(name));
  }

  static AwsRole role_of(const std::string& name, const Profile& profile) {
    AwsRole out{.arn = value_of(profile, "role_arn"),
                .external_id = value_of(profile, "external_id"),
                .session_name = value_of(profile, "role_session_name")};
    const auto duration = value_of(profile, "duration_seconds");
    if (duration.empty()) return out;
    int seconds = 0;
    const auto [end, error] =
        std::from_chars(duration.data(), duration.data() + duration.size(), seconds);
    if (error != std::errc{} || end != duration.data() + duration.size() || seconds < 900 ||
        seconds > 43'200) {
      refuse(name, "its duration_seconds is not a number from 900 to 43200", {});
    }
    out.duration = std::chrono::seconds(seconds);
    return out;
  }

  AwsKeys keys_of_role(const std::string& name, const Profile& profile) {
    if (!value_of(profile, "mfa_serial").empty()) refuse_kind(name, "mfa_serial");
    const auto role = role_of(name, profile);
    const auto token_file = value_of(profile, "web_identity_token_file");
    const auto source = value_of(profile, "source_profile");
    const auto place = value_of(profile, "credential_source");
    const auto given = std::array{token_file.empty(), source.empty(), place.empty()};
    if (std::count(given.begin(), given.end(), false) != 1) {
      refuse(name,
             "its role needs one of source_profile, credential_source and "
             "web_identity_token_file",
             "give it one");
    }
    if (!token_file.empty()) {
      return std::make_shared<Renewable<Credentials>>(assume_role_by_token(sts_, role, token_file));
    }
    auto caller = source.empty() ? keys_of_place(name, place) : keys_of_source(name, source);
    return std::make_shared<Renewable<Credentials>>(assume_role(sts_, role, std::move(caller)));
  }

  AwsKeys keys_of_source(const std::string& name, const std::string& source) {
    constexpr std::size_t kLongestChain = 16;
    visited_.push_back(name);
    if (visited_.size() > kLongestChain) refuse(name, "its chain of profiles has over 16", {});
    const bool is_loop = std::find(visited_.begin(), visited_.end(), source) != visited_.end();
    // A profile with keys of its own may name itself.
    const auto profile = files_.find(source);
    const bool has_keys = profile && !value_of(*profile, "aws_access_key_id").empty();
    if (is_loop && !has_keys) refuse(name, "its source_profile leads back to itself", {});
    if (auto keys = keys_of(source, true)) return keys;
    refuse(source, "it has no credentials, and is the source_profile of another", {});
  }

  AwsKeys keys_of_place(const std::string& name, const std::string& place) const {
    AwsKeys keys;
    if (place == "Environment") {
      keys = find_environment_keys(environment_);
    } else if (place == "EcsContainer") {
      keys = find_container_keys(environment_);
    } else if (place == "Ec2InstanceMetadata") {
      keys = find_machine_keys(environment_, "by the profile's credential_source");
    } else {
      refuse(name,
             "its credential_source is none of Environment, EcsContainer and "
             "Ec2InstanceMetadata",
             {});
    }
    if (!keys) refuse(name, "its credential_source " + place + " has no credentials", {});
    return keys;
  }

  const ProfileFiles& files_;
  Sts sts_;
  const Environment& environment_;
  std::vector<std::string> visited_;
};

}  // namespace

std::string value_of(const Profile& profile, std::string_view key) {
  const auto found = profile.find(key);
  return found == profile.end() ? std::string() : found->second;
}

AwsKeys checked_pair(Credentials credentials, std::string_view where) {
  const bool has_id = !credentials.access_key_id.empty();
  const bool has_secret = !credentials.secret_access_key.empty();
  if (!has_id && !has_secret) return nullptr;
  if (!has_id || !has_secret) {
    throw Error(Errc::invalid_argument, "read", where,
                has_id ? "the secret access key is missing" : "the access key id is missing",
                "give both halves of the key pair");
  }
  return std::make_shared<Renewable<Credentials>>(std::move(credentials));
}

AwsKeys find_environment_keys(const Environment& environment) {
  return checked_pair({environment.variable("AWS_ACCESS_KEY_ID").value_or(""),
                       environment.variable("AWS_SECRET_ACCESS_KEY").value_or(""),
                       environment.variable("AWS_SESSION_TOKEN").value_or("")},
                      "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
}

AwsKeys find_profile_keys(const ProfileFiles& files, const std::string& name, const Sts& sts,
                          const Environment& environment) {
  return Resolver(files, sts, environment).keys_of(name, false);
}

}  // namespace cnf::storage
