// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cnf/core/storage/credentials/credentials_aws_internal.h"
#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/credentials/issuer_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/credentials/sts_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

std::string trimmed(std::string text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto end = text.find_last_not_of(kBlank);
  text.resize(end == std::string::npos ? 0 : end + 1);
  return text;
}

bool is_container_host(const Endpoint& endpoint) {
  constexpr std::array<std::string_view, 3> kHosts = {"169.254.170.2", "169.254.170.23",
                                                      "[fd00:ec2::23]"};
  return endpoint.scheme == "https" || endpoint.is_loopback() ||
         std::find(kHosts.begin(), kHosts.end(), endpoint.host()) != kHosts.end();
}

constexpr const char* kMachineRoles = "/latest/meta-data/iam/security-credentials/";

Expiring<Credentials> ask_machine(const IssuerRequest& base, const Context& context,
                                  const std::string& looked) {
  auto ask_for_token = base;
  ask_for_token.method = "PUT";
  ask_for_token.path = "/latest/api/token";
  ask_for_token.headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}};
  auto answer = ask_metadata(ask_for_token, context, "S3", looked);
  if (answer.status >= 300 && answer.status < 500) {  // another cloud's, or version 1 alone
    throw no_credentials(
        "S3", looked,
        "; and " + base.name + " gives no token: it answered " + std::to_string(answer.status));
  }
  const auto token = trimmed(take_body(base, std::move(answer), {}, {}));
  auto request = base;
  request.path = kMachineRoles;
  request.headers = {{"X-aws-ec2-metadata-token", token}};
  auto roles = take_body(base, ask_issuer(request, context), {}, "does the machine have a role?");
  const auto role = trimmed(roles.substr(0, roles.find('\n')));
  if (role.empty()) {
    throw Error(Errc::unauthenticated, "ask", base.name, "the machine has no role",
                "give it one, or set other credentials");
  }
  request.path = kMachineRoles + role;
  const auto json =
      SecretJson::parse(take_body(base, ask_issuer(request, context), {}, {}), base.name);
  if (const auto code = json.optional_text("Code"); !code.empty() && code != "Success") {
    throw Error(Errc::unauthenticated, "ask", base.name, "it has no credentials for its role",
                "may the role be assumed by EC2?");
  }
  return parse_keys(json);
}

}  // namespace

Expiring<Credentials> parse_keys(const SecretJson& json) {
  Expiring<Credentials> out{
      {json.text("AccessKeyId"), json.text("SecretAccessKey"), json.optional_text("Token")}};
  if (out.secret.session_token.empty()) {
    out.secret.session_token = json.optional_text("SessionToken");
  }
  if (const auto end = json.optional_text("Expiration"); !end.empty()) {
    out.expires = parse_expiration(end, json.subject());
  }
  return out;
}

AwsKeys find_container_keys(const Environment& environment) {
  const auto relative = environment.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  const auto full = environment.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (!relative && !full) return nullptr;
  auto request = metadata_request("the container's credentials endpoint");
  if (relative) {
    set_url(request, "http://169.254.170.2" + *relative, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  } else {
    set_url(request, *full, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  }
  if (!is_container_host(request.endpoint)) {
    throw Error(Errc::invalid_argument, "read", "the URI of the container's credentials",
                "it is neither https nor an address of the container's own",
                "use https, or a loopback address");
  }
  const auto token_file =
      environment.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").value_or("");
  const auto token = environment.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
  return std::make_shared<Renewable<Credentials>>([=](const Context& context) {
    auto signed_request = request;
    auto authorization = token;
    if (!token_file.empty()) {
      authorization = trimmed(read_secret_file(token_file).value_or(""));
      if (authorization.empty()) {
        throw Error(Errc::unauthenticated, "read", token_file, "there is no token in it",
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE names it");
      }
    }
    if (!authorization.empty()) {
      signed_request.headers.emplace_back("Authorization", authorization);
    }
    auto response = ask_issuer(signed_request, context);
    const auto code = error_code_of(response.body);
    return parse_keys(SecretJson::parse(
        take_body(signed_request, std::move(response), code, "does the task have a role?"),
        request.name));
  });
}

AwsKeys find_machine_keys(const Environment& environment, const std::string& looked) {
  const auto is = [&](const char* name, std::string_view wanted) {
    auto value = environment.variable(name).value_or("");
    std::transform(value.begin(), value.end(), value.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return value == wanted;
  };
  if (is("AWS_EC2_METADATA_DISABLED", "true")) return nullptr;
  auto request = metadata_request("the machine's metadata service");
  const bool is_ipv6 = is("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ipv6");
  set_url(request,
          environment.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT")
              .value_or(is_ipv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254"),
          "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  return std::make_shared<Renewable<Credentials>>(
      [=](const Context& context) { return ask_machine(request, context, looked); });
}

}  // namespace cnf::storage
