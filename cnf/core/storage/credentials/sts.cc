// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <pugixml.hpp>

#include "cnf/core/storage/credentials/credentials_internal.h"
#include "cnf/core/storage/credentials/issuer_internal.h"
#include "cnf/core/storage/credentials/renewable_internal.h"
#include "cnf/core/storage/credentials/sts_internal.h"
#include "cnf/core/storage/http/http_engine_internal.h"
#include "cnf/core/storage/http/http_url_internal.h"
#include "cnf/core/storage/s3/s3_xml_internal.h"
#include "cnf/core/storage/s3/sigv4_internal.h"
#include "cnf/core/util/buffer.h"
#include "cnf/core/util/checksum.h"
#include "cnf/core/util/context.h"
#include "cnf/core/util/error.h"

namespace cnf::storage {
namespace {

using Source = Renewable<Credentials>::Source;

std::chrono::sys_seconds now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

IssuerRequest request_to(const Sts& sts, const AwsRole& role) {
  IssuerRequest out;
  out.method = "POST";
  set_url(out, sts.endpoint, "the endpoint of STS");
  out.name = out.endpoint.url() + " for " + one_line(role.arn, 200);
  out.path = "/";
  out.headers = {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  out.ca_bundle = sts.ca_bundle;
  return out;
}

QueryParameters fields_of(const char* action, const AwsRole& role) {
  const auto session = role.session_name.empty()
                           ? "cnf-" + std::to_string(now().time_since_epoch().count())
                           : role.session_name;
  return {{"Action", action},
          {"DurationSeconds", std::to_string(role.duration.count())},
          {"RoleArn", role.arn},
          {"RoleSessionName", session},
          {"Version", "2011-06-15"}};
}

void sign(IssuerRequest& request, const std::string& region, const Credentials& credentials) {
  request.headers.emplace_back("Host", request.endpoint.authority);
  SigningInput input{request.method,
                     request.endpoint.path + request.path,
                     {},
                     std::move(request.headers),
                     to_hex(sha256(as_bytes(request.body)))};
  const SigningScope scope{
      .time = now(), .region = region, .service = "sts", .path_rule = PathRule::normalized};
  sign_headers(input, scope, credentials);
  request.headers = std::move(input.headers);
}

// pugixml skips a DOCTYPE and expands none of its entities.
pugi::xml_node root_of(pugi::xml_document& document, std::string_view xml) {
  const auto result =
      document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8);
  return result ? document.document_element() : pugi::xml_node();
}

bool is_expired(std::string_view code) {
  return code == "ExpiredToken" || code == "ExpiredTokenException";
}

// Two digits of "+hh:mm" at `at`; -1 if they are none.
int digits_at(std::string_view text, std::size_t at) {
  int value = -1;
  const auto part = text.substr(at, 2);
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
  return error == std::errc{} && end == part.data() + 2 ? value : -1;
}

}  // namespace

std::string aws_domain(std::string_view region) {
  return region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
}

std::chrono::sys_seconds parse_expiration(std::string_view text, const std::string& subject) {
  std::chrono::minutes ahead{0};
  std::string in_utc(text);
  if (text.size() > 6 && text[text.size() - 3] == ':') {
    const auto offset = text.substr(text.size() - 6);  // "+hh:mm"
    const int hours = digits_at(offset, 1);
    const int minutes = digits_at(offset, 4);
    if ((offset[0] == '+' || offset[0] == '-') && hours >= 0 && minutes >= 0) {
      ahead =
          (offset[0] == '+' ? 1 : -1) * (std::chrono::hours(hours) + std::chrono::minutes(minutes));
      in_utc = std::string(text.substr(0, text.size() - 6)) + "Z";
    }
  }
  const auto time = parse_iso8601(in_utc);
  if (!time) throw Error(Errc::corrupt_data, "read", subject, "its time of expiration is none");
  return *time - ahead;
}

std::string parse_sts_error_code(std::string_view xml) {
  pugi::xml_document document;
  const auto root = root_of(document, xml);
  if (std::string_view(root.name()) != "ErrorResponse") return {};
  return root.child("Error").child_value("Code");
}

Expiring<Credentials> parse_assumed_role(std::string_view xml, const std::string& subject) {
  pugi::xml_document document;
  const auto root = root_of(document, xml);
  for (const char* action : {"AssumeRole", "AssumeRoleWithWebIdentity"}) {
    const auto keys = root.child((std::string(action) + "Result").c_str()).child("Credentials");
    if (std::string_view(root.name()) != std::string(action) + "Response" || !keys) continue;
    Expiring<Credentials> out{{keys.child_value("AccessKeyId"), keys.child_value("SecretAccessKey"),
                               keys.child_value("SessionToken")}};
    if (out.secret.access_key_id.empty() || out.secret.secret_access_key.empty()) break;
    out.expires = parse_expiration(keys.child_value("Expiration"), subject);
    return out;
  }
  throw Error(Errc::corrupt_data, "read", subject, "its answer has no credentials",
              "is the endpoint an STS?");
}

Source assume_role(const Sts& sts, const AwsRole& role,
                   std::shared_ptr<Renewable<Credentials>> caller) {
  return [request = request_to(sts, role), region = sts.region, role,
          caller = std::move(caller)](const Context& context) {
    auto fields = fields_of("AssumeRole", role);
    if (!role.external_id.empty()) fields.emplace_back("ExternalId", role.external_id);
    for (bool again = false;; again = true) {
      const auto edition = caller->wait(context);
      auto full = request;
      full.body = form_of(fields);
      sign(full, region, *edition.secret);
      auto response = ask_issuer(full, context);
      const auto code = parse_sts_error_code(response.body);
      if (is_expired(code) && !again && caller->reject(edition.number)) continue;
      return parse_assumed_role(
          take_body(full, std::move(response), code, "may these credentials assume the role?"),
          request.name);
    }
  };
}

Source assume_role_by_token(const Sts& sts, const AwsRole& role, const std::string& token_file) {
  return [request = request_to(sts, role), role, token_file](const Context& context) {
    const auto token = read_secret_file(token_file);
    if (!token || token->empty()) {
      throw Error(Errc::unauthenticated, "read", token_file, "there is no token in it",
                  "AWS_WEB_IDENTITY_TOKEN_FILE or the profile names it");
    }
    auto fields = fields_of("AssumeRoleWithWebIdentity", role);
    fields.emplace_back("WebIdentityToken", *token);
    auto full = request;
    full.body = form_of(fields);
    auto response = ask_issuer(full, context);
    const auto code = parse_sts_error_code(response.body);
    return parse_assumed_role(
        take_body(full, std::move(response), code, "does the role trust the token's issuer?"),
        request.name);
  };
}

}  // namespace cnf::storage
