// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/credentials/issuer_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/credentials/sts_internal.h"

/// The places where keys for AWS may be, each a way to make them.
namespace cnf::storage {

using AwsKeys = std::shared_ptr<Renewable<Credentials>>;

/// {"AccessKeyId": …, "SecretAccessKey": …, "Token" or "SessionToken": …, "Expiration": …}, as
/// metadata services and processes answer. Throws Error corrupt_data.
[[nodiscard]] Expiring<Credentials> parse_keys(const SecretJson& json);

/// The task's or the pod's: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI of ECS, or …_FULL_URI, with
/// AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (read anew each time) or …_TOKEN. Null if neither is set.
/// Throws Error invalid_argument if the URI is neither https nor loopback nor a container's own
/// address: 169.254.170.2, 169.254.170.23, [fd00:ec2::23].
/// Source: "Container credential provider", AWS SDKs and Tools Reference Guide.
[[nodiscard]] AwsKeys find_container_keys(const Environment& environment);

/// The machine's role, by IMDSv2: never by version 1, which a request forged by a third party can
/// reach. AWS_EC2_METADATA_SERVICE_ENDPOINT says where, else …_ENDPOINT_MODE=IPv6. Null if
/// AWS_EC2_METADATA_DISABLED is "true". If nothing answers, the source throws unauthenticated
/// within 2.5 s.
/// \param looked  where nothing was found before, for that error.
[[nodiscard]] AwsKeys find_machine_keys(const Environment& environment, const std::string& looked);

/// What credential_process of a profile prints. Runs no shell: the command is split at blanks, with
/// quotes and backslashes as in POSIX. 60 s, 64 KiB. Throws Error invalid_argument if the command
/// cannot be split.
/// Source: "Process credential provider", AWS SDKs and Tools Reference Guide.
[[nodiscard]] AwsKeys keys_of_process(std::string_view command, const std::string& profile);
/// nullopt if a quote is not closed.
[[nodiscard]] std::optional<std::vector<std::string>> split_command(std::string_view command);
/// Runs a program and returns what it writes to its standard output. Throws Error: unavailable
/// (cannot be started, takes over 60 s), unauthenticated (another exit status than 0), corrupt_data
/// (over 64 KiB), cancelled.
[[nodiscard]] std::string run_process(const std::vector<std::string>& arguments,
                                      const std::string& name, const Context& context);

/// What a profile says: keys; a role with source_profile or credential_source; a web identity; a
/// process. Null if it says nothing of keys.
/// Throws Error invalid_argument (no such profile, half a pair, a loop of profiles, a role without
/// a source), unsupported (MFA, SSO).
/// Source: "Assume role credential provider", AWS SDKs and Tools Reference Guide.
[[nodiscard]] AwsKeys find_profile_keys(const ProfileFiles& files, const std::string& name,
                                        const Sts& sts, const Environment& environment);

/// Both halves of a pair, or neither: half of one is a typo, and looking further would hide it.
[[nodiscard]] AwsKeys checked_pair(Credentials credentials, std::string_view where);
/// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN. Null if they are not set.
[[nodiscard]] AwsKeys find_environment_keys(const Environment& environment);

/// "" if the profile does not have it.
[[nodiscard]] std::string value_of(const Profile& profile, std::string_view key);

}  // namespace cnf::storage
