// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"

/// AWS Security Token Service: keys that end, for a role.
/// Source: AWS Security Token Service API Reference, version 2011-06-15.
namespace cnf::storage {

/// Where roles are assumed.
struct Sts {
  std::string endpoint;  ///< "https://sts.eu-west-1.amazonaws.com".
  std::string region;    ///< That requests are signed for.
  std::string ca_bundle = {};
};

struct AwsRole {
  std::string arn;
  std::string external_id = {};
  std::string session_name = {};         ///< Empty: "cnf-" and the time.
  std::chrono::seconds duration{3'600};  ///< How long the keys shall hold.
};

/// AssumeRole by the keys of `caller`, which may be renewed. Throws Error invalid_argument if the
/// endpoint is none; the source throws what ask_issuer and take_body throw.
[[nodiscard]] Renewable<Credentials>::Source assume_role(
    const Sts& sts, const AwsRole& role, std::shared_ptr<Renewable<Credentials>> caller);

/// AssumeRoleWithWebIdentity by the token in a file, which is read anew each time.
[[nodiscard]] Renewable<Credentials>::Source assume_role_by_token(const Sts& sts,
                                                                  const AwsRole& role,
                                                                  const std::string& token_file);

/// The <Credentials> in an answer of either kind; throws Error corrupt_data, which names `subject`
/// and nothing of the answer.
[[nodiscard]] Expiring<Credentials> parse_assumed_role(std::string_view xml,
                                                       const std::string& subject);
/// The <Code> of an <ErrorResponse>; empty if it is none.
[[nodiscard]] std::string parse_sts_error_code(std::string_view xml);

/// "2019-11-09T13:34:41Z" or with an offset, "…+00:00". Throws Error corrupt_data.
[[nodiscard]] std::chrono::sys_seconds parse_expiration(std::string_view text,
                                                        const std::string& subject);

/// ".amazonaws.com", or what stands for it in the region.
[[nodiscard]] std::string aws_domain(std::string_view region);

}  // namespace cnf::storage
